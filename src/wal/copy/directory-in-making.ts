import { dirname, join } from 'node:path';
import { closeFile } from '../../disk/close-file.js';
import { changeFailed, lockFailed } from '../../disk/disk-failure.js';
import { proveOwnName, removeName, renewDirectory, syncNames } from '../../disk/durable-names.js';
import type { DirectoryEntry, Disk, DiskFile } from '../../disk/port.js';
import { systemCode } from '../../disk/system-error.js';
import { readFully } from '../../disk/read-fully.js';
import { changing, entriesIn, filesBelow, reading, syncData } from '../../disk/told-calls.js';
import { writeFully } from '../../disk/write-fully.js';
import { invalidArgument } from '../../errors/arguments.js';
import { isKeelsonError, KeelsonError } from '../../errors/index.js';
import {
  CHECKPOINT_NAME,
  LOST_AND_FOUND_NAME,
  parseWalFileName,
  SNAPSHOTS_DIRECTORY_NAME,
  UNFINISHED_NAME,
  WAL_DIRECTORY_NAME,
} from '../../format/names.js';
import { makeDirectory, notALog, type StoreListing } from '../store/store-directory.js';

/** Directories that are made in a copy. */
const INNER_NAMES: ReadonlySet<string> = new Set([WAL_DIRECTORY_NAME, SNAPSHOTS_DIRECTORY_NAME]);

const AGAIN = { fate: 'What it was copied from is as it was.', then: 'make the copy again' };

/**
 * A directory in which a copy of a store is being made. From the first moment to the last a file `unfinished` stands in it:
 * no open takes such a directory for a store, and whoever makes a copy there again begins anew. So a crash at any call
 * leaves a whole copy or none (R11). The file is locked by its maker, and the lock dies with that.
 */
export class DirectoryInMaking {
  readonly path: string;
  /** Where its segments are made, if not inside it. */
  readonly walDir: string | null;
  readonly #disk: Disk;
  readonly #what: string;
  #marker: DiskFile;

  private constructor(disk: Disk, path: string, walDir: string | null, what: string, marker: DiskFile) {
    this.#disk = disk;
    this.path = path;
    this.walDir = walDir;
    this.#what = what;
    this.#marker = marker;
  }

