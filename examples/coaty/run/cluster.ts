import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../sim/index.js';
import type { Killable } from '../../go-raft/run/ordeal.js';
import { Part, sumOf } from '../../go-raft/run/part.js';
import { verifyLogs } from '../../go-raft/run/verify-logs.js';
import { moduleOf } from '../library.js';

const MEMBER = join(import.meta.dirname, '../member/main.js');
const MEMBERS = ['n1', 'n2', 'n3'] as const;
/** One kill of so many takes all members at once, as a power cut would. */
const ALL_AT_ONCE = 5;
/** Against what hangs: so long a cluster may take to form. */
const FORMING_MS = 60_000;

/** What this uses of aedes, which the library brings. */
interface Broker {
  readonly handle: (socket: Socket) => void;
  close(done: () => void): void;
}

/** Three members, and the MQTT broker over which they speak, which is in this process and keeps nothing. */
export class Cluster implements Killable {
  readonly urls: readonly string[];
  readonly #folder: string;
  readonly #members: readonly Part[];
  readonly #broker: Broker;
  readonly #listener: Server;
  readonly #brokerPort: number | undefined;
  #wholes = 0;

  constructor(folder: string, ports: readonly number[]) {
    this.#folder = folder;
    this.urls = MEMBERS.map((_, at) => `http://127.0.0.1:${ports[at]}`);
    this.#brokerPort = ports[MEMBERS.length];
    this.#broker = (moduleOf('aedes') as () => Broker)();
    this.#listener = createServer(this.#broker.handle);
    this.#members = MEMBERS.map((id, at) => {
      mkdirSync(join(folder, id));
      const command = [process.execPath, MEMBER, '--id', id, '--dir', join(folder, id, 'log')];
      const place = ['--broker', `mqtt://127.0.0.1:${this.#brokerPort}`, '--port', String(ports[at])];
      const first = at === 0 ? ['--create'] : [];
      return new Part(id, [...command, ...place, ...first], join(folder, `${id}.txt`));
    });
  }

  get ends(): number {
    return sumOf(this.#members, 'ends');
  }

  /** Resolved: all three are members. The library cannot finish a cluster whose first member died while it made it. */
  async start(): Promise<void> {
    this.#listener.listen(this.#brokerPort, '127.0.0.1');
    for (const member of this.#members) member.start();
    const endMs = performance.now() + FORMING_MS;
    while ((await this.#memberCount()) < MEMBERS.length) {
      if (performance.now() > endMs) throw new Error('the cluster does not form');
      await delay(50);
    }
  }

  async #memberCount(): Promise<number> {
    try {
      const answer = await fetch(`${this.urls[0]}/members`, { signal: AbortSignal.timeout(2000) });
      return ((await answer.json()) as readonly string[]).length;
    } catch {
      return 0;
    }
  }

  /** One member, or all. One may stay down until the next kill: then it has fallen behind, and needs a snapshot. */
  kill(random: Random): void {
    this.revive();
    const isWhole = random.below(ALL_AT_ONCE) === 0;
    if (isWhole) this.#wholes += 1;
    const one = random.below(this.#members.length);
    this.#members.forEach((member, at) => {
      if (isWhole || at === one) member.kill(!isWhole && random.below(2) === 0);
    });
  }

  revive(): void {
    for (const member of this.#members) member.revive();
  }

  told(): string {
    return `members ${sumOf(this.#members, 'kills')} times, ${this.#wholes} times all at once; ended by itself: ${this.ends}`;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.stop()));
    this.#listener.close();
    await new Promise<void>((resolve) => {
      this.#broker.close(resolve);
    });
  }

  /** How many snapshots the members say that they took, and installed from a leader. */
  snapshots(): string {
    const said = MEMBERS.map((id) => readFileSync(join(this.#folder, `${id}.txt`), 'utf8')).join('');
    const count = (words: string): number => said.split(words).length - 1;
    return `${count('snapshot taken')} taken, ${count('snapshot installed')} installed`;
  }

  verify(): readonly string[] {
    return verifyLogs(MEMBERS, (id) => join(this.#folder, id, 'log'));
  }
}
