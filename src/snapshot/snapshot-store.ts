import { closeFile } from '../disk/close-file.js';
import { join } from 'node:path';
import { changeFailed, isOutOfDescriptors } from '../disk/disk-failure.js';
import { syncNames } from '../disk/durable-names.js';
import { systemCode, type Disk, type Environment } from '../disk/index.js';
import { isKeelsonError, KeelsonError, throwIfAborted } from '../errors/index.js';
import { IDENTITY_BYTES } from '../format/identity.js';
import { LIMITS } from '../format/limits.js';
import { duplicateSnapshot } from './duplicate-snapshot.js';
import { OpenSnapshots } from './open-snapshots.js';
import { SnapshotDirectory } from './open-directory.js';
import { moveAside, setUnusableAside, type UnusableRequest } from './set-unusable-aside.js';
import {
  namedSnapshotOf,
  openJudged,
  openPublishedOrStaged,
  type ExpectedSnapshot,
  type JudgedSnapshotFile,
} from './snapshot-file-reader.js';
import { publishedName, temporaryName } from './snapshot-name.js';
import type { NamedSnapshot, PublishedSnapshot, SnapshotRef } from './snapshot-ref.js';
import type { SnapshotStream } from './snapshot-stream.js';
import { stageSnapshot, type StagedSnapshot } from './staged-snapshot.js';
import { writeSnapshotFile } from './write-snapshot-file.js';
import { checkWriteRequest, invalid, type SnapshotWriteRequest } from './write-request.js';

const NEXT = { fate: 'Nothing that counts was changed.', then: 'try again' };

/** Options of {@link openSnapshotStore}. */
export interface SnapshotStoreOptions {
  readonly environment: Pick<Environment, 'disk' | 'fillRandom' | 'endOfTurn' | 'now'>;
  /** The directory of the snapshots. Made if it is missing, unless `readOnly`; its parent must be there. */
  readonly dir: string;
  /** The 16 bytes that tell this store's files from another's. */
  readonly lineage: Uint8Array;
  /** Only read; a missing directory is an empty one. Default false. */
  readonly readOnly?: boolean;
  /** Data bytes of a chunk, 1..262,144. Default 262,144; smaller ones are for tests and small machines. */
  readonly chunkBytes?: number;
}

/**
 * Opens the store of snapshots in `dir`. Resolved: the directory is there and all names in it are durable. Nothing
 * is deleted: {@link SnapshotStore.retain} clears orphans, once the caller knows which snapshots count.
 *
 * Errors: `KEELSON_INVALID_ARGUMENT`, `KEELSON_NOT_A_LOG` (`dir` is no directory), `KEELSON_NO_SPACE`,
 * `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`, `KEELSON_READ_FAILED`.
 */
export async function openSnapshotStore(options: SnapshotStoreOptions): Promise<SnapshotStore> {
  const { environment, dir, lineage, readOnly = false, chunkBytes = LIMITS.snapshotChunkBytes } = options;
  if (lineage.length !== IDENTITY_BYTES)
    throw invalid('lineage', `${String(lineage.length)} bytes`, '16 bytes');
  if (!Number.isInteger(chunkBytes) || chunkBytes < 1 || chunkBytes > LIMITS.snapshotChunkBytes)
    throw invalid('chunkBytes', chunkBytes, `an integer of 1..${String(LIMITS.snapshotChunkBytes)}`);
  const directory = await SnapshotDirectory[readOnly ? 'readOnly' : 'open'](environment.disk, dir);
  return new SnapshotStore({ environment, dir, lineage: lineage.slice(), readOnly, chunkBytes }, directory);
}

/**
 * The snapshots of one log, as files that last. Knows of Raft only the labels index and term. One writer; any
 * number of readers beside it.
 *
 * The life of a file: {@link write} (temporary name, synced), `publish` (its name, durable), a record of the
 * log that names it by {@link SnapshotRef} (the caller's), {@link retain} without it (gone). Only the record
 * makes a snapshot count: a crash before it leaves an orphan that the next `retain` clears (D10, R11).
 */