  /**
   * Takes a directory that is missing or empty, or in which a copy was begun that did not end; its parent must be there.
   *
   * @param what - as messages name it: `'a clone of /data/log'`
   * @param walDir - for its segments, missing or empty too, or with those of a try before, as the file says then
   */
  static async begin(
    disk: Disk,
    path: string,
    what: string,
    walDir: string | null = null,
  ): Promise<DirectoryInMaking> {
    const found = await entriesOf(disk, path);
    if (found === null) await makeDirectory(disk, path);
    else if (!found.some(({ name }) => name === UNFINISHED_NAME)) await refuseFull(disk, path, found);
    const directory = new DirectoryInMaking(disk, path, walDir, what, await lockMarker(disk, path));
    try {
      if (walDir !== null) await directory.#takeWalDir(walDir);
      await directory.clear();
      await directory.#mark();
      // An earlier try may have made it whose sync then failed (D5).
      await proveOwnName(disk, path);
      return directory;
    } catch (error) {
      await closeFile(directory.#marker);
      throw error;
    }
  }

  /** Makes a whole copy by `run`, or gives it up. Errors: those of {@link begin} and of `run`, and of the disk. */
  static async whole<T>(
    [disk, path, what, walDir]: Parameters<typeof DirectoryInMaking.begin>,
    run: (making: DirectoryInMaking) => Promise<T>,
  ): Promise<T> {
    const making = await DirectoryInMaking.begin(disk, path, what, walDir);
    try {
      const made = await run(making);
      await making.end();
      return made;
    } catch (error) {
      await making.abandon(error);
      throw error;
    }
  }

  async #takeWalDir(walDir: string): Promise<void> {
    const before = await textOf(this.#marker);
    if (!before.split('\n').includes(WAL_LINE + walDir))
      refuseAny(
        'toWalDir',
        walDir,
        ((await entriesOf(this.#disk, walDir)) ?? []).map(({ name }) => name),
      );
    await makeDirectory(this.#disk, walDir);
    await proveOwnName(this.#disk, walDir);
  }

  /** Makes a directory in it, under a name that the next {@link syncNames} makes durable. */
  async makeInner(name: string): Promise<string> {
    const path = join(this.path, name);
    try {
      await this.#disk.mkdir(path);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw changeFailed('a directory', { path }, error, AGAIN);
      await renewDirectory(this.#disk, path);
    }
    return path;
  }

  /** All in it is durable: the copy counts from here on. */
  async end(): Promise<void> {
    await syncNames(this.#disk, this.path);
    await removeName(this.#disk, this.#marker.path);
    await syncNames(this.#disk, this.path);
    await closeFile(this.#marker);
  }

  /** Gives up for that reason: what was made goes, as far as the disk lets it. Never rejects. */
  async abandon(reason: unknown): Promise<void> {
    try {
      // Where its end failed, it is without its marker already.
      if ((await this.#disk.stat(this.#marker.path)) === null) await this.#mark();
      await this.clear();
      // D5: behind a sync that failed no other proves that a name is gone. The marker stays, for who clears it again.
      if (isKeelsonError(reason, 'KEELSON_SYNC_FAILED')) throw reason;
      // Whoever made a file there and took it away again has synced no name.
      for (const directory of [...INNER_NAMES].map((name) => join(this.path, name)).concat(this.walDir ?? []))
        if ((await this.#disk.stat(directory)) !== null) await syncNames(this.#disk, directory);
      // Last: where what was removed is back behind a crash, it must be too.
      await this.#disk.unlink(this.#marker.path);
      await syncNames(this.#disk, this.path);
    } catch {
      // What is left is no store to any open, and the next try clears it.
    }
    await closeFile(this.#marker);
  }

  /** Removes all files but the marker, durably, which is where a making begins; directories stay, empty. */
  async clear(): Promise<void> {
    const changed = new Set<string>();
    for (const path of await this.#files()) {
      if (path === this.#marker.path) continue;
      await removeName(this.#disk, path);
      changed.add(dirname(path));
    }
    for (const directory of changed) await syncNames(this.#disk, directory);
  }

  async #files(): Promise<readonly string[]> {
    const inside = await filesIn(this.#disk, this.path);
    if (this.walDir === null) return inside;
    const { walDir } = this;
    const names = ((await entriesOf(this.#disk, walDir)) ?? []).map(({ name }) => name);
    const own = names.filter((name) => parseWalFileName(name).kind !== 'foreign');
    return [...inside, ...own.map((name) => join(walDir, name))];
  }

  /**
   * Makes the marker anew, durably. One that is there may live only in the page cache, left by a try whose sync failed (D5):
   * with it gone behind a crash, what was made beside it would be a damaged store.
   */
  async #mark(): Promise<void> {
    const before = this.#marker;
    await removeName(this.#disk, before.path);
    this.#marker = await lockMarker(this.#disk, this.path);
    await closeFile(before);
    await this.#note();
    await syncNames(this.#disk, this.path);
  }

  async #note(): Promise<void> {
    const text = `Here ${this.#what} is being made, or was begun and did not end: this is no store. Make it again, or remove the directory.\n`;
    const bytes = new TextEncoder().encode(
      this.walDir === null ? text : `${text}${WAL_LINE}${this.walDir}\n`,
    );
    const file = this.#marker;
    await changing('a file', { path: file.path }, AGAIN, async () => {
      await writeFully(file, bytes, 0);
      await file.truncate(bytes.length);
    });
    await syncData(file, 'a file', AGAIN);
  }
}

/** What a line of the file begins with that says where the segments are made. */
const WAL_LINE = 'segments: ';

function textOf(file: DiskFile): Promise<string> {
  return reading('a file', { path: file.path }, async () => {
    const bytes = new Uint8Array((await file.stat()).size);
    return new TextDecoder().decode(bytes.subarray(0, await readFully(file, bytes, 0)));
  });
}

/** Throws where a copy is being made, or did not end: it is nothing yet. */
export function refuseUnfinished(dir: string, { names }: Pick<StoreListing, 'names'>): void {
  if (names?.has(UNFINISHED_NAME) === true)
    throw notALog(
      dir,
      `a copy of a store is being made in it, or was begun and did not end (${UNFINISHED_NAME})`,
      'Make the copy again, or remove the directory.',
    );
}

/** Throws there too, and where a checkpoint stands: none of them is a store to open. */
export function refuseCopies(dir: string, listing: Pick<StoreListing, 'names'>): void {
  refuseUnfinished(dir, listing);
  if (listing.names?.has(CHECKPOINT_NAME) === true)
    throw notALog(dir, 'it is a checkpoint', 'Make a store of it: keelson clone, or cloneRaftLog.');
}

async function entriesOf(disk: Disk, path: string): Promise<readonly DirectoryEntry[] | null> {
  const entries = await entriesIn(disk, path, () => invalidArgument('to', path, 'a directory, not a file'));
  return entries?.filter(({ name }) => name !== LOST_AND_FOUND_NAME) ?? null;
}

async function filesIn(disk: Disk, dir: string): Promise<readonly string[]> {
  return (await filesBelow(disk, dir, LOST_AND_FOUND_NAME)).map(({ path }) => path);
}

/** What is there already is somebody's; but for directories without a file, which a copy that was given up leaves. */
async function refuseFull(disk: Disk, path: string, entries: readonly DirectoryEntry[]): Promise<void> {
  const first = entries.find(({ name, kind }) => kind !== 'directory' || !INNER_NAMES.has(name));
  refuseAny('to', path, first === undefined ? await filesIn(disk, path) : [first.name]);
}

function refuseAny(argument: string, path: string, [file]: readonly string[]): void {
  if (file === undefined) return;
  throw new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `${argument} is ${path}, which holds '${file}', expected a directory that is empty or not there; nothing was changed. Choose another.`,
    { argument, path, found: file, expected: 'an empty directory' },
  );
}

async function lockMarker(disk: Disk, dir: string): Promise<DiskFile> {
  const path = join(dir, UNFINISHED_NAME);
  const file = await changing('a file', { path }, AGAIN, () =>
    disk.open(path, { access: 'write', create: 'if-missing' }),
  );
  try {
    // Its maker may have ended, or made it anew, since it was opened.
    const isOurs = await file.tryLock();
    if (isOurs && (await disk.stat(path))?.id === (await file.stat()).id) return file;
  } catch (error) {
    await closeFile(file);
    throw lockFailed({ path }, error);
  }
  await closeFile(file);
  throw new KeelsonError(
    'KEELSON_LOCKED',
    `${path} is locked: another copy is being made in that directory. Wait for it, or choose another directory.`,
    { path },
  );
}
