/**
 * `keelson/wal`: the segmented write-ahead log alone, for uses other than Raft.
 *
 * @module keelson/wal
 */
export {
  isKeelsonError,
  KeelsonError,
  type ErrorCode,
  type ErrorDetails,
  type ErrorFamily,
} from '../errors/index.js';
export type { NodeDiskOptions } from '../disk/node-disk.js';
export { nodeEnvironment } from '../disk/node-environment.js';
export type { Environment, Timer } from '../disk/environment.js';
export type {
  Awaitable,
  CallMode,
  DirectoryEntry,
  Disk,
  DiskFile,
  FileKind,
  FileStat,
  OpenOptions,
  SpaceStat,
} from '../disk/port.js';
export { openWal, type ReadWalRecord, type Wal, type WalOptions, type WalRecord } from './open-wal.js';
export type { IndexRange, RecoveryReport } from './report/recovery-report.js';
