import { dirname } from 'node:path';
import { changeFailed, readFailed } from '../disk/disk-failure.js';
import { ASIDE, renameOrFail, renewDirectory, syncNames } from '../disk/durable-names.js';
import { systemCode, type Disk } from '../disk/index.js';
import { statOf } from '../disk/told-calls.js';
import { KeelsonError } from '../errors/index.js';
import { parseSnapshotFileName, type SnapshotFileName } from './snapshot-name.js';

const NEXT = { then: 'open the log again' };

/** The files of the directory that bear a name of ours. */
export type OwnNames = readonly {
  readonly name: string;
  readonly parsed: Exclude<SnapshotFileName, { kind: 'foreign' }>;
}[];

/** The directory of the snapshots of one log: which names stand in it, and whether its own lasts. */
export class SnapshotDirectory {
  readonly #disk: Disk;
  readonly #path: string;
  /** What the open found, while nothing has changed it since; else null. */
  #names: OwnNames | null;
  /** Ends when the directory's own name is durable; null while nobody has seen to that. */
  #proving: Promise<void> | null;

  private constructor(disk: Disk, path: string, names: OwnNames | null, proving: Promise<void> | null) {
    this.#disk = disk;
    this.#path = path;
    this.#names = names;
    this.#proving = proving;
  }

  /**
   * Opens it for its one writer, making it if it is missing. Names read may live only in the page cache, left by a process
   * that was killed before its sync: those of files are synced (R10).
   */
  static async open(disk: Disk, path: string): Promise<SnapshotDirectory> {
    const names = await listIfThere(disk, path);
    if (names === null) await ensureDirectory(disk, path);
    else if (names.length > 0) await syncNames(disk, path);
    return new SnapshotDirectory(disk, path, names ?? [], names?.length === 0 ? null : Promise.resolve());
  }

  /** For who only reads, beside a writer: it is looked at each time. */
  static readOnly(disk: Disk, path: string): SnapshotDirectory {
    return new SnapshotDirectory(disk, path, null, null);
  }

  names(): Promise<OwnNames> {
    return this.#names === null ? listOwnNames(this.#disk, this.#path) : Promise.resolve(this.#names);
  }

  /** A name in it is about to be made, changed or taken away. */
  changes(): void {
    this.#names = null;
  }

  /** To be awaited before anything is written in it: an open may have made it whose sync then failed (D5, R10). */
  prove(checkFence: () => Promise<void>): Promise<void> {
    this.#proving ??= checkFence()
      .then(() => ensureDirectory(this.#disk, this.#path))
      .catch((error: unknown) => {
        this.#proving = null;
        throw error;
      });
    return this.#proving;
  }
}

/**
 * Sees to it that the directory of the snapshots is there, and that its own name and all names in it are
 * durable: they may live only in the page cache, also behind a sync that said OK where an earlier one failed (D5).
 */
async function ensureDirectory(disk: Disk, dir: string): Promise<void> {
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

/** None if the directory is not there. */
export async function listOwnNames(disk: Disk, dir: string): Promise<OwnNames> {
  return (await listIfThere(disk, dir)) ?? [];
}

/** Null if the directory is not there, or none. */
async function listIfThere(disk: Disk, dir: string): Promise<OwnNames | null> {
  let entries;
  try {
    entries = await disk.readdir(dir);
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null;
    throw readFailed('a directory', { path: dir }, error);
  }
  return entries.flatMap(({ name, kind }) => {
    const parsed = parseSnapshotFileName(name);
    return kind === 'file' && parsed.kind !== 'foreign' ? [{ name, parsed }] : [];
  });
}

async function isDirectory(disk: Disk, dir: string): Promise<boolean> {
  const stat = await statOf(disk, dir, 'a directory');
  if (stat === null || stat.kind === 'directory') return stat !== null;
  throw new KeelsonError(
    'KEELSON_NOT_A_LOG',
    `${dir} is a ${stat.kind}, expected the directory of the snapshots; nothing was changed. Move it away.`,
    { path: dir, found: stat.kind, expected: 'directory' },
  );
}
