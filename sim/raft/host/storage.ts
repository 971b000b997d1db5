import type { HardState, RaftLog } from '../../../src/raft-log/contract.js';

/**
 * What the Raft asks its log, synchronously: bounds, terms and whether it may vote. All of it is the durable
 * view, and all of it is live: the Raft asks again and again while saves resolve and compaction goes on.
 *
 * Entries are not here. Those that the Raft does not hold in memory it asks for in `ready().reads`, because a
 * log on disk answers such a question later. {@link storageOf} makes it of a `RaftLog`.
 */
export interface RaftStorage {
  /** Read once, when the Raft is made. */
  readonly hardState: HardState;
  /** Lowest index held; one above what was compacted away. */
  readonly firstIndex: number;
  /** Highest durable index; `firstIndex - 1` if the log is empty. */
  readonly lastIndex: number;
  /** Term of a durable index in `[firstIndex - 1, lastIndex]`. */
  term(index: number): number;
  /**
   * True while the store remembers that it may have lost what it once acknowledged: the Raft then grants no
   * vote that it does not already hold and does not campaign.
   */
  readonly unfitToVote: boolean;
}

/** What the Raft asks its log synchronously, of a {@link RaftLog}: its durable view, always live. */
export function storageOf(log: RaftLog): RaftStorage {
  return {
    get hardState() {
      return log.hardState;
    },
    get firstIndex() {
      return log.firstIndex;
    },
    get lastIndex() {
      return log.lastIndex;
    },
    get unfitToVote() {
      return log.hardState.commit < log.unfitUntil;
    },
    term: (index) => log.term(index),
  };
}
