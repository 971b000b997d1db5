import { dirname } from 'node:path';
import { systemCode, type Disk } from '../disk/index.js';
import { KeelsonError } from '../errors/index.js';
import { readFailure, syncFailure, writeFailure } from './disk-failure.js';
import { parseSnapshotFileName, type SnapshotFileName } from './snapshot-name.js';

/**
 * Sees to it that the directory of the snapshots is there, and that its own name and all names in it are
 * durable: names read may live only in the page cache, left by a process that was killed before its sync (R10).
 */
export async function ensureDirectory(disk: Disk, dir: string): Promise<void> {
  if (!(await isDirectory(disk, dir))) {
    try {
      await disk.mkdir(dir);
    } catch (error) {
      throw writeFailure(error, dir, 'making the directory');
    }
  }
  await syncNames(disk, dirname(dir));
  await syncNames(disk, dir);
}

/** Makes the names in a directory durable; `KEELSON_SYNC_FAILED` naming the directory. */
export async function syncNames(disk: Disk, dir: string): Promise<void> {
  try {
    await disk.syncDirectory(dir);
  } catch (error) {
    throw syncFailure(error, dir, 'syncing the directory');
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
    throw readFailure(error, dir, 'listing the directory');
  }
  return entries.flatMap(({ name, kind }) => {
    const parsed = parseSnapshotFileName(name);
    return kind === 'file' && parsed.kind !== 'foreign' ? [{ name, parsed }] : [];
  });
}

async function isDirectory(disk: Disk, dir: string): Promise<boolean> {
  let stat;
  try {
    stat = await disk.stat(dir);
  } catch (error) {
    throw readFailure(error, dir, 'looking for the directory');
  }
  if (stat === null || stat.kind === 'directory') return stat !== null;
  throw new KeelsonError(
    'KEELSON_NOT_A_LOG',
    `${dir} is a ${stat.kind}, expected the directory of the snapshots; nothing was changed. Move it away.`,
    { path: dir, found: stat.kind, expected: 'directory' },
  );
}
