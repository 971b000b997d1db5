/** What every entry point publishes: the errors, the port to the world outside, and its implementation on Node. */
export {
  isKeelsonError,
  KeelsonError,
  type ErrorCode,
  type ErrorDetails,
  type ErrorFamily,
} from '../errors/index.js';
export type { NodeDiskOptions } from './node-disk.js';
export { nodeEnvironment } from './node-environment.js';
export type { Environment, EnvironmentWarning, Timer } from './environment.js';
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
} from './port.js';
