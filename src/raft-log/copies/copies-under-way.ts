import { Ending, firstOf, throwIfAborted } from '../../errors/index.js';
import { closedError, failedError } from '../../errors/log-refusals.js';
import type { LogStore } from '../log-store.js';
import type { SnapshotTurns } from '../snapshots/snapshot-turns.js';
import type { FrameQueue } from '../state/frame-queue.js';
import type { Checkpoint, CheckpointRequest } from './copies-contract.js';
import { readCheckpointRequest } from './copy-requests.js';

/** The checkpoints of one log that are being made: its close abandons them and waits. */
export class CopiesUnderWay {
  readonly #store: LogStore;
  readonly #queue: FrameQueue;
  readonly #turns: SnapshotTurns;
  readonly #isReadOnly: boolean;
  readonly #all = new Set<Promise<unknown>>();
  readonly #end = new Ending();

  constructor(store: LogStore, queue: FrameQueue, turns: SnapshotTurns, isReadOnly: boolean) {
    this.#store = store;
    this.#queue = queue;
    this.#turns = turns;
    this.#isReadOnly = isReadOnly;
  }

  async checkpoint(request: CheckpointRequest): Promise<Checkpoint> {
    this.#throwIfClosed();
    const asked = readCheckpointRequest(request, this.#store.dir);
    const { frames, dir } = this.#store;
    if (!this.#isReadOnly && frames.latched !== null) throw failedError(dir, frames.latched);
    const making = this.#make(asked);
    this.#all.add(making);
    try {
      return await making;
    } catch (error) {
      // To the caller the log was closed; by which signal the copy was ended is no matter of theirs.
      if (asked.signal?.aborted !== true) this.#throwIfClosed();
      throw error;
    } finally {
      this.#all.delete(making);
    }
  }

  async #make(asked: CheckpointRequest): Promise<Checkpoint> {
    const { signal, forget } = firstOf([this.#end.signal, asked.signal]);
    try {
      const begun = await this.#turns.inTurn(async () => {
        throwIfAborted('the checkpoint', signal);
        // All that was accepted before the call is in it.
        if (!this.#isReadOnly) await this.#queue.whenDurable();
        return this.#store.beginCheckpoint(asked);
      });
      return await begun.finish(signal);
    } finally {
      forget();
      // What was kept for it alone may go.
      if (!this.#isReadOnly && this.#store.frames.latched === null)
        await this.#turns.freeUnneeded().catch(() => undefined);
    }
  }

  #throwIfClosed(): void {
    if (this.#end.hasCome) throw closedError(this.#store.dir);
  }

  /** Resolved: none is being made. */
  async close(): Promise<void> {
    this.#end.come();
    await Promise.allSettled(this.#all);
  }
}
