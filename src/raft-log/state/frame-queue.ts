import type { KeelsonError } from '../../errors/index.js';
import type { SaveResult } from '../contract.js';
import type { FrameStore } from '../log-store.js';
import type { AcceptedState } from './accepted-state.js';
import type { DurableState } from './durable-state.js';
import type { FrameOwner, LogFrame } from './log-frame.js';
import { RecentEntries } from './recent-entries.js';

/** Counters of what was accepted. */
export interface FrameCounts {
  saves: number;
  entries: number;
  payloadBytes: number;
}

/** Waits until no more than so many bytes are queued. */
interface RoomWaiter {
  readonly bytes: number;
  readonly resolve: () => void;
}

/**
 * Between the two views: hands frames to the wal, lays them over the accepted state, and, as they become
 * durable in order, applies them to the durable one before their promise resolves.
 */
export class FrameQueue implements FrameOwner {
  readonly #log: FrameStore;
  readonly #durable: DurableState;
  readonly #accepted: AcceptedState;
  readonly #recent: RecentEntries;
  /** Those who wait until there is room again. */
  #waitingForRoom: RoomWaiter[] = [];
  readonly counts: FrameCounts = { saves: 0, entries: 0, payloadBytes: 0 };

  constructor(
    log: FrameStore,
    durable: DurableState,
    accepted: AcceptedState,
    recent: RecentEntries = new RecentEntries(0),
  ) {
    this.#log = log;
    this.#durable = durable;
    this.#accepted = accepted;
    this.#recent = recent;
  }

  /**
   * Accepts a frame: encoded before this returns, or thrown before anything changed. Resolves once it is on stable
   * storage.
   */
  accept(frame: LogFrame): Promise<SaveResult> {
    frame.owner = this;
    this.#log.accept(frame);
    this.#accepted.push(frame, frame.fields.lastTerm);
    this.counts.saves += 1;
    this.counts.entries += frame.effect.entryCount;
    this.counts.payloadBytes += frame.dataBytes;
    return frame.ended();
  }

  frameDurable(frame: LogFrame): void {
    const { effect, fields } = frame;
    this.#accepted.shift();
    this.#durable.apply(effect);
    const { arena, until } = frame;
    this.#recent.push(effect.keepUntil, until, fields.lowTerm, arena, frame.entryRecordsFrom(), frame.end);
    frame.resolve();
    this.#tellOfRoom();
  }

  /** The first failure of a run fails all that is queued (D8); for those behind it, the queue is empty by then. */
  frameFailed(frame: LogFrame, error: KeelsonError): void {
    frame.reject(error);
    for (const queued of this.#accepted.clear()) queued.reject(error);
    this.#tellOfRoom();
  }

  /**
   * Resolves at once if nothing waits for the disk; else once a frame has ended, well or not, and at most `bytes` wait
   * still: never while nothing has moved, or who tries again at once would spin. Also once the log is latched.
   */
  whenRoom(bytes: number): Promise<void> {
    if (this.#log.queuedBytes === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waitingForRoom.push({ bytes, resolve });
    });
  }

  #tellOfRoom(): void {
    if (this.#waitingForRoom.length === 0) return;
    const { latched, queuedBytes } = this.#log;
    const isTold = ({ bytes }: RoomWaiter): boolean => latched !== null || queuedBytes <= bytes;
    for (const one of this.#waitingForRoom) if (isTold(one)) one.resolve();
    this.#waitingForRoom = this.#waitingForRoom.filter((one) => !isTold(one));
  }

  /** For a save that leaves nothing to write: resolves when all it was checked against is durable, fails if that fails. */
  whenDurable(): Promise<SaveResult> {
    const { lsn } = this.#log.durable;
    return this.#accepted.newest?.ended() ?? Promise.resolve({ lsn, lastIndex: this.#durable.lastIndex });
  }
}
