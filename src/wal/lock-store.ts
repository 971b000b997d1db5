import { join } from 'node:path';
import { readFailed, writeFailed } from '../disk/disk-failure.js';
import type { Disk, DiskFile } from '../disk/port.js';
import { KeelsonError } from '../errors/index.js';
import { SUPERBLOCK_NAME, WAL_LOCK_NAME } from '../format/names.js';
import type { StorePaths } from './store-directory.js';

/** How often an open may find that the file it locked was replaced meanwhile, before it says 'locked'. */
const ATTEMPTS = 3;

/** The locked superblock, and the lock of a separate `walDir`. Closing them frees the store. */
export interface StoreLock {
  readonly superblock: DiskFile;
  release(): Promise<void>;
}

/**
 * Takes the store for this writer: the kernel's lock on the superblock's own inode (D11), and on a file in
 * `walDir` where that is elsewhere, so that two stores never share segments. What the files hold means nothing
 * for the lock. Throws `KEELSON_LOCKED`.
 */
export async function lockStore(disk: Disk, paths: StorePaths): Promise<StoreLock> {
  const superblock = await lockFile(disk, join(paths.dir, SUPERBLOCK_NAME));
  if (!paths.isWalSeparate) return { superblock, release: async () => superblock.close() };
  try {
    const walLock = await lockFile(disk, join(paths.walDir, WAL_LOCK_NAME));
    return {
      superblock,
      release: async () => {
        await walLock.close();
        await superblock.close();
      },
    };
  } catch (error) {
    await superblock.close();
    throw error;
  }
}

async function lockFile(disk: Disk, path: string): Promise<DiskFile> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const file = await openForLock(disk, path);
    try {
      // The name may have moved to another inode between the open and the lock.
      if ((await file.tryLock()) && (await isStillNamed(disk, path, file))) return file;
    } catch (error) {
      await file.close();
      if (error instanceof KeelsonError) throw error;
      throw readFailed('the lock of the store', { path }, error);
    }
    await file.close();
  }
  throw new KeelsonError(
    'KEELSON_LOCKED',
    `${path} is locked: another log, in this process or another, has this store open. Close it first, or open with readOnly.`,
    { path },
  );
}

async function openForLock(disk: Disk, path: string): Promise<DiskFile> {
  try {
    return await disk.open(path, { access: 'write', create: 'if-missing' });
  } catch (error) {
    throw writeFailed(
      'the lock of the store',
      { path },
      error,
      'Check the disk and the permissions, then open again.',
    );
  }
}

async function isStillNamed(disk: Disk, path: string, file: DiskFile): Promise<boolean> {
  const [named, opened] = [await disk.stat(path), await file.stat()];
  return named !== null && named.id === opened.id;
}
