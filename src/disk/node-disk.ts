import * as fs from 'node:fs';
import { mkdir, readdir, rename, stat, statfs, unlink } from 'node:fs/promises';
import { promisify } from 'node:util';
import { checkKernelLocks } from './kernel-lock.js';
import { linkOrReflink } from './link-or-reflink.js';
import { fileKind, fileStat, NodeFile } from './node-file.js';
import type { DirectoryEntry, Disk, DiskFile, FileStat, OpenOptions, SpaceStat } from './port.js';
import { syncNodeDirectory } from './sync-directory.js';
import { systemCode } from './system-error.js';

const openAsync = promisify(fs.open);

/**
 * Modes of what is made, before the umask. A log holds whatever the host's commands hold, so it is its
 * owner's alone, as a database's files are.
 */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/** The file system of the operating system, through `node:fs`. Stateless: one may serve any number of logs. */
export class NodeDisk implements Disk {
  checkLocks(path: string): void {
    checkKernelLocks(path);
  }

  async open(path: string, options: OpenOptions): Promise<DiskFile> {
    const { flags, syncsAfterWrite } = openFlags(options, process.platform);
    const fd =
      options.mode === 'inline'
        ? fs.openSync(path, flags, FILE_MODE)
        : await openAsync(path, flags, FILE_MODE);
    return new NodeFile(fd, path, { syncsAfterWrite });
  }

  async mkdir(path: string): Promise<void> {
    await mkdir(path, { mode: DIRECTORY_MODE });
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
    const { bavail, blocks, bsize } = await statfs(path);
    // `bavail`, not `bfree`: the blocks that a file system keeps for root are not ours to write. For reports only (A15).
    return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
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
