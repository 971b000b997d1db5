import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Random } from '../../../sim/index.js';
import type { Killable } from './ordeal.js';
import { Part, sumOf } from './part.js';
import { verifyLogs } from './verify-logs.js';

const KEELSON = resolve(import.meta.dirname, '../../../src/cli/main.js');
const MEMBERS = ['n1', 'n2', 'n3'] as const;
/** One kill of so many takes all processes at once, as a power cut would. */
const ALL_AT_ONCE = 8;

/** Three members, each with a log server of its own. */
export class Cluster implements Killable {
  /** Where clients find the members. */
  readonly urls: readonly string[];
  readonly #folder: string;
  readonly #members: readonly Part[];
  readonly #logServers: readonly Part[];
  #wholes = 0;

  constructor(folder: string, program: string, ports: readonly number[]) {
    const local = (at: number): string => `127.0.0.1:${ports[at]}`;
    const members = MEMBERS.map((id, at) => `${id}=${local(at)}`).join(',');
    this.#folder = folder;
    this.urls = MEMBERS.map((_, at) => `http://${local(3 + at)}`);
    this.#logServers = MEMBERS.map((id, at) => {
      mkdirSync(join(folder, `logs-${id}`));
      const command = [
        process.execPath,
        KEELSON,
        'serve',
        join(folder, `logs-${id}`),
        '--port',
        String(ports[6 + at]),
      ];
      return new Part(
        `log server of ${id}`,
        [...command, '--segment-bytes', '262144'],
        join(folder, `log-server-${id}.txt`),
      );
    });
    this.#members = MEMBERS.map((id, at) => {
      const place = ['--log', local(6 + at), '--http', local(3 + at)];
      return new Part(id, [program, '--id', id, '--members', members, ...place], join(folder, `${id}.txt`));
    });
  }

  get #parts(): readonly Part[] {
    return [...this.#logServers, ...this.#members];
  }

  /** How often something ended that nobody had killed. */
  get ends(): number {
    return sumOf(this.#parts, 'ends');
  }

  start(): void {
    for (const part of this.#parts) part.start();
  }

  /** One of them, or all. A member may stay down until the next kill: then it has fallen behind, and needs a snapshot. */
  kill(random: Random): void {
    this.revive();
    const isWhole = random.below(ALL_AT_ONCE) === 0;
    if (isWhole) this.#wholes += 1;
    const one = random.below(this.#parts.length);
    this.#parts.forEach((part, at) => {
      if (!isWhole && at !== one) return;
      part.kill(!isWhole && this.#members.includes(part) && random.below(2) === 0);
    });
  }

  /** Nothing stays down. */
  revive(): void {
    for (const part of this.#parts) part.revive();
  }

  /** What was killed, and what ended by itself. */
  told(): string {
    return `members ${sumOf(this.#members, 'kills')} times, log servers ${sumOf(this.#logServers, 'kills')} times, ${this.#wholes} times all at once; ended by itself: ${this.ends}`;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((part) => part.stop()));
    await Promise.all(this.#logServers.map((part) => part.stop()));
  }

  /** How many snapshots the members say that they took, and installed from a leader. */
  snapshots(): string {
    const said = MEMBERS.map((id) => readFileSync(join(this.#folder, `${id}.txt`), 'utf8')).join('');
    const count = (words: string): number => said.split(words).length - 1;
    return `${count('snapshot complete')} taken, ${count('Installed remote snapshot')} installed`;
  }

  verify(): readonly string[] {
    return verifyLogs(MEMBERS, (id) => join(this.#folder, `logs-${id}`, id));
  }
}
