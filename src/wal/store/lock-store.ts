import { join } from 'node:path';
import { lockFailed, writeFailed } from '../../disk/disk-failure.js';
import type { Disk, DiskFile } from '../../disk/port.js';
import { systemCode } from '../../disk/system-error.js';
import { KeelsonError } from '../../errors/index.js';
import { WAL_LOCK_NAME } from '../../format/names.js';
import { closeFile, keeping, using } from '../../disk/close-file.js';
import { ASIDE, removeName } from '../../disk/durable-names.js';
import { type StorePaths } from './store-directory.js';

/** How often an open may find that the file it locked was replaced meanwhile, before it says 'locked'. */
const ATTEMPTS = 3;

/** A locked file, and what tells it from any other. */
export interface LockedFile {
  readonly path: string;
  readonly id: string;
  readonly file: DiskFile;
}

/** The locked superblock, and the lock of a separate `walDir`. Closing them frees the store. */
export interface StoreLock {
  readonly superblock: DiskFile;
  /** All that are locked: while this writer has the store, their names lead to them. */
  readonly files: readonly LockedFile[];
  release(): Promise<void>;
}

/**
 * Takes the store for this writer: the kernel's lock on the superblock's own inode (D11), and on a file in
 * `walDir` where that is elsewhere, so that two stores never share segments. What the files hold means nothing
 * for the lock. Throws `KEELSON_LOCKED`, `KEELSON_LOCK_UNSUPPORTED`.
 *
 * @param beforeWalDir once the superblock is locked, before anything is touched in a `walDir` elsewhere
 */
export async function lockStore(
  disk: Disk,
  paths: StorePaths,
  beforeWalDir: (superblock: DiskFile) => Promise<void> = () => Promise.resolve(),
): Promise<StoreLock> {
  const locked = await lockFile(disk, paths.superblock);
  const superblock = locked.file;
  if (!paths.isWalSeparate)
    return { superblock, files: [locked], release: async () => closeFile(superblock) };
  const walLock = await keeping(superblock, async () => {
    await beforeWalDir(superblock);
    return lockFile(disk, join(paths.walDir, WAL_LOCK_NAME));
  });
  const release = async (): Promise<void> => {
    await closeFile(walLock.file);
    await closeFile(superblock);
  };
  return { superblock, files: [locked, walLock], release };
}

async function lockFile(disk: Disk, path: string): Promise<LockedFile> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const { file, isMade } = await openForLock(disk, path);
    try {
      // The name may have moved to another inode (A14) between the open and the lock.
      if (await file.tryLock()) {
        const { id } = await file.stat('inline');
        const isOurs = !(await isHeldAside(disk, path + ASIDE, id)) && (await disk.stat(path))?.id === id;
        if (isOurs) return { path, id, file };
      }
    } catch (error) {
      await closeFile(file);
      const failure = lockFailed({ path }, error);
      // Nobody can have locked it either, so it is nobody's.
      if (isMade && failure.code === 'KEELSON_LOCK_UNSUPPORTED') await removeName(disk, path);
      throw failure;
    }
    await closeFile(file);
  }
  throw new KeelsonError(
    'KEELSON_LOCKED',
    `${path} is locked: another log, in this process or another, has this store open. Close it first, or open with readOnly.`,
    { path },
  );
}

async function openForLock(disk: Disk, path: string): Promise<{ file: DiskFile; isMade: boolean }> {
  try {
    try {
      return { file: await disk.open(path, { access: 'write', mode: 'inline' }), isMade: false };
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      return { file: await disk.open(path, { access: 'write', create: 'if-missing' }), isMade: true };
    }
  } catch (error) {
    throw writeFailed('the lock of the store', { path }, error, { then: 'open again' });
  }
}

/**
 * True while another open, making a store, has moved its locked superblock aside for a moment: the one that we
 * locked is then a new file, which the move back replaces. One that nobody holds was left by a crash, and so was a
 * second name of our own.
 */
async function isHeldAside(disk: Disk, path: string, ours: string): Promise<boolean> {
  const aside = await disk.stat(path);
  if (aside === null || aside.id === ours) return false;
  let file: DiskFile;
  try {
    file = await disk.open(path, { access: 'write' });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
  return using(file, async () => !(await file.tryLock()));
}
