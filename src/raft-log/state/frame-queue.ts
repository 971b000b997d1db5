import type { KeelsonError } from '../../errors/index.js';
import type { FrameRequest } from '../../wal/inside.js';
import type { FrameStore } from '../log-store.js';
import type { AcceptedState } from './accepted-state.js';
import type { DurableState } from './durable-state.js';
import { encodeDraft, type FrameDraft } from './encode-save.js';
import { entryRecordsOf, type QueuedSave, type Waiter } from './queued-save.js';
import { RecentEntries } from './recent-entries.js';

/** Counters of what was accepted. */
export interface FrameCounts {
  saves: number;
  entries: number;
  payloadBytes: number;
}

/** Apart from the closures that live until the frame is durable: they must not hold the caller's bytes as long. */
function encoderOf(draft: FrameDraft): FrameRequest['encode'] {
  return (bytes, view, offset) => {
    encodeDraft(draft, bytes, view, offset);
  };
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
export class FrameQueue {
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
   * Accepts a frame: encoded before this returns, or thrown before anything changed. Resolves to its last LSN once
   * it is on stable storage.
   */
  accept(draft: FrameDraft): Promise<number> {
    const { fields, effect, urgency, payloadBytes, dataBytes, controls, entries } = draft;
    let waiter!: Waiter;
    const durable = new Promise<void>((resolve, reject) => {
      waiter = { resolve, reject };
    });
    const frame = this.#log.accept({
      fields,
      urgency,
      payloadBytes,
      recordCount: controls.length + entries.count,
      encode: encoderOf(draft),
      onDurable: () => {
        this.#settle(waiter);
      },
      onFailed: (error) => {
        this.#fail(waiter, error);
      },
    });
    const { lowTerm } = fields;
    const save = { effect, frame, controlCount: controls.length, lowTerm, offsets: null, waiters: null };
    this.#accepted.push(save, fields.lastTerm);
    this.counts.saves += 1;
    this.counts.entries += entries.count;
    this.counts.payloadBytes += dataBytes;
    return durable.then(() => frame.lastLsn);
  }

  #settle(waiter: Waiter): void {
    const save = this.#accepted.shift();
    if (save !== undefined) this.#apply(save);
    waiter.resolve();
    for (const one of save?.waiters ?? []) one.resolve();
    this.#tellOfRoom();
  }

  #apply(save: QueuedSave): void {
    const { keepUntil, entryCount, resetTo } = save.effect;
    this.#durable.apply(save.effect);
    if (resetTo !== undefined) this.#recent.truncateFrom(0);
    this.#recent.push(keepUntil, keepUntil + entryCount, save.lowTerm, entryRecordsOf(save));
  }

  /** The first failure of a run fails all that is queued (D8); for those behind it, the queue is empty by then. */
  #fail(waiter: Waiter, error: KeelsonError): void {
    waiter.reject(error);
    for (const save of this.#accepted.clear()) for (const one of save.waiters ?? []) one.reject(error);
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
  whenDurable(): Promise<number> {
    const { newest } = this.#accepted;
    if (newest === undefined) return Promise.resolve(this.#log.durable.lsn);
    const { frame } = newest;
    return new Promise<void>((resolve, reject) => {
      newest.waiters ??= [];
      newest.waiters.push({ resolve, reject });
    }).then(() => frame.lastLsn);
  }
}
