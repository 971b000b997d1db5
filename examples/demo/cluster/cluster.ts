import { join } from 'node:path';
import { EXIT } from '../../kv/exit.js';
import type { NodeOptions } from '../../kv/node-options.js';
import type { Announcement } from './announcement.js';
import type { ClusterSabotage } from './node-orders.js';
import { type NodeEnd, NodeProcess } from './node-process.js';
import { Violation } from './violation.js';
import type { WatchedWait } from './watched-wait.js';
import type { Witness } from './witness.js';

export const CLUSTER_ID = 'demo';

/** Small, so that rotation, compaction and snapshots happen while one watches. */
const TUNING = {
  tickMs: 30,
  snapshotEveryEntries: 500,
  keepEntries: 100,
  recentBytes: 16 * 1024,
  segmentBytes: 128 * 1024,
} as const;
/** A log that lies must not be made honest by a snapshot, which waits for it. */
const NEVER = 1_000_000_000;
/** A port may be taken by a stranger for a moment. */
const LISTEN_TRIES = 50;

interface Life {
  readonly process: NodeProcess;
  isTakingPart: boolean;
  hasOpened: boolean;
  /** Set before it is killed or stopped: its end is then no surprise. */
  isExpectedToEnd: boolean;
}

/** The three nodes' processes: started, killed, started again. */
export class Cluster {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  kills = 0;
  killsInsideRecovery = 0;
  readonly #folder: string;
  readonly #sabotage: ClusterSabotage;
  readonly #engine: string | null;
  readonly #witness: Witness;
  readonly #wait: WatchedWait;
  readonly #lives = new Map<string, Life>();
  readonly #initialised = new Set<string>();
  #listenTries = 0;
  #isClosing = false;

  constructor(
    folder: string,
    ports: readonly number[],
    sabotage: ClusterSabotage,
    witness: Witness,
    wait: WatchedWait,
    engine: string | null,
  ) {
    this.#engine = engine;
    this.#folder = folder;
    this.#sabotage = sabotage;
    this.#witness = witness;
    this.#wait = wait;
    this.names = ports.map((_, at) => `n${at + 1}`);
    this.addresses = ports.map((port) => `127.0.0.1:${port}`);
  }

  get running(): readonly string[] {
    return this.names.filter((name) => this.#lives.has(name));
  }

  addressOf(name: string): string {
    return this.addresses[this.names.indexOf(name)] ?? '';
  }

  isTakingPart(name: string): boolean {
    return this.#lives.get(name)?.isTakingPart ?? false;
  }

  start(name: string): void {
    if (this.#isClosing) return;
    const process = new NodeProcess(
      { options: this.#options(name), sabotage: this.#sabotage },
      (announcement) => {
        this.#hear(name, life, announcement);
      },
    );
    const life: Life = { process, isTakingPart: false, hasOpened: false, isExpectedToEnd: false };
    this.#lives.set(name, life);
    this.#initialised.add(name);
    void process.ended.then((end) => {
      this.#ended(name, life, end);
    });
  }

  async untilAllTakePart(): Promise<void> {
    await this.#wait.until('all nodes to take part', () =>
      this.names.every((name) => this.isTakingPart(name)),
    );
  }

  /** Kills some nodes at the same moment. */
  async kill(names: readonly string[]): Promise<void> {
    const lives = names.map((name) => this.#lives.get(name)).filter((life) => life !== undefined);
    for (const life of lives) {
      life.isExpectedToEnd = true;
      life.process.kill();
      this.kills += 1;
      if (!life.isTakingPart) this.killsInsideRecovery += 1;
    }
    await Promise.all(lives.map((life) => life.process.ended));
  }

  /** Stops all in good order; a node that does not is a violation. */
  async stopAll(): Promise<void> {
    const ends = [...this.#lives].map(async ([name, life]) => {
      life.isExpectedToEnd = true;
      life.process.stop();
      const { code, signal, complaint } = await life.process.ended;
      if (code === EXIT.done) return;
      throw new Violation('A node did not stop in good order:', [
        `${name}: ${code ?? signal ?? ''} ${complaint}`,
      ]);
    });
    await this.#wait.until('the nodes to stop', () => this.#lives.size === 0);
    await Promise.all(ends);
  }

  /** Whatever happens: when this resolves, no node runs any more. */
  async close(): Promise<void> {
    this.#isClosing = true;
    const lives = [...this.#lives.values()];
    for (const life of lives) {
      life.isExpectedToEnd = true;
      life.process.kill();
    }
    await Promise.all(lives.map((life) => life.process.ended));
  }

  #options(name: string): NodeOptions {
    const addresses = Object.fromEntries(this.names.map((member, at) => [member, this.addresses[at] ?? '']));
    const isNew = !this.#initialised.has(name);
    return {
      folder: join(this.#folder, name),
      founding: isNew ? { clusterId: CLUSTER_ID, memberId: name, addresses } : null,
      ...TUNING,
      engine: this.#engine,
      ...(this.#sabotage === 'none' ? {} : { snapshotEveryEntries: NEVER }),
    };
  }

  #hear(name: string, life: Life, announcement: Announcement): void {
    if (announcement.kind === 'taking-part') life.isTakingPart = true;
    if (announcement.kind === 'opened') life.hasOpened = true;
    this.#witness.hear(name, announcement);
  }

  #ended(name: string, life: Life, { code, signal, complaint }: NodeEnd): void {
    this.#lives.delete(name);
    this.#witness.gone(name);
    if (life.isExpectedToEnd || this.#isClosing) return;
    if (complaint.includes('cannot listen') && this.#listenTries < LISTEN_TRIES) {
      this.#listenTries += 1;
      setTimeout(() => {
        this.start(name);
      }, 100);
      return;
    }
    this.#witness.violation ??= new Violation('A node ended by itself:', [
      `${name} (${signal ?? `exit code ${code}`}): ${complaint}`,
    ]);
  }
}