export class SnapshotStore {
  readonly dir: string;
  /** Snapshots that no name stands for any more, and which their readers keep on the disk. */
  readonly heldByReaders: OpenSnapshots['heldByReaders'] = () => this.#open.heldByReaders();
  readonly #disk: Disk;
  readonly #directory: SnapshotDirectory;
  readonly #options: Required<SnapshotStoreOptions>;
  /** Published names of snapshots between the start of their write and the end of their publish or discard. */
  readonly #staging = new Set<string>();
  /** Published names that are no snapshots, and for which quarantine had no room. */
  readonly #untouchable = new Set<string>();
  readonly #open: OpenSnapshots;
  /** Ends when the last `retain` that was called has ended, well or not. */
  #retaining: Promise<unknown> = Promise.resolve();
  #isFailed = false;
  #checkFence: () => Promise<void> = () => Promise.resolve();

  /** Use {@link openSnapshotStore}, which opens the directory. */
  constructor(options: Required<SnapshotStoreOptions>, directory: SnapshotDirectory) {
    this.dir = options.dir;
    this.#disk = options.environment.disk;
    this.#options = options;
    this.#open = new OpenSnapshots(options.readOnly, () => options.environment.now());
    this.#directory = directory;
  }

  /**
   * True once a sync of the directory has failed: its names may never reach the disk, whatever later syncs say (D5). What
   * writes then answers `KEELSON_FAILED`, and the caller latches its log. A snapshot's own file holds nothing live yet.
   */
  get isFailed(): boolean {
    return this.#isFailed;
  }

  /** `checkFence` is asked before a name goes, to throw if another writer has taken over (D11); `onUnnamed`: its file is read. */
  guardBy(checkFence: () => Promise<void>, onUnnamed: (bytes: number) => void): void {
    this.#checkFence = checkFence;
    this.#open.onUnnamed = onUnnamed;
  }

