import { dirname } from 'node:path';
import { changeFailed, readFailed, syncFailed } from '../disk/disk-failure.js';
import { systemCode, type Disk } from '../disk/index.js';
import { KeelsonError } from '../errors/index.js';
import { parseSnapshotFileName, type SnapshotFileName } from './snapshot-name.js';

const NEXT = 'Check the disk, then open the log again.';

/** The directory's name for the moment in which its own is proven; the list of a store's own names knows it too. */
const ASIDE = '.aside';

/**
 * Sees to it that the directory of the snapshots is there, and that its own name and all names in it are
 * durable: names read may live only in the page cache, left by a process that was killed before its sync (R10).
 */
export async function ensureDirectory(disk: Disk, dir: string): Promise<void> {
  const aside = dir + ASIDE;
  if (await isDirectory(disk, dir)) {
    if (!(await holdsSnapshots(disk, dir))) await renewName(disk, dir, aside);
  } else if (await isDirectory(disk, aside)) {
    await rename(disk, aside, dir);
  } else {
    await make(disk, dir);
  }
  await syncNames(disk, dirname(dir));
  await syncNames(disk, dir);
}

/**
 * After a failed sync an OK proves nothing about a name that lives only in the page cache (D5), so the name is made
 * again. Once a snapshot was written in it, published or not, such an OK came before that; and one that is not published
 * may be the only one that the log names, which an open looks for before it would put this directory back.
 */
async function renewName(disk: Disk, dir: string, aside: string): Promise<void> {
  try {
    await disk.rename(dir, aside);
  } catch (error) {
    // A file system is mounted there: then the name is no matter of this one's journal.
    if (systemCode(error) === 'EBUSY') return;
    throw changeFailed('the name of the directory of snapshots', { path: dir }, error, NEXT);
  }
  await rename(disk, aside, dir);
}

async function rename(disk: Disk, from: string, to: string): Promise<void> {
  try {
    await disk.rename(from, to);
  } catch (error) {
    throw changeFailed('the name of the directory of snapshots', { path: to }, error, NEXT);
  }
}

async function make(disk: Disk, dir: string): Promise<void> {
  try {
    await disk.mkdir(dir);
  } catch (error) {
    throw changeFailed('the directory of snapshots', { path: dir }, error, NEXT);
  }
}

async function holdsSnapshots(disk: Disk, dir: string): Promise<boolean> {
  return (await listOwnNames(disk, dir)).length > 0;
}

/** Makes the names in a directory durable; `KEELSON_SYNC_FAILED` naming the directory. */
export async function syncNames(disk: Disk, dir: string): Promise<void> {
  try {
    await disk.syncDirectory(dir);
  } catch (error) {
    throw syncFailed('a directory', { path: dir }, error, NEXT);
  }
}

/** The files of the directory that bear a name of ours; none if it is not there. */
export async function listOwnNames(
  disk: Disk,
  dir: string,
): Promise<
  readonly { readonly name: string; readonly parsed: Exclude<SnapshotFileName, { kind: 'foreign' }> }[]
> {
  let entries;
  try {
    entries = await disk.readdir(dir);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw readFailed('a directory', { path: dir }, error);
  }
  return entries.flatMap(({ name, kind }) => {
    const parsed = parseSnapshotFileName(name);
    return kind === 'file' && parsed.kind !== 'foreign' ? [{ name, parsed }] : [];
  });
}

/** True if the name stands for anything. */
export async function isThere(disk: Disk, path: string): Promise<boolean> {
  try {
    return (await disk.stat(path)) !== null;
  } catch (error) {
    throw readFailed('a snapshot', { path }, error);
  }
}

async function isDirectory(disk: Disk, dir: string): Promise<boolean> {
  let stat;
  try {
    stat = await disk.stat(dir);
  } catch (error) {
    throw readFailed('a directory', { path: dir }, error);
  }
  if (stat === null || stat.kind === 'directory') return stat !== null;
  throw new KeelsonError(
    'KEELSON_NOT_A_LOG',
    `${dir} is a ${stat.kind}, expected the directory of the snapshots; nothing was changed. Move it away.`,
    { path: dir, found: stat.kind, expected: 'directory' },
  );
}
