/**
 * `keelson/wal`: the segmented write-ahead log alone, for uses other than Raft.
 *
 * @module keelson/wal
 */
export * from '../disk/published.js';
export { openWal, type ReadWalRecord, type Wal, type WalOptions, type WalRecord } from './open-wal.js';
export type { IndexRange, RecoveryReport } from './report/recovery-report.js';
