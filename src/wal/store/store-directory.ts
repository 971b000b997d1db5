import { basename, dirname, join, resolve } from 'node:path';
import { changeFailed } from '../../disk/disk-failure.js';
import { ASIDE, removeName, renameOrFail, restoreOwnName, syncNames } from '../../disk/durable-names.js';
import type { Disk, DirectoryEntry } from '../../disk/port.js';
import { systemCode } from '../../disk/system-error.js';
import { entriesIn } from '../../disk/told-calls.js';
import { KeelsonError } from '../../errors/index.js';
import {
  CHECKPOINT_NAME,
  LOST_AND_FOUND_NAME,
  MARKS_NAME,
  parseWalFileName,
  QUARANTINE_DIRECTORY_NAME,
  segmentAsideName,
  segmentName,
  SNAPSHOTS_DIRECTORY_NAME,
  SUPERBLOCK_NAME,
  UNFINISHED_NAME,
  WAL_DIRECTORY_NAME,
} from '../../format/names.js';

/** Where a store lives. */
export class StorePaths {
  /** Absolute, as the other. */
  readonly dir: string;
  /** Directory of the segments. */
  readonly walDir: string;
  /** The caller put the segments elsewhere. */
  readonly isWalSeparate: boolean;

  constructor(dir: string, walDir: string | null) {
    this.dir = resolve(dir);
    this.walDir = walDir === null ? join(this.dir, WAL_DIRECTORY_NAME) : resolve(walDir);
    this.isWalSeparate = walDir !== null;
  }

  get superblock(): string {
    return join(this.dir, SUPERBLOCK_NAME);
  }

  get marks(): string {
    return join(this.dir, MARKS_NAME);
  }

  /** Of the segment numbered `number`. */
  segment(number: number): string {
    return join(this.walDir, segmentName(number));
  }

  /** Where it is for the moment in which its name is proven. */
  aside(number: number): string {
    return join(this.walDir, segmentAsideName(number));
  }

  /** The quarantine of a file: none can be renamed from one file system to another, and the segments may have their own. */
  quarantineOf(path: string): string {
    const isApart = this.isWalSeparate && path.startsWith(join(this.walDir, '/'));
    return join(isApart ? this.walDir : this.dir, QUARANTINE_DIRECTORY_NAME);
  }

  /** Sizes of the segments that are there, in bytes. */
  async *segmentSizes(disk: Disk): AsyncGenerator<number, void, undefined> {
    const { segments } = await listStore(disk, this);
    for (const number of segments) yield (await disk.stat(this.segment(number)))?.size ?? 0;
  }
}

const OWN_NAMES: ReadonlySet<string> = new Set([
  SUPERBLOCK_NAME,
  MARKS_NAME,
  WAL_DIRECTORY_NAME,
  SNAPSHOTS_DIRECTORY_NAME,
  QUARANTINE_DIRECTORY_NAME,
  LOST_AND_FOUND_NAME,
  CHECKPOINT_NAME,
  UNFINISHED_NAME,
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
  readonly isWalDirThere: boolean;
  /** Segments by number. */
  readonly segments: ReadonlySet<number>;
  /** Segments away from their name, by number. */
  readonly asides: readonly number[];
  /** Of both, rising: an open beside has a segment away from its name for a moment (R10). */
  readonly numbers: readonly number[];
  readonly spares: readonly string[];
  /** Paths of what is none of Keelson's: left alone beside a live store, and why nothing is made where none is. */
  readonly strays: readonly string[];
}

/** Lists both directories; nothing is touched. */
export async function listStore(disk: Disk, paths: StorePaths): Promise<StoreListing> {
  const entries = await list(disk, paths.dir);
  const strays = (entries ?? [])
    .filter((entry) => !OWN_NAMES.has(entry.name))
    .map((entry) => join(paths.dir, entry.name));
  const names = entries === null ? null : new Set(entries.map((entry) => entry.name));
  const walEntries = await list(disk, paths.walDir);
  const segments = new Set<number>();
  const spares: string[] = [];
  const asides: number[] = [];
  const sorted = { segments, asides, spares, strays };
  for (const entry of walEntries ?? []) sortWalName(paths.walDir, entry.name, sorted);
  const numbers = [...segments, ...asides].sort((a, b) => a - b);
  return { names, isWalDirThere: walEntries !== null, segments, asides, numbers, spares, strays };
}

function sortWalName(
  walDir: string,
  name: string,
  listing: { segments: Set<number>; asides: number[]; spares: string[]; strays: string[] },
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
      if (!WAL_FOLDERS.has(name)) listing.strays.push(join(walDir, name));
  }
}

/** Files of others where no store is live: whoever put them there did not mean a log to be made beside them. */
export function refuseStrays(listing: StoreListing): void {
  const refusal = strayOf(listing);
  if (refusal !== null) throw refusal;
}

/** What {@link refuseStrays} throws; null if there is none. */
export function strayOf({ strays: [first] }: StoreListing): KeelsonError | null {
  if (first === undefined) return null;
  return notALog(dirname(first), `it holds '${basename(first)}', which is none of Keelson's files`);
}

function list(disk: Disk, path: string): Promise<readonly DirectoryEntry[] | null> {
  return entriesIn(disk, path, () => notALog(path, 'it is a file, not a directory'));
}

/** What to say where no log is, or something else. */
export function notALog(
  path: string,
  why: string,
  next: string = 'Check the path, and that its disk is mounted.',
): KeelsonError {
  const message = `${path} is no log: ${why}. Nothing was changed. ${next}`;
  return new KeelsonError('KEELSON_NOT_A_LOG', message, { path });
}

/** Makes a directory and its name durable. A directory that is there already is left as it is. */
export async function makeDirectory(disk: Disk, path: string): Promise<void> {
  try {
    await disk.mkdir(path);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return;
    if (systemCode(error) === 'ENOENT') throw notALog(path, 'its parent directory is not there');
    throw changeFailed('a directory', { path }, error, { then: 'open again' });
  }
  await restoreOwnName(disk, path);
  await syncNames(disk, dirname(path));
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
    const from = paths.aside(number);
    if (listing.segments.has(number)) await removeName(disk, from);
    else await renameOrFail(disk, from, paths.segment(number));
  }
  return isAsFound ? listing : listStore(disk, paths);
}