  /**
   * Streams a snapshot into a temporary file, in bounded memory (one chunk). Resolved: its data is on stable
   * storage; it does not exist for any reader before `publish`.
   *
   * On any error the file is removed. Errors: what `data` throws, that very value; `KEELSON_INVALID_ARGUMENT`,
   * `KEELSON_TOO_LARGE`, `KEELSON_READ_ONLY`, `KEELSON_ABORTED`, `KEELSON_NO_SPACE`, `KEELSON_WRITE_FAILED`,
   * `KEELSON_SYNC_FAILED` (of this file alone, unless {@link isFailed}), `KEELSON_FENCED`, `KEELSON_FAILED`.
   */
  async write(request: SnapshotWriteRequest): Promise<StagedSnapshot> {
    this.#checkWritable();
    checkWriteRequest(request);
    throwIfAborted('the snapshot', request.signal);
    const { index, term } = request;
    const name = publishedName(index, term);
    if (this.#staging.has(name))
      throw invalid('index and term', name, 'those of a snapshot that is not being written already');
    this.#staging.add(name);
    const [temporary, path] = [join(this.dir, temporaryName(index, term)), join(this.dir, name)];
    try {
      // A retain under way may have an unlink of these names in flight, which must not meet the new file;
      // one that begins from here on leaves them alone.
      await this.#retaining;
      await this.#proveDirectory();
      this.#directory.changes();
      const { checksum, dataBytes } = await writeSnapshotFile({
        ...this.#options,
        owner: this,
        path: temporary,
        request,
        unlink: (leftover) => this.#unlink(leftover),
      });
      const ref: SnapshotRef = Object.freeze({ index, term, checksum });
      return stageSnapshot({
        ref,
        bytes: dataBytes,
        path,
        publish: () => this.#publish(temporary, path, name),
        discard: () => this.#discard(temporary, name),
      });
    } catch (error) {
      await this.#discard(temporary, name);
      throw error;
    }
  }

  /** See {@link duplicateSnapshot}. Errors: those of {@link readEnds}, and of writing. */
  async duplicate(ref: SnapshotRef, toDirectory: string): Promise<string> {
    return duplicateSnapshot(this.#disk, await this.#openJudged(ref), toDirectory);
  }

  /** The published snapshots by their names alone, lowest index and term first; nothing of them was read. */
  async list(): Promise<readonly PublishedSnapshot[]> {
    const own = await this.#directory.names();
    return own
      .filter(({ parsed }) => parsed.kind === 'published')
      .map(({ name, parsed: { index, term } }) => ({ index, term, path: join(this.dir, name) }))
      .sort((a, b) => a.index - b.index || a.term - b.term);
  }

  /**
   * Reads header and footer of the snapshot that `ref` names, or where that has no checksum of any whole file of that index
   * and term: that it is there, whole in length, of this store and the very one. Damage inside a chunk is met by the stream
   * of {@link open} alone (R8).
   *
   * Errors: `KEELSON_MISSING_SNAPSHOT`, `KEELSON_CORRUPT`, `KEELSON_INCOMPATIBLE_FORMAT`, `KEELSON_READ_FAILED`.
   */
  async readEnds(ref: ExpectedSnapshot): Promise<NamedSnapshot> {
    const judged = await this.#openJudged(ref);
    await closeFile(judged.file);
    return namedSnapshotOf(judged);
  }

  /**
   * As {@link readEnds}, for a stream of the data, verified chunk by chunk; see {@link SnapshotStream}. Run through it, or
   * close it: until then its bytes stay on the disk, also when nothing names them any more. From the call on no `retain` of
   * this store takes it away. `signal` ends the opening and the reading.
   */
  open(ref: SnapshotRef, signal?: AbortSignal): Promise<SnapshotStream> {
    const path = join(this.dir, publishedName(ref.index, ref.term));
    return this.#open.open({ path, ref, signal, openJudged: () => this.#openJudged(ref) });
  }

  /** Ends all reading, and lets none begin. Resolved: no snapshot is open. */
  close(): Promise<void> {
    return this.#open.close();
  }

  /**
   * Deletes every snapshot that `refs` does not name, and leftovers of writes that never ended; syncs the directory if
   * anything was deleted. Returns the paths deleted. Names of snapshots that are being written and foreign names are never
   * touched, readers that hold a file open read on.
   *
   * **Call it only once the record that makes the others unneeded is durable** (D10), with every snapshot that any durable
   * or accepted record may still need. Idempotent; what a crash leaves or brings back, the next call deletes.
   *
   * Errors: `KEELSON_READ_FAILED`, `KEELSON_WRITE_FAILED` (an unlink; all others were tried),
   * `KEELSON_SYNC_FAILED` of the directory, `KEELSON_FENCED`, `KEELSON_FAILED`, `KEELSON_READ_ONLY`.
   */
  async retain(refs: Iterable<SnapshotRef>): Promise<readonly string[]> {
    this.#checkWritable();
    const kept = new Set(Array.from(refs, ({ index, term }) => publishedName(index, term)));
    const retained = this.#retaining.then(() => this.#deleteAllBut(kept));
    this.#retaining = retained.catch(() => undefined);
    return await retained;
  }

  /**
   * Moves published files that are no snapshot of this store, by their head and end, to `folder`, each with a note of why:
   * damaged ones, another store's, those of another format; and those that stand for more than the log holds. To be called at
   * open, before any {@link retain}, which would delete them. What finds no room there stays, and no later one touches it.
   * Returns the new paths, and the snapshots that are whole by their head and end, but for `named`.
   */
  async setUnusableAside(
    request: UnusableRequest,
  ): Promise<{ readonly moved: readonly string[]; readonly whole: readonly NamedSnapshot[] }> {
    this.#checkWritable();
    const place = { disk: this.#disk, lineage: this.#options.lineage, ...request };
    const published = await this.list();
    const { moved, left, whole } = await setUnusableAside(place, published, request);
    if (moved.length > 0) this.#directory.changes();
    for (const { index, term } of left) this.#untouchable.add(publishedName(index, term));
    return { moved, whole };
  }

  /**
   * Gives the named snapshot its name, if it stands under that of an unfinished one still: a switch of format wrote it so.
   * Another file under the name goes to `folder` first; if that has no room, all stays as it is, and reads find it there.
   * Returns the paths moved.
   */
  async publishStaged(
    ref: SnapshotRef,
    folder: string,
    checkFence: () => Promise<void>,
  ): Promise<readonly string[]> {
    this.#checkWritable();
    const own = await this.#directory.names();
    const isThere = (name: string): boolean => own.some((one) => one.name === name);
    const temporary = join(this.dir, temporaryName(ref.index, ref.term));
    if (!isThere(temporaryName(ref.index, ref.term))) return [];
    const judged = await this.#openJudged(ref);
    await closeFile(judged.file);
    if (judged.file.path !== temporary) return [];
    const name = publishedName(ref.index, ref.term);
    const path = join(this.dir, name);
    await checkFence();
    this.#directory.changes();
    const moved: string[] = [];
    if (isThere(name)) {
      const reason = 'It is not the snapshot that the log names, which took its place.';
      const to = await moveAside({ disk: this.#disk, folder }, path, reason);
      if (to === null) {
        this.#untouchable.add(name).add(temporaryName(ref.index, ref.term));
        return [];
      }
      moved.push(to);
    }
    // Unlike a publish that fails, this one leaves the file: the log names it, and reads find it where it stands.
    await this.#rename(temporary, path);
    await this.#syncNames();
    return moved;
  }

  /** Makes the names of snapshots that were written and not published durable. */
  async syncStaged(): Promise<void> {
    this.#checkWritable();
    await this.#syncNames();
  }

  async #deleteAllBut(kept: ReadonlySet<string>): Promise<readonly string[]> {
    const deleted: string[] = [];
    let firstFailure: KeelsonError | undefined;
    for (const { name, parsed } of await this.#directory.names()) {
      const published = publishedName(parsed.index, parsed.term);
      // Asked for each name at its turn: a write may have begun since the names were listed.
      if (this.#staging.has(published) || this.#untouchable.has(name)) continue;
      if (parsed.kind === 'published' && kept.has(published)) continue;
      const path = join(this.dir, name);
      try {
        await this.#open.whileKept(path, () => this.#unlink(path));
        deleted.push(path);
      } catch (error) {
        if (isKeelsonError(error, 'KEELSON_FENCED')) throw error;
        if (systemCode(error) !== 'ENOENT')
          firstFailure ??= changeFailed('the removal of a snapshot', { path }, error, NEXT);
      }
    }
    if (deleted.length > 0) await this.#syncNames();
    if (firstFailure !== undefined) throw firstFailure;
    return deleted;
  }

  async #proveDirectory(): Promise<void> {
    try {
      await this.#directory.prove(this.#checkFence);
    } catch (error) {
      if (isKeelsonError(error, 'KEELSON_SYNC_FAILED')) this.#isFailed = true;
      throw error;
    }
  }

  async #publish(temporary: string, path: string, name: string): Promise<void> {
    try {
      this.#checkWritable();
      await this.#open.whileKept(path, () => this.#rename(temporary, path));
    } catch (error) {
      await this.#discard(temporary, name);
      throw error;
    }
    try {
      await this.#syncNames();
    } finally {
      this.#staging.delete(name);
    }
  }

  async #rename(temporary: string, path: string): Promise<void> {
    try {
      await this.#disk.rename(temporary, path);
    } catch (error) {
      throw changeFailed('the name of a snapshot', { path }, error, NEXT);
    }
  }

  async #discard(temporary: string, name: string): Promise<void> {
    try {
      await this.#unlink(temporary);
    } catch {
      // Not there, or the disk refuses: then it is a leftover like a crash's, which the next retain deletes.
    }
    this.#staging.delete(name);
  }

  /** D11: a successor's snapshots stand under the same kind of names. */
  async #unlink(path: string): Promise<void> {
    await this.#checkFence();
    this.#directory.changes();
    await this.#disk.unlink(path);
  }

