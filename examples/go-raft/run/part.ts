import { spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';
import { once } from 'node:events';

/** A process of the cluster: whenever it ends, it is started again, as a supervisor would. */
export class Part {
  readonly name: string;
  kills = 0;
  /** How often it ended and nobody had killed it. */
  ends = 0;
  readonly #command: readonly string[];
  readonly #output: number;
  #child: ChildProcess | null = null;
  #isStopping = false;
  #isKilled = false;
  #isDown = false;

  constructor(name: string, command: readonly string[], outputPath: string) {
    this.name = name;
    this.#command = command;
    this.#output = openSync(outputPath, 'a');
  }

  start(): void {
    const [file = '', ...args] = this.#command;
    this.#isKilled = false;
    this.#child = spawn(file, args, { stdio: ['ignore', this.#output, this.#output] });
    this.#child.once('close', () => {
      this.#child = null;
      if (!this.#isKilled && !this.#isStopping) this.ends += 1;
      if (!this.#isStopping && !this.#isDown) this.start();
    });
  }

  /** @param staysDown - until it is revived */
  kill(staysDown: boolean): void {
    if (this.#child === null || this.#isKilled) return;
    this.#isKilled = true;
    this.#isDown = staysDown;
    this.kills += 1;
    this.#child.kill('SIGKILL');
  }

  revive(): void {
    if (this.#isDown && this.#child === null) this.start();
    this.#isDown = false;
  }

  /** In good order. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#child === null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    await closed;
  }
}

export function sumOf(parts: readonly Part[], of: 'kills' | 'ends'): number {
  return parts.reduce((sum, part) => sum + part[of], 0);
}
