import { KeelsonError } from '../errors/index.js';
import type { SnapshotRef, SnapshotStore, StagedSnapshot } from '../snapshot/index.js';
import type { SegmentedLog } from '../wal/segmented-log.js';
import type { SnapshotData, SnapshotMeta } from './contract.js';
import type { DurableState } from './durable-state.js';
import { draftSnapshot } from './encode-save.js';
import type { FrameQueue } from './frame-queue.js';
import type { SnapshotPlan } from './judge-snapshot.js';

/** One snapshot to be taken. */
export interface SnapshotTurn {
  readonly index: number;
  readonly term: number;
  readonly conf: Uint8Array;
  readonly data: SnapshotData;
  /** From a leader: it may have left segments that hold nothing any more. */
  readonly isInstall: boolean;
  /** Judges the operation against the accepted state as it is now; throws if it may not be. */
  readonly judge: () => SnapshotPlan;
}

/**
 * Takes snapshots, one at a time, beside the saves (D10): stream the data into a file, publish it durably, judge
 * again, queue the one record that makes it count, and only when that is durable delete what it made unneeded.
 */
export class SnapshotTurns {
  readonly #log: SegmentedLog;
  readonly #store: SnapshotStore;
  readonly #durable: DurableState;
  readonly #queue: FrameQueue;
  readonly #kept: number;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: {
    readonly log: SegmentedLog;
    readonly store: SnapshotStore;
    readonly durable: DurableState;
    readonly queue: FrameQueue;
    readonly snapshotsKept: number;
  }) {
    this.#log = parts.log;
    this.#store = parts.store;
    this.#durable = parts.durable;
    this.#queue = parts.queue;
    this.#kept = parts.snapshotsKept;
  }

  /** Ends when the last operation that was asked for has ended, well or not. */
  get idle(): Promise<unknown> {
    return this.#turn;
  }

  /** Resolved: the snapshot is on stable storage and counts. */
  take(turn: SnapshotTurn, throwIfClosed: () => void): Promise<SnapshotMeta> {
    return this.inTurn(() => this.#take(turn, throwIfClosed));
  }

  /** Runs when all operations asked for before have ended. */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    const ran = this.#turn.then(run);
    this.#turn = ran.catch(() => undefined);
    return ran;
  }

  /** Lets close wait for work that needs no turn of its own. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#turn = Promise.allSettled([this.#turn, work]);
    return work;
  }

  async #take(turn: SnapshotTurn, throwIfClosed: () => void): Promise<SnapshotMeta> {
    throwIfClosed();
    turn.judge();
    const { index, term, conf, data } = turn;
    const staged = await this.#store.write({ index, term, conf, data });
    let durable: Promise<number>;
    const meta: SnapshotMeta = Object.freeze({ index, term, conf, bytes: staged.bytes });
    try {
      throwIfClosed();
      turn.judge();
      await this.#publish(staged);
      throwIfClosed();
      // Judged again in the very turn in which the record is queued: saves went on meanwhile.
      const draft = draftSnapshot(turn.judge(), staged.ref, meta);
      durable = this.#queue.accept(draft);
    } catch (error) {
      await staged.discard();
      throw error;
    }
    await durable;
    await this.clean();
    if (turn.isInstall) await this.#log.dropUnneeded();
    return meta;
  }

  async #publish(staged: StagedSnapshot): Promise<void> {
    // D11: a writer that lost its lock renames nothing.
    await this.#log.checkFence();
    try {
      await staged.publish();
    } catch (error) {
      this.#latchIfFailed(error);
      throw error;
    }
  }

  /** D5: a failed sync of the directory leaves unknown which names last. */
  #latchIfFailed(error: unknown): void {
    if (this.#store.isFailed && error instanceof KeelsonError) this.#log.latch(error);
  }

  /**
   * D10: deletes every snapshot but the newest ones that are kept, and what unfinished ones left. A failure
   * leaves files that the next call deletes; nothing relies on their absence.
   */
  async clean(): Promise<void> {
    const newest = this.#durable.snapshotName;
    try {
      await this.#log.checkFence();
      const published = newest === null ? [] : await this.#store.list();
      const older = published.filter((one) => newest !== null && one.index < newest.index).reverse();
      const kept: SnapshotRef[] = older.slice(0, this.#kept - 1).map((one) => ({ ...one, checksum: 0 }));
      if (newest !== null) kept.push(newest);
      await this.#store.retain(kept);
    } catch (error) {
      this.#latchIfFailed(error);
    }
  }
}
