import { isKeelsonError } from '../../src/errors/index.js';
import { encodeConfiguration } from '../raft/index.js';
import type { NodeHostParts } from './node-world.js';

/** The life in which it takes them. */
interface RunningHost {
  readonly isRunning: boolean;
  fail(error: unknown): void;
}

/** Takes snapshots of a node's state and compacts its log, beside the loop: saves go on meanwhile. */
export class SnapshotTaker {
  readonly #host: RunningHost;
  readonly #parts: NodeHostParts;
  #isRunning = false;
  /** After a failure, no further try before this index. */
  #notBefore = 0;

  constructor(host: RunningHost, parts: NodeHostParts) {
    this.#host = host;
    this.#parts = parts;
  }

  takeIfDue(): void {
    const { snapshotEveryEntries, keepEntries } = this.#parts.world.plan.config;
    const { state, log } = this.#parts;
    const dueAt = Math.max(this.#notBefore, (log.snapshot?.index ?? 0) + snapshotEveryEntries);
    if (state.applied >= dueAt) this.#start(keepEntries);
  }

  /** Now, with nothing kept behind it. */
  takeAtOnce(): void {
    this.#start(0);
  }

  #start(keepEntries: number): void {
    const { state, log, world, raft } = this.#parts;
    if (this.#isRunning || !this.#host.isRunning) return;
    const index = state.applied;
    if (index <= (log.snapshot?.index ?? 0) || raft.status.applied !== index) return;
    this.#isRunning = true;
    const conf = encodeConfiguration(raft.status.configuration);
    const data = state.encode(world.plan.config.snapshotPadBytes);
    this.#take(index, conf, data, keepEntries)
      .catch((error: unknown) => {
        this.#failed(index, error);
      })
      .finally(() => {
        this.#isRunning = false;
      })
      .catch((error: unknown) => {
        world.found(error);
      });
  }

  async #take(index: number, conf: Uint8Array, data: Uint8Array, keepEntries: number): Promise<void> {
    const { log, node, world } = this.#parts;
    node.crashes.begin('snapshot');
    await log.createSnapshot({ index, conf, data });
    node.crashes.finish('snapshot');
    node.promised.snapshotKept(index);
    world.reach['snapshot-created'] += 1;
    node.crashes.begin('compaction');
    await log.compact(Math.max(0, index - keepEntries));
    node.crashes.finish('compaction');
    world.reach.compacted += 1;
  }

  #failed(index: number, error: unknown): void {
    const { world, node } = this.#parts;
    node.crashes.finish('snapshot');
    node.crashes.finish('compaction');
    this.#notBefore = index + world.plan.config.snapshotEveryEntries;
    if (!this.#host.isRunning) return;
    // A leader's snapshot came first: then this one is not needed.
    if (isKeelsonError(error, 'KEELSON_SNAPSHOT_OUT_OF_DATE')) return;
    if (isKeelsonError(error) && error.family === 'environment') node.judgeCause(error);
    else this.#host.fail(error);
  }
}
