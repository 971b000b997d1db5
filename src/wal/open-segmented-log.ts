import { readFailed } from '../disk/disk-failure.js';
import type { Environment } from '../disk/environment.js';
import type { DiskFile } from '../disk/port.js';
import { KeelsonError } from '../errors/index.js';
import { SUPERBLOCK_NAME } from '../format/names.js';
import type { DurableMark } from '../format/position.js';
import { FORMAT_VERSION } from '../format/segment-header.js';
import type { Superblock, SuperblockVerdict } from '../format/superblock.js';
import { closeFile } from './close-file.js';
import { NO_ENTRIES, RecoveryTally } from './damage.js';
import { openEndMarks, readEndMark } from './end-marks.js';
import { makeFreshStore } from './fresh-store.js';
import { judge, type Judgement } from './judge.js';
import type { WalLayer } from './layer.js';
import { lockStore, type StoreLock } from './lock-store.js';
import type { WalObserver } from './observer.js';
import { proveTail, tailGrew } from './prove-tail.js';
import { SegmentedLog } from './segmented-log.js';
import {
  listStore,
  makeDirectory,
  notALog,
  proveNames,
  removeLeftovers,
  restoreAsides,
  storePaths,
  type StoreListing,
  type StorePaths,
} from './store-directory.js';
import { newestSlot, readSlots, SuperblockFile, superblockPath } from './superblock-file.js';
import { firstTrace } from './trace-of-log.js';
import { WalCounters } from './wal-counters.js';

/** How to open; every field is resolved and checked by the layer above. */
export interface OpenRequest {
  readonly environment: Environment;
  readonly dir: string;
  /** Null: `wal` inside `dir`. */
  readonly walDir: string | null;
  readonly create: 'if-missing' | 'never';
  readonly segmentBytes: number;
  /** Largest frame payload, in bytes. */
  readonly frameBytesMax: number;
  readonly queueBytesMax: number;
  readonly writeMode: 'auto' | 'inline' | 'background';
  readonly readOnly: boolean;
  readonly verifyOnOpen: 'tail' | 'all';
  readonly layer: WalLayer;
  readonly observer: WalObserver;
  readonly signal: AbortSignal | undefined;
}

/** How often to begin again where the store moves under the judgement (R10), before what is found is believed. */
const MOVING_ATTEMPTS = 5;

/**
 * Opens the segmented log of a store, making an empty one if there is none and `create` allows it. R10: lock,
 * sync the directories, read and judge without writing, stamp the epoch, look again, prove the tail, record
 * where the epoch begins, clean up. Resolved: all that the log shows is on stable storage.
 */
export async function openSegmentedLog(request: OpenRequest): Promise<SegmentedLog> {
  const opening = new Opening(request);
  return request.readOnly ? opening.readOnly() : opening.writable();
}

/** A store read and judged. */
interface Judged {
  readonly superblock: Superblock;
  readonly slots: readonly SuperblockVerdict[];
  readonly bytes: Uint8Array;
  readonly judgement: Judgement;
  readonly listing: StoreListing;
}

type FoundSlots = Awaited<ReturnType<typeof readSlots>>;

/** The superblock that was judged, to be written by the one who holds it locked. */
function superblockOf(file: DiskFile, { superblock, slots, bytes }: Judged): SuperblockFile {
  const at = slots.findIndex((slot) => slot.kind === 'valid' && slot.superblock === superblock);
  return new SuperblockFile(file, superblock, bytes, at);
}

class Opening {
  readonly #request: OpenRequest;
  readonly #paths: StorePaths;
  readonly #tally: RecoveryTally;
  readonly #counters = new WalCounters();

  constructor(request: OpenRequest) {
    this.#request = request;
    this.#paths = storePaths(request.dir, request.walDir);
    this.#tally = new RecoveryTally(() => request.environment.now());
  }

