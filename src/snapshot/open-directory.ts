import { dirname } from 'node:path';
import { changeFailed, readFailed } from '../disk/disk-failure.js';
import { ASIDE, renameOrFail, renewDirectory, syncNames } from '../disk/durable-names.js';
import { systemCode, type Disk } from '../disk/index.js';
import { KeelsonError } from '../errors/index.js';
import { parseSnapshotFileName, type SnapshotFileName } from './snapshot-name.js';

const NEXT = { then: 'open the log again' };

/**
 * Sees to it that the directory of the snapshots is there, and that its own name and all names in it are
 * durable: names read may live only in the page cache, left by a process that was killed before its sync (R10).
 */
export async function ensureDirectory(disk: Disk, dir: string): Promise<void> {
  if (await isDirectory(disk, dir)) {
    // Once a snapshot was written in it, published or not, its name was durable before that; and one that is not published
    // may be the only one that the log names, which an open looks for before it would put this directory back.
    if (!(await holdsSnapshots(disk, dir))) await renewDirectory(disk, dir);
  } else if (await isDirectory(disk, dir + ASIDE)) {
    await renameOrFail(disk, dir + ASIDE, dir);
  } else {
    await make(disk, dir);
  }
  await syncNames(disk, dirname(dir));
  await syncNames(disk, dir);
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
