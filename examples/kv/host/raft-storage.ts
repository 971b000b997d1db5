import type { RaftLog } from '../../../src/index.js';
import type { RaftStorage } from '../../../sim/raft/index.js';

/** What the Raft asks its log synchronously: the durable view, always live. */
export function raftStorage(log: RaftLog): RaftStorage {
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
