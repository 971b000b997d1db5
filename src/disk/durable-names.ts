import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { isKeelsonError } from '../errors/index.js';
import { changeFailed, isOutOfDescriptors, syncFailed, writeFailed } from './disk-failure.js';
import type { Disk } from './port.js';
import { systemCode } from './system-error.js';
import { changing } from './told-calls.js';

/**
 * Names that last. A name that is read, or whose sync said OK behind one that failed, may live only in the page cache
 * (D5, R10): it is made again, away and back, so that the next sync of its directory has something to make durable.
 */

/** A name that is away from its place for the moment in which the place is proven durable. */
export const ASIDE = '.aside';

const OPEN_AGAIN = { then: 'open again' };

/**
 * Makes the names of a directory durable (A4). `KEELSON_SYNC_FAILED`: what lasts of them is unknown (D5);
 * `KEELSON_WRITE_FAILED`: there was no descriptor for it, and nothing was done.
 */
export async function syncNames(disk: Disk, path: string): Promise<void> {
  try {
    await disk.syncDirectory(path);
  } catch (error) {
    const fate = 'Nothing that was acknowledged is lost.';
    // Without a descriptor it could not even begin: no sync has failed, and one that is made later proves as much.
    if (isOutOfDescriptors(error))
      throw writeFailed('a directory', { path }, error, { fate, then: 'try again' });
    const next = { fate, then: 'reopen the log' };
    throw syncFailed('a directory', { path }, error, next);
  }
}

/** Renames (A5: after a crash either name may be there, or both). */
export function renameOrFail(disk: Disk, from: string, to: string): Promise<void> {
  return changing(`the name ${basename(to)}`, { path: from }, OPEN_AGAIN, () => disk.rename(from, to));
}

/** Removes a name that nothing needs; whoever holds the file open reads on (A13). One that is gone already is fine. */
export async function removeName(disk: Disk, path: string): Promise<void> {
  try {
    await disk.unlink(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw changeFailed('the removal of a file', { path }, error, OPEN_AGAIN);
  }
}

/** Makes the name of a file again; the next {@link syncNames} of its directory makes it durable. */
export async function renewName(
  disk: Disk,
  dir: string,
  name: string,
  aside: string = name + ASIDE,
): Promise<void> {
  await renameOrFail(disk, join(dir, name), join(dir, aside));
  await renameOrFail(disk, join(dir, aside), join(dir, name));
}

/**
 * What a system answers that lets nobody rename this directory. Who may not has not made it, a file system that is
 * mounted there was named before it, and one that lies in a lower layer (EXDEV of overlayfs) was there when the layers were
 * put together: in each case its name was there before, and is no matter of a cache of ours.
 */
const NAMED_BY_OTHERS: ReadonlySet<string | undefined> = new Set([
  'EACCES',
  'EBUSY',
  'EEXIST',
  'EINVAL',
  'ENOTEMPTY',
  'EPERM',
  'EROFS',
  'EXDEV',
]);

/** As {@link renewName}, of a directory. False: it cannot be renamed, and its name was there before. */
export async function renewDirectory(
  disk: Disk,
  path: string,
  aside: string = path + ASIDE,
): Promise<boolean> {
  try {
    await disk.rename(path, aside);
  } catch (error) {
    if (!NAMED_BY_OTHERS.has(systemCode(error))) throw nameFailed(path, error);
    return false;
  }
  try {
    await disk.rename(aside, path);
  } catch (error) {
    // Another open, which found no directory in that moment, has put it back.
    if (systemCode(error) !== 'ENOENT' || (await disk.stat(path)) === null) throw nameFailed(path, error);
  }
  return true;
}

function nameFailed(path: string, error: unknown): Error {
  return changeFailed('the name of a directory', { path }, error, OPEN_AGAIN);
}

/** Where a directory is for the moment in which its own name is proven, in a place that is not Keelson's. */
const OWN_NAME_ASIDE = '.keelson-aside';
/** Bytes that a name may have on every file system there is. */
const NAME_BYTES_MAX = 255;

/** The same for every open of this path: a crash may have left it there. */
function ownNameAside(path: string): string {
  const name = basename(path);
  if (Buffer.byteLength(name) + OWN_NAME_ASIDE.length <= NAME_BYTES_MAX) return path + OWN_NAME_ASIDE;
  return join(dirname(path), createHash('sha256').update(name).digest('hex') + OWN_NAME_ASIDE);
}

/**
 * Makes the name of a directory durable that an open may have made whose sync then failed: behind that an OK proves
 * nothing (R10), and with the directory all would be gone that is in it. Only for a store that is not live yet.
 */
export async function proveOwnName(disk: Disk, path: string): Promise<void> {
  const isOurs = await renewDirectory(disk, path, ownNameAside(path));
  try {
    await syncNames(disk, dirname(path));
  } catch (error) {
    // The parent may be entered but not read: who may not rename in it has made nothing there to sync.
    const code = isKeelsonError(error) ? error.details.systemCode : undefined;
    if (isOurs || (code !== 'EACCES' && code !== 'EPERM')) throw error;
  }
}

/** A crash may have left it away from its name. Into the place of a new one, which is empty. */
export async function restoreOwnName(disk: Disk, path: string): Promise<void> {
  try {
    await disk.rename(ownNameAside(path), path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw nameFailed(path, error);
  }
}