  async #syncNames(): Promise<void> {
    try {
      await syncNames(this.#disk, this.dir);
    } catch (error) {
      // Where it could not even begin, a name may be gone after a crash that no record names, or be back: as before it.
      if (!isOutOfDescriptors(error)) this.#isFailed = true;
      throw error;
    }
  }

  #openJudged(ref: ExpectedSnapshot): Promise<JudgedSnapshotFile> {
    const { index, term } = ref;
    const name = publishedName(index, term);
    const path = join(this.dir, name);
    const { lineage } = this.#options;
    // What this store is writing exists for no reader.
    if (this.#staging.has(name)) return openJudged(this.#disk, path, lineage, ref);
    const paths = { path, staged: join(this.dir, temporaryName(index, term)) };
    return openPublishedOrStaged(this.#disk, paths, lineage, ref);
  }

  #checkWritable(): void {
    if (this.#options.readOnly) {
      const message = `snapshots in ${this.dir} were opened for reading only.`;
      throw new KeelsonError('KEELSON_READ_ONLY', message, { path: this.dir });
    }
    if (this.#isFailed) {
      throw new KeelsonError(
        'KEELSON_FAILED',
        `an earlier sync of ${this.dir} failed, so no name in it can be promised; nothing was done. Open it again.`,
        { path: this.dir },
      );
    }
  }
}
