/**
 * The disk port: all that the store asks of a file system, and nothing more.
 *
 * Every call may return its value or a promise of it, so that an implementation that works inline costs
 * no turn of the event loop. Callers on a hot path test with {@link isPromise}; all others just `await`.
 *
 * Failures are thrown (or rejected) as errors with a `code` in the manner of `node:fs` (`'ENOSPC'`,
 * `'EIO'`, `'ENOENT'`, ..). What each call promises after it succeeded is part of this contract;
 * the numbered assumptions about disks and kernels behind it stand in docs/assumptions.md.
 */

/** A value now, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** Tells a promise from a value, without a turn of the event loop. */
export function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return value instanceof Promise;
}

/**
 * How a call should be carried out. A hint, never a promise:
 *
 * - `'inline'`: on the calling thread; the event loop stands still meanwhile.
 * - `'background'`: on another thread (the default).
 */
export type CallMode = 'inline' | 'background';

/** What a name in a directory stands for. */
export type FileKind = 'file' | 'directory' | 'other';

/** One name of a directory. */
export interface DirectoryEntry {
  /** The name alone, without its directory. */
  readonly name: string;
  /** What it stands for; links are not followed. */
  readonly kind: FileKind;
}

/** Facts about a file. `id` is equal for two names (or an open file and a name) of one inode. */
export interface FileStat {
  /** What it is. */
  readonly kind: FileKind;
  /** Size in bytes. */
  readonly size: number;
  /** Device and inode, as one opaque string. */
  readonly id: string;
  /** Room that it takes on the disk; less than `size` where it has holes (A8). Left out: nobody knows. */
  readonly allocatedBytes?: number;
}

/** Room on the file system that holds a path, in bytes; `freeBytes` is what this process may use. */
export interface SpaceStat {
  /** What this process may still use. */
  readonly freeBytes: number;
  /** Size of the file system. */
  readonly totalBytes: number;
  /** True: an overwrite takes new room, as on Btrfs, ZFS and bcachefs (A8). Left out: nobody knows. */
  readonly copiesOnWrite?: boolean;
}

/** How to open a file. */
export interface OpenOptions {
  /** `'read'`: for reading only. `'write'`: for reading and writing. */
  readonly access: 'read' | 'write';
  /**
   * - `'never'` (default): the file must be there, else `ENOENT`.
   * - `'if-missing'`: made empty if it is not there; never truncated.
   * - `'exclusive'`: must not be there, else `EEXIST`.
   */
  readonly create?: 'never' | 'if-missing' | 'exclusive';
  /** Each write returns only when its own range is on stable storage (O_DSYNC). Default false. */
  readonly dataSync?: boolean;
  /** Default `'background'`. */
  readonly mode?: CallMode;
}

/** An open file. Positions and sizes are bytes. One owner at a time; calls may overlap. */
export interface DiskFile {
  /** The path it was opened by, for messages. */
  readonly path: string;
  /** Reads up to `into.length` bytes at `position`; resolves to the count, which may be short; 0 at the end of the file. */
  read(into: Uint8Array, position: number, mode?: CallMode): Awaitable<number>;
  /** Writes at `position`; resolves to the count, which may be short. Promises nothing about a crash. */
  write(bytes: Uint8Array, position: number, mode?: CallMode): Awaitable<number>;
  /** Sets the size; a longer file reads as zeros behind its old end. */
  truncate(size: number): Awaitable<void>;
  /** fdatasync: all that was written, and the size, is on stable storage. Not its name. */
  dataSync(mode?: CallMode): Awaitable<void>;
  /** fsync: as {@link dataSync}, and the file's other metadata. Not its name. */
  sync(mode?: CallMode): Awaitable<void>;
  /** Facts about the open file, whatever its name stands for by now. */
  stat(mode?: CallMode): Awaitable<FileStat>;
  /**
   * Tries to take the exclusive lock on this file's inode, without waiting; false if any other open file
   * holds it, in this process or another. Released when this file is closed or its owner dies.
   */
  tryLock(): Awaitable<boolean>;
  /** Gives the file back; promises nothing about its data. Later calls fail with `EBADF`. Idempotent. */
  close(mode?: CallMode): Awaitable<void>;
}

/** A file system. Paths are absolute or relative to the process, in the platform's own form. */
export interface Disk {
  /**
   * Throws what {@link DiskFile.tryLock} would throw of every file below `path`, where this process has no lock to give.
   * Left out: it has. Asked before anything is made.
   */
  checkLocks?(path: string): Awaitable<void>;
  /** Opens a file, as the options say. `ENOENT` and `EEXIST` as there; the owner closes it. */
  open(path: string, options: OpenOptions): Awaitable<DiskFile>;
  /** Makes one directory; its parent must be there. `EEXIST` if the name is taken. */
  mkdir(path: string): Awaitable<void>;
  /** The names of a directory, in no order; `ENOENT` if it is not there. */
  readdir(path: string): Awaitable<readonly DirectoryEntry[]>;
  /** Facts about what the name stands for; null if there is no such name. */
  stat(path: string): Awaitable<FileStat | null>;
  /** Room on the file system that holds `path`. */
  statfs(path: string): Awaitable<SpaceStat>;
  /** Replaces `to` if it is there. After a crash, until the directory is synced: old, new or both names. */
  rename(from: string, to: string): Awaitable<void>;
  /** Removes the name; open files of the inode stay usable. */
  unlink(path: string): Awaitable<void>;
  /**
   * Gives the file a second name `to` (`EEXIST` if taken), or a copy that shares its blocks.
   * Only for files that are never written again. Fails with `ENOTSUP`, `EXDEV` or `EPERM` where the file system can do neither.
   */
  link(from: string, to: string): Awaitable<void>;
  /** Makes the names of a directory (made, renamed, removed) durable. */
  syncDirectory(path: string): Awaitable<void>;
}
