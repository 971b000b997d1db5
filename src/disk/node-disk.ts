import * as fs from 'node:fs';
import { mkdir, readdir, rename, stat, statfs, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { checkKernelLocks } from './kernel-lock.js';
import { linkOrReflink } from './link-or-reflink.js';
import { fileKind, fileStat, NodeFile } from './node-file.js';
import type { Awaitable, DirectoryEntry, Disk, DiskFile, FileStat, OpenOptions, SpaceStat } from './port.js';
import { syncNodeDirectory } from './sync-directory.js';
import { systemCode } from './system-error.js';

const openAsync = promisify(fs.open);

/** Numbers by which Linux names file systems that copy on write: Btrfs, ZFS, bcachefs. */
const COPYING_TYPES: ReadonlySet<number> = new Set([0x9123_683e, 0x2fc1_2fc1, 0xca45_1a4e]);

/**
 * Modes of what is made, before the umask. A log holds whatever the host's commands hold, so it is its
 * owner's alone, as a database's files are, or its group's.
 */
const FILE_MODES = { owner: 0o600, group: 0o660 } as const;
const DIRECTORY_MODES = { owner: 0o700, group: 0o770 } as const;
const WRITE_BITS = 0o022;
const GROUP_WRITES = 0o020;

/** Who may use what is made. */
export interface NodeDiskOptions {
  /**
   * - `'owner'`: the user alone.
   * - `'group'`: the group of the file too, as far as the umask lets it: for a container that runs under another user of one
   *   group each time.
   * - `'as-directory'` (default): `'group'` where the directory above may be written by its group and not by everybody, else
   *   `'owner'`.
   */
  readonly access?: 'owner' | 'group' | 'as-directory';
  /** Whose all is to be that is made: for root, who works on the files of another. Default: the process's own user. */
  readonly owner?: {
    /** The user. */
    readonly uid: number;
    /** The group. */
    readonly gid: number;
  } | null;
}

/** The file system of the operating system, through `node:fs`. Stateless: one may serve any number of logs. */
export class NodeDisk implements Disk {
  readonly #access: 'owner' | 'group' | 'as-directory';
  readonly #owner: { readonly uid: number; readonly gid: number } | null;

  /** Everything that it makes is for those whom the options name. */
  constructor({ access = 'as-directory', owner = null }: NodeDiskOptions = {}) {
    this.#access = access;
    this.#owner = owner;
  }

  #accessAt(path: string): 'owner' | 'group' {
    if (this.#access !== 'as-directory') return this.#access;
    const above = fs.statSync(dirname(path), { throwIfNoEntry: false });
    // What the process masks out the kernel takes away, of a group's bits too.
    return above !== undefined && (above.mode & WRITE_BITS) === GROUP_WRITES ? 'group' : 'owner';
  }

  checkLocks(path: string): Promise<void> {
    return checkKernelLocks(path);
  }

  open(path: string, options: OpenOptions): Awaitable<DiskFile> {
    const { flags, syncsAfterWrite } = openFlags(options, process.platform);
    const makes = (options.create ?? 'never') !== 'never';
    const mode = makes ? FILE_MODES[this.#accessAt(path)] : FILE_MODES.owner;
    const opened = (fd: number): DiskFile => {
      if (makes && this.#owner !== null) fs.fchownSync(fd, this.#owner.uid, this.#owner.gid);
      return new NodeFile(fd, path, { syncsAfterWrite });
    };
    return options.mode === 'inline'
      ? opened(fs.openSync(path, flags, mode))
      : openAsync(path, flags, mode).then(opened);
  }

  async mkdir(path: string): Promise<void> {
    await mkdir(path, { mode: DIRECTORY_MODES[this.#accessAt(path)] });
    if (this.#owner !== null) fs.chownSync(path, this.#owner.uid, this.#owner.gid);
  }

  async readdir(path: string): Promise<readonly DirectoryEntry[]> {
    const entries = await readdir(path, { withFileTypes: true });
    return entries.map((entry) => ({ name: entry.name, kind: fileKind(entry) }));
  }

  async stat(path: string): Promise<FileStat | null> {
    try {
      return fileStat(await stat(path, { bigint: true }));
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return null;
      throw error;
    }
  }

  async statfs(path: string): Promise<SpaceStat> {
    const { bavail, blocks, bsize, type } = await statfs(path);
    // `bavail`, not `bfree`: the blocks that a file system keeps for root are not ours to write. For reports only (A15).
    const space = { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
    return process.platform === 'linux' ? { ...space, copiesOnWrite: COPYING_TYPES.has(type) } : space;
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  unlink(path: string): Promise<void> {
    return unlink(path);
  }

  link(from: string, to: string): Promise<void> {
    return linkOrReflink(from, to);
  }

  syncDirectory(path: string): Promise<void> {
    return syncNodeDirectory(path);
  }
}

/** The flags of open(2) for what is asked, and what O_DSYNC leaves to be done on this platform. */
export function openFlags(
  options: OpenOptions,
  platform: string,
): { readonly flags: number; readonly syncsAfterWrite: boolean } {
  const { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_DSYNC } = fs.constants;
  let flags = options.access === 'write' ? O_RDWR : O_RDONLY;
  if (options.create === 'if-missing') flags |= O_CREAT;
  if (options.create === 'exclusive') flags |= O_CREAT | O_EXCL;
  if (options.dataSync !== true) return { flags, syncsAfterWrite: false };
  // A3: on Linux a write to an O_DSYNC file flushes the drive's cache. macOS has the flag but leaves the
  // bytes in the drive; Windows has no such constant in Node. There, a sync follows each write instead.
  return platform === 'linux'
    ? { flags: flags | O_DSYNC, syncsAfterWrite: false }
    : { flags, syncsAfterWrite: true };
}
