import { basename, dirname, join, resolve } from 'node:path';
import { readFailed, syncFailed, writeFailed } from '../../disk/disk-failure.js';
import type { Disk, DirectoryEntry } from '../../disk/port.js';
import { systemCode } from '../../disk/system-error.js';
import { KeelsonError } from '../../errors/index.js';
import {
  LOST_AND_FOUND_NAME,
  MARKS_NAME,
  parseWalFileName,
  QUARANTINE_DIRECTORY_NAME,
  segmentAsideName,
  segmentName,
  SNAPSHOTS_DIRECTORY_NAME,
  SUPERBLOCK_NAME,
  WAL_DIRECTORY_NAME,
} from '../../format/names.js';

/** Where a store lives. */
export interface StorePaths {
  readonly dir: string;
  /** Directory of the segments. */
  readonly walDir: string;
  /** The caller put the segments elsewhere. */
  readonly isWalSeparate: boolean;
}

/** Absolute paths of a store. */
export function storePaths(dir: string, walDir: string | null): StorePaths {
  const absolute = resolve(dir);
  return {
    dir: absolute,
    walDir: walDir === null ? join(absolute, WAL_DIRECTORY_NAME) : resolve(walDir),
    isWalSeparate: walDir !== null,
  };
}

/** A name that is away from its place for the moment in which the place is proven durable. */
export const ASIDE = '.aside';
const OWN_NAMES: ReadonlySet<string> = new Set([
  SUPERBLOCK_NAME,
  MARKS_NAME,
  WAL_DIRECTORY_NAME,
  SNAPSHOTS_DIRECTORY_NAME,
  QUARANTINE_DIRECTORY_NAME,
  LOST_AND_FOUND_NAME,
  SUPERBLOCK_NAME + ASIDE,
  WAL_DIRECTORY_NAME + ASIDE,
  SNAPSHOTS_DIRECTORY_NAME + ASIDE,
  QUARANTINE_DIRECTORY_NAME + ASIDE,
]);

/** Directories beside segments that have a directory of their own. */
const WAL_FOLDERS: ReadonlySet<string> = new Set([
  LOST_AND_FOUND_NAME,
  QUARANTINE_DIRECTORY_NAME,
  QUARANTINE_DIRECTORY_NAME + ASIDE,
]);

/** What stands in the directories of a store, before anything is touched. */
export interface StoreListing {
  /** Null if the directory is not there. */
  readonly names: ReadonlySet<string> | null;
  /** Segments by number, those away from their name included; null if the directory is not there. */
  readonly segments: ReadonlySet<number> | null;
  readonly spares: readonly string[];
  readonly asides: readonly number[];
}

/** Lists both directories; foreign names in either are refused (`KEELSON_NOT_A_LOG`), and nothing is touched. */
export async function listStore(disk: Disk, paths: StorePaths): Promise<StoreListing> {
  const entries = await list(disk, paths.dir);
  const foreign = entries?.find((entry) => !OWN_NAMES.has(entry.name));
  if (foreign !== undefined)
    throw notALog(paths.dir, `it holds '${foreign.name}', which is none of Keelson's files`);
  const names = entries === null ? null : new Set(entries.map((entry) => entry.name));
  const walEntries = await list(disk, paths.walDir);
  const listing = { segments: new Set<number>(), spares: [] as string[], asides: [] as number[] };
  for (const entry of walEntries ?? []) sortWalName(paths.walDir, entry.name, listing);
  return { ...listing, names, segments: walEntries === null ? null : listing.segments };
}

function sortWalName(
  walDir: string,
  name: string,
  listing: { segments: Set<number>; spares: string[]; asides: number[] },
): void {
  const parsed = parseWalFileName(name);
  switch (parsed.kind) {
    case 'segment':
      listing.segments.add(parsed.number);
      return;
    case 'aside':
      listing.asides.push(parsed.number);
      return;
    case 'spare':
      listing.spares.push(name);
      return;
    case 'lock':
      return;
    case 'foreign':
      if (!WAL_FOLDERS.has(name))
        throw notALog(walDir, `it holds '${name}', which is none of Keelson's files`);
  }
}

async function list(disk: Disk, path: string): Promise<readonly DirectoryEntry[] | null> {
  try {
    return await disk.readdir(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    if (systemCode(error) === 'ENOTDIR') throw notALog(path, 'it is a file, not a directory');
    throw readFailed('a directory', { path }, error);
  }
}

/** What to say where no log is, or something else. */
export function notALog(path: string, why: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_NOT_A_LOG',
    `${path} is no log: ${why}. Nothing was changed. Check the path, and that its disk is mounted.`,
    { path },
  );
}

