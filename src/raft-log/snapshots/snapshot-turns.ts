import type { SnapshotMeta } from '../snapshot-contract.js';
import { isShortage } from '../../disk/disk-failure.js';
import {
  Ending,
  firstOf,
  isKeelsonError,
  KeelsonError,
  orAborted,
  throwIfAborted,
} from '../../errors/index.js';
import type { StagedSnapshot } from '../../snapshot/index.js';
import type { SnapshotData } from '../contract.js';
import type { FrameStore, LogStore, SnapshotFiles } from '../log-store.js';
import type { DurableState } from '../state/durable-state.js';
import { draftHardState, draftSnapshot } from '../state/encode-save.js';
import type { FrameQueue } from '../state/frame-queue.js';
import type { SnapshotPlan } from '../rules/judge-snapshot.js';
import type { GivenHardState } from '../rules/requests.js';

/** One snapshot to be taken. */
export interface SnapshotTurn {
  readonly index: number;
  readonly term: number;
  readonly conf: Uint8Array<ArrayBuffer>;
  readonly data: SnapshotData;
  /** How many the data must bring, if that is known. */
  readonly bytes: number | undefined;
  /** Abandons it until its record is queued. */
  readonly signal: AbortSignal | undefined;
  /** What changes with it, if anything may. */
  readonly hardState?: GivenHardState | undefined;
  /** From a leader: it may have left segments that hold nothing any more. */
  readonly isInstall: boolean;
  /** Judges the operation against the accepted state as it is now; throws if it may not be. */
  readonly judge: () => SnapshotPlan;
}

/** What a turn came to. */
export interface TakenSnapshot {
  readonly meta: SnapshotMeta;
  /** False where the log had that very snapshot already. */
  readonly isNew: boolean;
}

/**
 * Takes snapshots, one at a time, beside the saves (D10): stream the data into a file, publish it durably, judge
 * again, queue the one record that makes it count, and only when that is durable delete what it made unneeded.
 */
export class SnapshotTurns {
  readonly #log: FrameStore;
  readonly #store: SnapshotFiles;
  readonly #durable: DurableState;
  readonly #queue: FrameQueue;
  readonly #kept: number;
  readonly #end = new Ending();
  #turn: Promise<unknown> = Promise.resolve();

  /** @param kept - how many snapshots are kept, the newest included */
  constructor({ frames, snapshots, durable }: LogStore, queue: FrameQueue, kept: number) {
    this.#log = frames;
    this.#store = snapshots;
    this.#durable = durable;
    this.#queue = queue;
    this.#kept = kept;
  }

  /**
   * Abandons a snapshot whose data still streams, since the stream may never end, and all that wait behind it; one
   * whose record is queued is an accepted save and is waited for. Resolves when no operation is under way.
   */
  async close(): Promise<void> {
    this.#end.come();
    await this.#turn;
  }

  /**
   * Resolved: the snapshot is on stable storage and counts.
   *
   * @param throwIfUnwritable asked again after each wait: the log may have been closed or have failed meanwhile
   */
  async take(turn: SnapshotTurn, throwIfUnwritable: () => void): Promise<TakenSnapshot> {
    const before = this.#turn;
    const taken = orAborted('the snapshot', turn.signal, before).then(() =>
      this.#take(turn, throwIfUnwritable),
    );
    this.#turn = endOf(before, taken);
    try {
      return await taken;
    } catch (error) {
      // D7: to a Raft an install is a save like any other; it waits to be told that it may try again.
      if (isShortage(error)) this.#log.noteRefusal();
      throw error;
    }
  }

  /** Runs when all operations asked for before have ended. */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    const ran = this.#turn.then(run);
    this.#turn = ran.catch(() => undefined);
    return ran;
  }

  /** Lets close wait for work that needs no turn of its own. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#turn = endOf(this.#turn, work);
    return work;
  }

  async #take(turn: SnapshotTurn, throwIfUnwritable: () => void): Promise<TakenSnapshot> {
    const throwIfEnded = (): void => {
      throwIfUnwritable();
      throwIfAborted('the snapshot', turn.signal);
    };
    throwIfEnded();
    const plan = turn.judge();
    if (plan.isHeld) return { meta: await this.#keepHeld(plan), isNew: false };
    const { index, term, conf } = turn;
    const staged = await this.#stage(turn, throwIfEnded);
    const meta: SnapshotMeta = Object.freeze({ index, term, conf, bytes: staged.bytes });
    try {
      throwIfEnded();
      turn.judge();
      await this.#publish(staged);
      throwIfEnded();
      // Judged again in the very turn in which the record is queued: saves went on meanwhile.
      await this.#queue.accept(draftSnapshot(turn.judge(), staged.ref, meta));
    } catch (error) {
      await staged.discard();
      // It may have its name by now, though no record will ever name it.
      await this.clean();
      throw error;
    }
    await this.clean();
    if (turn.isInstall) await this.freeUnneeded();
    return { meta, isNew: true };
  }

  /** The log has that snapshot. What came with it is saved all the same: who sent it relies on the term. */
  async #keepHeld(plan: SnapshotPlan): Promise<SnapshotMeta> {
    // Turns come one at a time, so the record that names it is durable by now, and no other can be on its way.
    const meta = this.#durable.snapshotMeta as SnapshotMeta;
    await (plan.hardStateChanged ? this.#queue.accept(draftHardState(plan)) : this.#queue.whenDurable());
    return meta;
  }

  async #stage(turn: SnapshotTurn, throwIfEnded: () => void): Promise<StagedSnapshot> {
    const { index, term, conf, data, bytes, isInstall, hardState } = turn;
    const { signal, forget } = firstOf([this.#end.signal, turn.signal]);
    try {
      return await this.#store.write({ index, term, conf, data, bytes, isInstall, hardState, signal });
    } catch (error) {
      this.#latchIfFailed(error);
      // To the caller the log was closed; by which signal its stream was ended is no matter of theirs.
      if (isKeelsonError(error, 'KEELSON_ABORTED')) throwIfEnded();
      throw error;
    } finally {
      forget();
    }
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
   * Frees the segments that no durable record needs. Where a full disk keeps the superblock from saying so they stay,
   * for the next call or open: the record that made them unneeded is durable, and what it did is not undone (D7), not
   * even by a log that failed meanwhile.
   */
  async freeUnneeded(): Promise<number> {
    try {
      return await this.#log.dropUnneeded();
    } catch (error) {
      if (!isShortage(error)) throw error;
      if (this.#log.latched === null) this.#log.noteRefusal();
      return 0;
    }
  }

  /**
   * D10: deletes every snapshot but the newest ones that are kept, and what unfinished ones left. A failure
   * leaves files that the next call deletes; nothing relies on their absence.
   */
  async clean(): Promise<void> {
    // Of a log that failed the fate of the last record is unknown: the file it names must stay.
    if (this.#log.latched !== null) return;
    const isTooMany = this.#durable.snapshots.length > this.#kept;
    this.#durable.keepSnapshots(this.#kept);
    const kept = this.#durable.snapshots.map(({ ref }) => ref);
    try {
      // A fence stands before each removal.
      if (isTooMany) await this.#log.witnessDurable();
      await this.#store.retain(kept);
    } catch (error) {
      this.#latchIfFailed(error);
    }
  }
}

/** Resolves to nothing: each would hold what came of the one before, for as long as the log is open. */
function endOf(...works: readonly Promise<unknown>[]): Promise<void> {
  return Promise.allSettled(works).then(() => undefined);
}