  async readOnly(): Promise<SegmentedLog> {
    const { disk } = this.#request.environment;
    const listing = await listStore(disk, this.#paths);
    if (listing.names?.has(SUPERBLOCK_NAME) !== true) throw await this.#withoutSuperblock(listing);
    const file = await this.#openSuperblockForReading();
    try {
      const judged = await this.#judgeBesideWriter(file);
      const report = this.#tally.report('clean');
      return SegmentedLog.readOnly(this.#request, this.#paths, judged.judgement, report, this.#counters);
    } finally {
      await closeFile(file);
    }
  }

  async #openSuperblockForReading(): Promise<DiskFile> {
    const path = superblockPath(this.#paths.dir);
    try {
      return await this.#request.environment.disk.open(path, { access: 'read' });
    } catch (error) {
      throw readFailed('the superblock', { path }, error);
    }
  }

  /** A live writer may rotate and recycle under a reader: a fault counts only if the superblock stood still. */
  async #judgeBesideWriter(file: DiskFile): Promise<Judged> {
    for (let attempt = 1; ; attempt += 1) {
      const before = await readSlots(file);
      try {
        const whole = await this.#judgeSlots(before.slots, before.bytes, Infinity);
        return await this.#judgeSlots(before.slots, before.bytes, whole.judgement.proven.lsn);
      } catch (error) {
        const after = await readSlots(file);
        const stoodStill = Buffer.compare(before.bytes, after.bytes) === 0;
        if (stoodStill || attempt === MOVING_ATTEMPTS) throw error;
      }
    }
  }

  async writable(): Promise<SegmentedLog> {
    const { disk } = this.#request.environment;
    const listing = await listStore(disk, this.#paths);
    if (listing.names?.has(SUPERBLOCK_NAME) !== true) await this.#mayMake(listing);
    this.#throwIfAborted();
    await makeDirectory(disk, this.#paths.dir);
    if (this.#paths.isWalSeparate) await makeDirectory(disk, this.#paths.walDir);
    const lock = await lockStore(disk, this.#paths);
    try {
      return await this.#openLocked(lock);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Without a superblock a store may be made, if that is allowed and nothing of an older one is there. */
  async #mayMake(listing: StoreListing): Promise<void> {
    const isEmpty =
      listing.names === null ||
      (await firstTrace(this.#request.environment.disk, this.#paths, listing)) === null;
    if (!isEmpty || this.#request.create === 'never') throw await this.#withoutSuperblock(listing);
  }

  async #withoutSuperblock(listing: StoreListing): Promise<KeelsonError> {
    const trace =
      listing.names === null ? null : await firstTrace(this.#request.environment.disk, this.#paths, listing);
    if (trace !== null) return this.#superblockLost(trace);
    const what = listing.names === null ? 'the directory is not there' : 'no superblock is in it';
    return notALog(this.#paths.dir, what);
  }

  /** R7: no whole superblock beside what only a live store has. */
  #superblockLost(trace: string): KeelsonError {
    const path = superblockPath(this.#paths.dir);
    const reason = `neither slot of the superblock can be read, though ${trace} belongs to a log`;
    return this.#tally.damaged({
      code: 'KEELSON_CORRUPT',
      path,
      offset: 0,
      reason,
      entries: NO_ENTRIES,
      intact: [],
    });
  }

  async #openLocked(lock: StoreLock): Promise<SegmentedLog> {
    const { disk } = this.#request.environment;
    await restoreAsides(disk, this.#paths, await listStore(disk, this.#paths));
    const { slots, bytes } = await readSlots(lock.superblock);
    const newest = newestSlot(slots);
    if (newest === null) return this.#make(lock, slots, bytes);
    this.#checkKind(newest);
    await proveNames(disk, this.#paths, newest.newestSegment);
    this.#throwIfAborted();
    const first = await this.#judgeStill(lock.superblock, { slots, bytes });
    this.#throwIfAborted();
    const superblock = superblockOf(lock.superblock, first);
    this.#noteRebuilt(first.slots);
    this.#tally.epoch = first.judgement.highestEpoch + 1;
    await superblock.renew();
    await superblock.writeBoth({ epoch: this.#tally.epoch, isCleanEnd: false });
    const { judgement, listing } = await this.#lookAgain(superblock, first);
    const { newestSegment } = superblock.current;
    await proveTail(disk, this.#paths.dir, this.#tally.epoch, newestSegment, judgement, this.#tally);
    await this.#beginEpoch(superblock, judgement);
    const live = new Set(judgement.segments.map((segment) => segment.header.number));
    await removeLeftovers(disk, this.#paths.walDir, listing, live);
    return this.#start(lock, superblock, judgement, this.#tally.cut === null ? 'clean' : 'torn-tail');
  }

  /**
   * Judges the store as of slots that did not change meanwhile: a writer that lost its lock may still move the
   * range, and the stamp, which comes next, must not write an older range over that (D11).
   */
  async #judgeStill(file: DiskFile, found: FoundSlots): Promise<Judged> {
    let { slots, bytes } = found;
    for (let attempt = 1; ; attempt += 1) {
      const judged = await this.#judgeSlots(slots, bytes, Infinity);
      const after = await readSlots(file);
      if (Buffer.compare(after.bytes, bytes) === 0 || attempt === MOVING_ATTEMPTS) return judged;
      ({ slots, bytes } = after);
    }
  }

  #checkKind(superblock: Superblock): void {
    const { storeKind } = this.#request.layer;
    if (superblock.storeKind !== storeKind) {
      throw notALog(
        this.#paths.dir,
        `it is a store of kind '${superblock.storeKind}', expected '${storeKind}'`,
      );
    }
    if (superblock.isWalSeparate === this.#paths.isWalSeparate) return;
    const reason = superblock.isWalSeparate
      ? 'the segments of this store are in a directory of their own: open it with walDir'
      : 'the segments of this store are inside its directory: open it without walDir';
    const path = this.#paths.walDir;
    throw this.#tally.damaged({
      code: 'KEELSON_MISSING_SEGMENT',
      path,
      offset: 0,
      reason,
      entries: NO_ENTRIES,
      intact: [],
    });
  }

  async #judgeSlots(
    slots: readonly SuperblockVerdict[],
    bytes: Uint8Array,
    untilLsn: number,
  ): Promise<Judged> {
    const { layer, verifyOnOpen, environment } = this.#request;
    const { disk } = environment;
    const listing = await listStore(disk, this.#paths);
    const superblock = newestSlot(slots);
    if (superblock === null) throw await this.#unreadable(slots, listing);
    this.#checkKind(superblock);
    const present = listing.segments ?? new Set<number>();
    const mark = await this.#markOf(superblock);
    const readsAll = verifyOnOpen === 'all';
    const tally = this.#tally;
    const { walDir } = this.#paths;
    const judgement = await judge({
      disk,
      walDir,
      superblock,
      present,
      mark,
      layer,
      readsAll,
      untilLsn,
      tally,
    });
    return { superblock, slots, bytes, judgement, listing };
  }

  async #markOf(superblock: Superblock): Promise<DurableMark> {
    const mark = await readEndMark(this.#request.environment.disk, this.#paths.dir, superblock.storeId);
    return mark !== null && mark.lsn > superblock.proven.lsn ? mark : superblock.proven;
  }

  /** Why no slot counts: a newer format, a lost superblock, or a store that was never live. */
  async #unreadable(slots: readonly SuperblockVerdict[], listing: StoreListing): Promise<KeelsonError> {
    const other = slots.find((slot) => slot.kind === 'other-version');
    if (other?.kind !== 'other-version') return this.#withoutSuperblock(listing);
    const path = superblockPath(this.#paths.dir);
    return new KeelsonError(
      'KEELSON_INCOMPATIBLE_FORMAT',
      `${path} is of format ${other.version}, this release reads format ${FORMAT_VERSION}. Nothing was changed. Open it with the release that wrote it, or a newer one.`,
      { path, found: other.version, expected: FORMAT_VERSION },
    );
  }

  /** R7: a store that never said it was live has acknowledged nothing, and is made (again). */
  async #make(
    lock: StoreLock,
    slots: readonly SuperblockVerdict[],
    bytes: Uint8Array,
  ): Promise<SegmentedLog> {
    const { environment, layer, segmentBytes, create } = this.#request;
    const listing = await listStore(environment.disk, this.#paths);
    const isOther = slots.some((slot) => slot.kind === 'other-version');
    if (
      isOther ||
      create === 'never' ||
      (await firstTrace(this.#request.environment.disk, this.#paths, listing)) !== null
    )
      throw await this.#unreadable(slots, listing);
    const onZeroed = (count: number): void => this.#counters.zeroFilled(count);
    const paths = this.#paths;
    layer.restart();
    const superblock = await makeFreshStore({
      environment,
      paths,
      layer,
      segmentBytes,
      superblock: lock.superblock,
      superblockBytes: bytes,
      onZeroed,
    });
    const fresh = await readSlots(lock.superblock);
    const { judgement } = await this.#judgeSlots(fresh.slots, fresh.bytes, Infinity);
    this.#tally.epoch = superblock.current.epoch;
    return this.#start(lock, superblock, judgement, 'fresh');
  }

  #noteRebuilt(slots: readonly SuperblockVerdict[]): void {
    slots.forEach((slot, at) => {
      if (slot.kind !== 'valid') this.#tally.rebuilt.push(`${superblockPath(this.#paths.dir)} slot ${at}`);
    });
  }

  /**
   * D11: a writer that lost its lock may have added to the tail until our stamp; what it acknowledged must be
   * seen. Behind the stamp it acknowledges nothing more.
   */
  async #lookAgain(superblock: SuperblockFile, first: Judged): Promise<Judged> {
    await superblock.checkFence('background');
    const { disk } = this.#request.environment;
    const listing = await listStore(disk, this.#paths);
    const isSame =
      listing.segments?.size === first.listing.segments?.size &&
      [...(listing.segments ?? [])].every((number) => first.listing.segments?.has(number) === true) &&
      !(await tailGrew(disk, first.judgement));
    if (isSame) return { ...first, listing };
    const { slots, bytes } = await readSlots(superblock.file);
    return this.#judgeSlots(slots, bytes, Infinity);
  }

  /** D11: from here on only frames of this epoch count. Segments that were found above the range are named now. */
  async #beginEpoch(superblock: SuperblockFile, judgement: Judgement): Promise<void> {
    const { tail, segments } = judgement;
    const { end, lastLsn } = tail.run;
    const numbers = segments.map((segment) => segment.header.number);
    await superblock.writeBoth({
      fenceEpoch: superblock.current.epoch,
      fenceLsn: lastLsn + 1,
      firstSegment: Math.min(...numbers),
      newestSegment: Math.max(...numbers),
      proven: { lsn: lastLsn, ...end },
    });
  }

  async #start(
    lock: StoreLock,
    superblock: SuperblockFile,
    judgement: Judgement,
    verdict: 'fresh' | 'clean' | 'torn-tail',
  ): Promise<SegmentedLog> {
    const report = this.#tally.report(verdict);
    const { environment } = this.#request;
    const endMarks = await openEndMarks(environment, this.#paths.dir, superblock.current);
    const parts = { lock, superblock, endMarks };
    try {
      return await SegmentedLog.open(this.#request, this.#paths, judgement, report, this.#counters, parts);
    } catch (error) {
      await endMarks?.close();
      throw error;
    }
  }

  #throwIfAborted(): void {
    if (this.#request.signal?.aborted !== true) return;
    const cause: unknown = this.#request.signal.reason;
    throw new KeelsonError(
      'KEELSON_ABORTED',
      `opening ${this.#paths.dir} was abandoned by its signal. Nothing is lost.`,
      {},
      cause,
    );
  }
}