/** Makes a directory and its name durable. A directory that is there already is left as it is. */
export async function makeDirectory(disk: Disk, path: string): Promise<void> {
  try {
    await disk.mkdir(path);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return;
    if (systemCode(error) === 'ENOENT') throw notALog(path, 'its parent directory is not there');
    throw writeFailed('a directory', { path }, error, 'Check the parent directory, then open again.');
  }
  await restoreOwnName(disk, path);
  await syncNames(disk, dirname(path));
}

/** Where a directory is for the moment in which its own name is proven, in a place that is not Keelson's. */
const OWN_NAME_ASIDE = '.keelson-aside';
/** Who may not rename a directory has not made it, and who mounted it has named it: its name was there before. */
const NOT_OURS: ReadonlySet<string | undefined> = new Set([
  'EACCES',
  'EBUSY',
  'EEXIST',
  'EINVAL',
  'ENOTEMPTY',
  'EPERM',
  'EROFS',
  'EXDEV',
]);

/**
 * Makes the name of a directory durable that an open may have made whose sync then failed: behind that an OK proves
 * nothing (R10), and with the directory all would be gone that is in it. Only for a store that is not live yet.
 */
export async function proveOwnName(disk: Disk, path: string): Promise<void> {
  try {
    await disk.rename(path, path + OWN_NAME_ASIDE);
  } catch (error) {
    if (!NOT_OURS.has(systemCode(error))) throw nameNotProven(path, error);
    await syncNames(disk, dirname(path));
    return;
  }
  try {
    await disk.rename(path + OWN_NAME_ASIDE, path);
  } catch (error) {
    // Another open, which found no directory in that moment, has put it back.
    if (systemCode(error) !== 'ENOENT' || (await disk.stat(path)) === null) throw nameNotProven(path, error);
  }
  await syncNames(disk, dirname(path));
}

function nameNotProven(path: string, error: unknown): KeelsonError {
  return writeFailed('the name of a directory', { path }, error, 'Check the disk, then open again.');
}

/** A crash may have left it away from its name. Into the place of the new one, which is empty. */
async function restoreOwnName(disk: Disk, path: string): Promise<void> {
  try {
    await disk.rename(path + OWN_NAME_ASIDE, path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw nameNotProven(path, error);
  }
}

/** Makes the names of a directory durable (A4). */
export async function syncNames(disk: Disk, path: string): Promise<void> {
  try {
    await disk.syncDirectory(path);
  } catch (error) {
    throw syncFailed(
      'a directory',
      { path },
      error,
      'Reopen the log; nothing that was acknowledged is lost.',
    );
  }
}

/**
 * Renames a name away and back, so that the next sync of its directory has something to make durable: after an
 * earlier failed sync, an OK alone proves nothing about names that live only in the page cache (R10).
 */
export async function renewName(
  disk: Disk,
  dir: string,
  name: string,
  aside: string = name + ASIDE,
): Promise<void> {
  await renameOrFail(disk, join(dir, name), join(dir, aside));
  await renameOrFail(disk, join(dir, aside), join(dir, name));
}

/** Puts back what a crash left away from its name; tells what stands there then. */
export async function restoreAsides(
  disk: Disk,
  paths: StorePaths,
  listing: StoreListing,
): Promise<StoreListing> {
  let isAsFound = listing.asides.length === 0;
  for (const name of [SUPERBLOCK_NAME, WAL_DIRECTORY_NAME, QUARANTINE_DIRECTORY_NAME]) {
    if (listing.names?.has(name + ASIDE) !== true) continue;
    isAsFound = false;
    const from = join(paths.dir, name + ASIDE);
    if (!listing.names.has(name)) await renameOrFail(disk, from, join(paths.dir, name));
    else if (name === SUPERBLOCK_NAME) await removeName(disk, from);
  }
  for (const number of listing.asides) {
    const from = join(paths.walDir, segmentAsideName(number));
    if (listing.segments?.has(number) === true) await removeName(disk, from);
    else await renameOrFail(disk, from, join(paths.walDir, segmentName(number)));
  }
  return isAsFound ? listing : listStore(disk, paths);
}

/** Renames (A5: after a crash either name may be there, or both); a failure is a write failure that names both. */
export async function renameOrFail(disk: Disk, from: string, to: string): Promise<void> {
  try {
    await disk.rename(from, to);
  } catch (error) {
    throw writeFailed(
      `the name ${basename(to)} for`,
      { path: from },
      error,
      'Check the disk, then open again.',
    );
  }
}

/** Removes a name that nothing needs; whoever holds the file open reads on (A13). One that is gone already is fine. */
export async function removeName(disk: Disk, path: string): Promise<void> {
  try {
    await disk.unlink(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw writeFailed('the removal of a file', { path }, error, 'Check the disk, then open again.');
  }
}
