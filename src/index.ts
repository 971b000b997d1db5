/**
 * Keelson: durable storage for Raft. {@link openRaftLog} is the door.
 *
 * @module keelson
 */
export * from './disk/published.js';
export type { CallUnderWay } from './disk/disk-watch.js';
export type * from './raft-log/contract.js';
export { cloneRaftLog } from './raft-log/copies/clone-raft-log.js';
export type * from './raft-log/copies/copies-contract.js';
export type { RaftLogOptions } from './raft-log/options-contract.js';
export type { RaftLogEventMap, RaftLogEvents } from './raft-log/events.js';
export { createMemoryRaftLog, type MemoryRaftLogOptions } from './raft-log/memory/memory-raft-log.js';
export { openRaftLog } from './raft-log/open-raft-log.js';
export {
  markUnfit,
  planUnfit,
  type MarkUnfitOptions,
  type UnfitPlan,
  type VotingState,
} from './raft-log/repair/mark-unfit.js';
export type { FoundDamage, VerifyOptions, VerifyProgress, VerifyReport } from './raft-log/verify-report.js';
export type { Blemish } from './wal/report/blemish.js';
export type * from './raft-log/space-contract.js';
export type { RaftLogHealth, RaftLogStats } from './raft-log/stats.js';
export type { Durations } from './wal/report/wal-counters.js';
export type { IndexRange, RecoveryReport } from './wal/report/recovery-report.js';
