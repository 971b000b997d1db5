import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Adapter } from './try-case.js';
import { isFields, type Fields } from './values.js';

/** An answer that has not come by then does not come. */
const ANSWER_MS = 60_000;

interface Waiting {
  readonly resolve: (answer: Fields) => void;
  readonly reject: (why: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** A client that is tried: a process that is given requests as lines of JSON, and answers each by a line with its `id`. */
export class AdapterProcess implements Adapter {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #failure: Error | null = null;

  constructor(command: string, args: readonly string[], address: string) {
    const env = { ...process.env, KEELSON_ADDRESS: address };
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
    this.#child.on('error', (error) => this.#fail(`the adapter cannot be run: ${error.message}`));
    this.#child.on('exit', (code, signal) =>
      this.#fail(`the adapter ended with ${signal ?? code ?? 'nothing'}`),
    );
    this.#child.stdin.on('error', () => undefined);
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line));
  }

  /** It says nothing that can be understood any more. */
  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  ask(request: Fields): Promise<Fields> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#fail(`the adapter did not answer ${String(request['call'])} for ${ANSWER_MS} ms`),
        ANSWER_MS,
      );
      this.#waiting.set(id, { resolve, reject, timer });
      this.#child.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }

  #take(line: string): void {
    let answer: unknown;
    try {
      answer = JSON.parse(line);
    } catch {
      answer = null;
    }
    const id = isFields(answer) ? Number(answer['id']) : 0;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      this.#fail(`the adapter answered nothing that was asked: ${line.slice(0, 200)}`);
      return;
    }
    clearTimeout(waiting.timer);
    this.#waiting.delete(id);
    waiting.resolve(answer as Fields);
  }

  #fail(why: string): void {
    this.#failure ??= new Error(why);
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(this.#failure);
    }
    this.#waiting.clear();
    this.end();
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}
