/**
 * The disk: the port that the store asks for everything outside itself, its implementation on Node, and the
 * few loops over the port that every room above needs. Behind it stand the assumptions A1.. of docs/design.md.
 */
export type { Environment, EnvironmentWarning, Timer } from './environment.js';
export { NodeDisk } from './node-disk.js';
export { nodeEnvironment } from './node-environment.js';
export {
  isPromise,
  type Awaitable,
  type CallMode,
  type DirectoryEntry,
  type Disk,
  type DiskFile,
  type FileKind,
  type FileStat,
  type OpenOptions,
  type SpaceStat,
} from './port.js';
export { readFully } from './read-fully.js';
export { systemCode, systemError, type SystemError } from './system-error.js';
export { writeFully } from './write-fully.js';
export { zeroFill, type ZeroFillOptions } from './zero-fill.js';
