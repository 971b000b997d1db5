import { KeelsonError } from '../../errors/index.js';
import type { MemoryChange, MemoryState } from './memory-state.js';

/**
 * What stands in for the disk: the state that survives the log object, and who may change it.
 *
 * Kept apart from the log so that tests can close, reopen and crash a log in memory.
 */
export interface MemoryMedium {
  state: MemoryState;
  /** LSN of the last change. */
  lastLsn: number;
  /** The queue that may change it; another one finds itself fenced. */
  owner: MemoryQueue | null;
  /** Opens so far. */
  epoch: number;
}

/** One change under way: ordered, not yet visible in the durable view. */
export interface QueuedChange {
  readonly change: MemoryChange;
  readonly records: number;
  readonly bytes: number;
}

/** What a change resolves to. */
export interface LandedChange {
  readonly lsn: number;
  readonly bytesFreed: number;
}

interface Waiting extends QueuedChange {
  readonly lsn: number;
  readonly resolve: (landed: LandedChange) => void;
  readonly reject: (error: unknown) => void;
}

/** Told about each group that landed. */
export type GroupListener = (group: {
  readonly lsn: number;
  readonly saves: number;
  readonly bytes: number;
}) => void;

/**
 * The queue between the accepted and the durable view: changes of one synchronous run land together, in call
 * order, in a later microtask, so that a host's code meets the same order of events as with a disk.
 */
export class MemoryQueue {
  readonly #medium: MemoryMedium;
  readonly #onGroup: GroupListener;
  #waiting: Waiting[] = [];
  #acceptedLsn: number;
  #idle: Promise<void> = Promise.resolve();
  /** Of the change that was queued last. */
  #newest: Promise<LandedChange> = Promise.resolve({ lsn: 0, bytesFreed: 0 });
  bytes = 0;

  constructor(medium: MemoryMedium, onGroup: GroupListener) {
    this.#medium = medium;
    this.#onGroup = onGroup;
    this.#acceptedLsn = medium.lastLsn;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Resolves when everything queued by now has landed or failed. */
  get idle(): Promise<void> {
    return this.#idle;
  }

  /** For a save that leaves nothing to write: ends as the change that was queued last does, or at once. */
  async whenLanded(): Promise<number> {
    return this.#waiting.length === 0 ? this.#medium.lastLsn : (await this.#newest).lsn;
  }

  push(queued: QueuedChange): Promise<LandedChange> {
    this.#acceptedLsn += queued.records;
    this.bytes += queued.bytes;
    const lsn = this.#acceptedLsn;
    this.#newest = new Promise<LandedChange>((resolve, reject) => {
      this.#waiting.push({ ...queued, lsn, resolve, reject });
    });
    if (this.#waiting.length === 1)
      this.#idle = Promise.resolve().then(() => {
        this.#land();
      });
    return this.#newest;
  }

  #land(): void {
    const group = this.#waiting;
    this.#waiting = [];
    this.bytes = 0;
    let bytes = 0;
    for (const { change, lsn, bytes: own, resolve, reject } of group) {
      if (this.#medium.owner !== this) {
        reject(fenced());
        continue;
      }
      const bytesFreed = this.#medium.state.apply(change);
      this.#medium.lastLsn = lsn;
      bytes += own;
      resolve({ lsn, bytesFreed });
    }
    if (this.#medium.owner === this) this.#onGroup({ lsn: this.#medium.lastLsn, saves: group.length, bytes });
  }
}

function fenced(): KeelsonError {
  return new KeelsonError(
    'KEELSON_FENCED',
    'this log in memory has another owner by now, so the fate of its last saves is unknown. Open it again.',
  );
}
