import { Inflights } from './inflights.js';
import type { ResolvedOptions } from '../options.js';
import { SnapshotTransfer } from '../snapshots/snapshot-transfer.js';

/**
 * How a leader treats a follower, as in etcd/raft:
 * - `'probe'`: where the logs agree is not known; one append at a time.
 * - `'replicate'`: it is; appends follow each other without waiting.
 * - `'snapshot'`: what it needs is compacted away; a snapshot is on its way.
 */
export type ProgressState = 'probe' | 'replicate' | 'snapshot';

/** What a leader knows of one follower (`nextIndex` and `matchIndex` of figure 2, and flow control). */
export class Progress {
  readonly #options: ResolvedOptions;
  #state: ProgressState = 'probe';
  #match = 0;
  #next: number;
  #transfer: SnapshotTransfer | null = null;
  readonly inflights: Inflights;
  /** Heard of since the last quorum check. */
  isActive = false;
  /** A probe is on its way; the next waits for its answer or for a heartbeat's. */
  isProbing = false;
  /** Entries for it are being read from the log on disk. */
  isReading = false;

  constructor(next: number, options: ResolvedOptions) {
    this.#next = next;
    this.#options = options;
    this.inflights = new Inflights(options.inflightCountMax, options.inflightBytesMax);
  }

  get state(): ProgressState {
    return this.#state;
  }

  /** Everything up to here is the same as the leader's and durable there, unless the follower lost its tail since. */
  get match(): number {
    return this.#match;
  }

  /** The next entry to send. */
  get next(): number {
    return this.#next;
  }

  /** The snapshot on its way, in state `'snapshot'`. */
  get transfer(): SnapshotTransfer | null {
    return this.#transfer;
  }

  get isPaused(): boolean {
    if (this.isReading) return true;
    switch (this.#state) {
      case 'probe':
        return this.isProbing;
      case 'replicate':
        return this.inflights.isFull;
      case 'snapshot':
        return true;
    }
  }

  becomeProbe(next: number = this.#match + 1): void {
    this.#enter('probe');
    this.#next = Math.max(next, this.#match + 1);
  }

  becomeReplicate(): void {
    this.#enter('replicate');
    this.#next = this.#match + 1;
  }

  becomeSnapshot(): SnapshotTransfer {
    this.#enter('snapshot');
    this.#transfer = new SnapshotTransfer(this.#options.snapshotChunksMax);
    return this.#transfer;
  }

  /** An append that ends at `lastIndex` has been sent. */
  sent(lastIndex: number, bytes: number): void {
    if (this.#state === 'probe') {
      this.isProbing = true;
    } else if (lastIndex >= this.#next) {
      // Sent is taken for received until proven otherwise: that is what pipelining is.
      this.#next = lastIndex + 1;
      this.inflights.add(lastIndex, bytes);
    }
  }

  /** The follower holds everything up to `index`. Returns false if that was known. */
  acked(index: number): boolean {
    this.#next = Math.max(this.#next, index + 1);
    if (index <= this.#match) return false;
    this.#match = index;
    this.isProbing = false;
    return true;
  }

  /**
   * The follower refused an append behind `rejectedIndex`. Returns false for a late answer, which says nothing about
   * what was sent since; else the next try is at `hint + 1`.
   */
  refused(rejectedIndex: number, hint: number): boolean {
    if (this.#state === 'replicate') {
      if (rejectedIndex < this.#match || (rejectedIndex === this.#match && hint >= rejectedIndex))
        return false;
      this.becomeProbe();
      return true;
    }
    if (this.#state === 'snapshot' || this.#next - 1 !== rejectedIndex) return false;
    // Asked again at the very place that it once acknowledged, it does not know it: a repair gave up its tail, and
    // it is sent that once more. At worst this is an answer that came late, and costs one append.
    if (rejectedIndex <= this.#match && hint < rejectedIndex) this.#match = hint;
    this.#next = Math.max(Math.min(rejectedIndex, hint + 1), this.#match + 1);
    this.isProbing = false;
    return true;
  }

  #enter(state: ProgressState): void {
    this.#state = state;
    this.isProbing = false;
    this.#transfer = null;
    this.inflights.clear();
  }
}
