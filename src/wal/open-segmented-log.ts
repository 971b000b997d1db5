import { lockFailed, readFailed } from '../disk/disk-failure.js';
import type { Disk, DiskFile } from '../disk/port.js';
import { systemCode } from '../disk/system-error.js';
import { reading } from '../disk/told-calls.js';
import { SUPERBLOCK_NAME } from '../format/names.js';
import type { SuperblockVerdict } from '../format/superblock.js';
import { closeFile, keeping, using } from '../disk/close-file.js';
import { RecoveryTally } from './report/damage.js';
import type { KeelsonError } from '../errors/index.js';
import { EndMarks } from './write/end-marks.js';
import { replaceStore } from './switch/replace-store.js';
import { removeLeftovers } from './switch/set-segments-aside.js';
import { newIdentity } from './store/begin-log.js';
import { makeFreshStore } from './store/fresh-store.js';
import type { Judgement } from './recover/judge.js';
import { StoreJudge, type Judged } from './recover/judge-store.js';
import { lockStore, type StoreLock } from './store/lock-store.js';
import { throwIfAbandoned } from '../errors/log-refusals.js';
import type { OpenRequest } from './open-request.js';
import { proveLateNames, proveNames } from './store/prove-names.js';
import { fillHoles } from './recover/fill-holes.js';
import { openTail, proveTail, tailGrew } from './recover/prove-tail.js';
import { SegmentedLog } from './segmented-log.js';
import {
  listStore,
  makeDirectory,
  refuseStrays,
  restoreAsides,
  type StoreListing,
  type StorePaths,
} from './store/store-directory.js';
import { refuseCopies } from './copy/directory-in-making.js';
import { newestSlot, readSlots, SuperblockFile, type FoundSlots } from './store/superblock-file.js';
import { lastSequence } from './store/marks-file.js';
import { checkRoomAbove } from './store/room-above.js';
import { firstTrace } from './store/trace-of-log.js';
import { WalCounters } from './report/wal-counters.js';

/**
 * Opens the segmented log of a store, making an empty one if there is none and `create` allows it. R10: lock,
 * sync the directories, read and judge without writing, stamp the epoch, look again, prove the tail, record
 * where the epoch begins, clean up. Resolved: all that the log shows is on stable storage.
 */
export async function openSegmentedLog(request: OpenRequest): Promise<SegmentedLog> {
  const opening = new Opening(request);
  return request.readOnly ? (await opening.readOnly()).log : opening.writable();
}

/** As a read-only open, and what that was judged by. */
export function openReadOnly(
  request: OpenRequest,
): Promise<{ readonly log: SegmentedLog; readonly judged: Judged }> {
  return new Opening(request).readOnly();
}

/** True if the superblock has its name: then a store was made here, or its making was begun. */
async function holdsSuperblock(disk: Disk, { superblock: path }: StorePaths): Promise<boolean> {
  try {
    return (await disk.stat(path)) !== null;
  } catch (error) {
    // A file where the directory should be is told by who lists it.
    if (systemCode(error) === 'ENOTDIR') return false;
    throw readFailed('the superblock', { path }, error);
  }
}

class Opening {
  readonly #request: OpenRequest;
  readonly #paths: StorePaths;
  readonly #tally: RecoveryTally;
  readonly #judge: StoreJudge;
  readonly #counters = new WalCounters();
  readonly #onZeroed = (bytes: number): void => this.#counters.zeroFilled(bytes);

  constructor(request: OpenRequest) {
    this.#request = request;
    this.#paths = request.paths;
    this.#tally = new RecoveryTally(() => request.environment.now());
    this.#judge = new StoreJudge(request, this.#tally);
  }

  async readOnly(): Promise<{ readonly log: SegmentedLog; readonly judged: Judged }> {
    const { disk } = this.#request.environment;
    const listing = await this.#list();
    if (listing.names?.has(SUPERBLOCK_NAME) !== true) throw await this.#judge.withoutSuperblock(listing);
    const path = this.#paths.superblock;
    const file = await reading('the superblock', { path }, () => disk.open(path, { access: 'read' }));
    const judged = await using(file, () => this.#judge.besideWriter(file));
    const log = new SegmentedLog(this.#request, judged.judgement, this.#tally.report('clean'));
    return { log, judged };
  }

  async writable(): Promise<SegmentedLog> {
    const { disk } = this.#request.environment;
    const isThere = await holdsSuperblock(disk, this.#paths);
    if (!isThere) await this.#mayMake();
    this.#throwIfAborted();
    await this.#checkLocks();
    if (!isThere) await makeDirectory(disk, this.#paths.dir);
    const lock = await lockStore(disk, this.#paths, (superblock) => this.#makeWalDir(superblock));
    try {
      for (const { path, id } of lock.files) disk.holdId(path, id);
      return await this.#openLocked(lock);
    } catch (error) {
      disk.releaseAll();
      await lock.release();
      throw error;
    }
  }

  /** What stands there; no copy in the making, and no checkpoint. */
  async #list(): Promise<StoreListing> {
    const listing = await listStore(this.#request.environment.disk, this.#paths);
    refuseCopies(this.#paths.dir, listing);
    return listing;
  }

  async #checkLocks(): Promise<void> {
    try {
      await this.#request.environment.disk.checkLocks?.(this.#paths.dir);
    } catch (error) {
      throw lockFailed({ path: this.#paths.dir }, error);
    }
  }

  /** A directory of segments elsewhere, whose disk may not be mounted. */
  async #makeWalDir(superblock: DiskFile): Promise<void> {
    const { disk } = this.#request.environment;
    const listing = await listStore(disk, this.#paths);
    if (listing.segments.size === 0) {
      const newest = newestSlot((await readSlots(superblock)).slots);
      if (newest !== null) this.#judge.refuseUnmounted(newest, listing);
      else refuseStrays(listing);
    }
    await makeDirectory(disk, this.#paths.walDir);
  }

  /** Without a superblock a store may be made, if that is allowed and nothing of an older one is there. */
  async #mayMake(): Promise<void> {
    const listing = await this.#list();
    const isEmpty =
      listing.names === null ||
      (await firstTrace(this.#request.environment.disk, this.#paths, listing)) === null;
    if (isEmpty) refuseStrays(listing);
    if (!isEmpty || this.#request.create === 'never') throw await this.#judge.withoutSuperblock(listing);
  }

  async #openLocked(lock: StoreLock): Promise<SegmentedLog> {
    const { disk } = this.#request.environment;
    // In this order: what a writer that lost its lock moves between the two, the listing shows and the slots do not (D11).
    const found = await readSlots(lock.superblock);
    const listing = await restoreAsides(disk, this.#paths, await this.#list());
    const newest = newestSlot(found.slots);
    this.#judge.refuseNewer(found.slots);
    if (newest === null) return this.#replaceOrMake(lock, found);
    this.#judge.checkKind(newest);
    await proveNames(disk, this.#paths, listing, newest.newestSegment);
    this.#throwIfAborted();
    const first = await this.#judge.untilStill(lock.superblock, found, listing);
    this.#throwIfAborted();
    this.#checkRoom(first);
    const superblock = SuperblockFile.of(lock.superblock, first) as SuperblockFile;
    this.#noteRebuilt(first.slots);
    this.#tally.epoch = first.judgement.highestEpoch + 1;
    await superblock.renew();
    const nonce = newIdentity(this.#request.environment);
    await superblock.writeBoth({ epoch: this.#tally.epoch, nonce, isCleanEnd: false });
    const { judged, tail } = await this.#lookAgain(superblock, first);
    return keeping(tail, async () => {
      const { judgement } = judged;
      const { newestSegment } = superblock.current;
      const late = judgement.segments
        .map(({ header }) => header.number)
        .filter((number) => number > newestSegment && !listing.segments.has(number));
      await proveLateNames(disk, this.#paths, late);
      const place = { dir: this.#paths.dir, epoch: this.#tally.epoch };
      await proveTail(disk, tail, place, judgement, this.#tally);
      await this.#fillHoles(judgement, tail);
      await this.#beginEpoch(superblock, judgement);
      await this.#cleanUp(superblock, judged.listing, judgement);
      const verdict = this.#tally.cut === null ? 'clean' : 'torn-tail';
      return this.#start(lock, superblock, judged, tail, verdict);
    });
  }

  /** R7: a store that never said it was live has acknowledged nothing, and is made (again). */
  async #make(lock: StoreLock, found: FoundSlots): Promise<SegmentedLog> {
    const { layer, create } = this.#request;
    const { disk } = this.#request.environment;
    const listing = await listStore(disk, this.#paths);
    const isOther = found.slots.some((slot) => slot.kind === 'other-version');
    if (isOther || create === 'never' || (await firstTrace(disk, this.#paths, listing)) !== null)
      throw await this.#judge.unreadable(found, listing);
    refuseStrays(listing);
    layer.restart();
    // The store never said that it is live, so it is made again.
    const superblock = await this.#filling(
      makeFreshStore(this.#request, lock.superblock, found.bytes, this.#onZeroed),
    );
    const judged = await this.#judge.judge(await readSlots(lock.superblock));
    this.#tally.epoch = superblock.current.epoch;
    const tail = await openTail(disk, judged.judgement);
    return keeping(tail, () => this.#start(lock, superblock, judged, tail, 'fresh'));
  }

  /** What stopped a fill with zeros may be the signal itself. */
  async #filling<T>(fill: Promise<T>): Promise<T> {
    return fill.catch((error: unknown) => {
      this.#throwIfAborted();
      throw error;
    });
  }

  /** A crafted store may stand at the end of its numbers, where the next epoch would be the first again. */
  #checkRoom({ superblock, judgement }: Judged): void {
    const { last, tail, highestEpoch } = judgement;
    try {
      checkRoomAbove(this.#paths.superblock, {
        epoch: highestEpoch,
        generation: superblock.generation,
        segment: last.header.number,
        lsn: tail.run.lastLsn,
      });
    } catch (error) {
      throw this.#tally.withReport(error);
    }
  }

  #noteRebuilt(slots: readonly SuperblockVerdict[]): void {
    slots.forEach((slot, at) => {
      if (slot.kind !== 'valid') this.#tally.rebuilt.push(`${this.#paths.superblock} slot ${at}`);
    });
  }

  /**
   * D11: a writer that lost its lock may have added to the tail until our stamp; what it acknowledged must be
   * seen. Behind the stamp it acknowledges nothing more. Also opens the tail, which is the caller's.
   */
  async #lookAgain(
    superblock: SuperblockFile,
    first: Judged,
  ): Promise<{ readonly judged: Judged; readonly tail: DiskFile }> {
    await superblock.checkFence('inline');
    const { disk } = this.#request.environment;
    const listing = await listStore(disk, this.#paths);
    const isSame =
      listing.segments.size === first.listing.segments.size &&
      [...listing.segments].every((number) => first.listing.segments.has(number));
    if (isSame) {
      const tail = await openTail(disk, first.judgement);
      const hasGrown = await keeping(tail, () => tailGrew(tail, first.judgement));
      if (!hasGrown) return { judged: { ...first, listing }, tail };
      await closeFile(tail);
    }
    const judged = await this.#judge.judge(await readSlots(superblock.file));
    return { judged, tail: await openTail(disk, judged.judgement) };
  }

  /** Without a superblock of this format: a store of an older one, or one that is to be made. */
  async #replaceOrMake(lock: StoreLock, found: FoundSlots): Promise<SegmentedLog> {
    const { older, environment } = this.#request;
    if (older === null || older.recognise(found.bytes, this.#paths) === null) return this.#make(lock, found);
    if (older.onOlder === 'refuse')
      throw await this.#judge.unreadable(found, await listStore(environment.disk, this.#paths));
    this.#throwIfAborted();
    try {
      await replaceStore(this.#request, lock.superblock, older);
    } catch (error) {
      throw this.#tally.withReport(error);
    }
    // From here on it is a store as any other, and what it left behind is moved away as after a crash.
    return this.#openLocked(lock);
  }

  async #cleanUp(superblock: SuperblockFile, listing: StoreListing, { segments }: Judgement): Promise<void> {
    const { environment, layer } = this.#request;
    const live = segments.map(({ header }) => header);
    const checkFence = async (): Promise<void> => superblock.checkFence('background');
    const moved = await removeLeftovers(environment.disk, this.#paths, listing, live, checkFence);
    for (const path of [...moved, ...(await layer.settle(checkFence))]) this.#tally.quarantined.push(path);
  }

  async #fillHoles(judgement: Judgement, file: DiskFile): Promise<void> {
    const bytes = await this.#filling(fillHoles(this.#request, judgement, file, this.#onZeroed));
    this.#counters.sparseBytes = bytes;
    if (bytes > 0) this.#tally.sparse = { path: judgement.last.path, bytes };
  }

  /** D11: from here on only frames of this epoch count. Segments that were found above the range are named now. */
  async #beginEpoch(superblock: SuperblockFile, { tail, segments, last }: Judgement): Promise<void> {
    const { end, lastLsn } = tail.run;
    await superblock.writeBoth({
      fenceEpoch: superblock.current.epoch,
      fenceLsn: lastLsn + 1,
      firstSegment: (segments[0] ?? last).header.number,
      newestSegment: last.header.number,
      proven: { lsn: lastLsn, ...end },
    });
  }

  async #start(
    lock: StoreLock,
    superblock: SuperblockFile,
    { judgement, marks, endMark }: Judged,
    tail: DiskFile,
    verdict: 'fresh' | 'clean' | 'torn-tail',
  ): Promise<SegmentedLog> {
    const { environment, observer } = this.#request;
    const host = {
      counters: this.#counters,
      onUnmarked: (error: KeelsonError) => {
        this.#tally.unmarked ??= { path: this.#paths.marks, reason: error.message };
        observer.onUnmarked(error);
      },
    };
    const sequence = lastSequence(marks, endMark);
    const endMarks = new EndMarks(environment, this.#paths.marks, superblock, sequence, host);
    await endMarks.begin();
    const report = this.#tally.report(verdict);
    const parts = { lock, superblock, endMarks, tail };
    try {
      const log = await SegmentedLog.open(this.#request, judgement, report, this.#counters, parts);
      // D12: of what this open has proven the superblock would be the only witness until the next group; and with the
      // superblock lost nobody would know that this epoch began (D11).
      if (log.durable.lsn > 0) endMarks.note(log.durable);
      return log;
    } catch (error) {
      await endMarks.close();
      throw error;
    }
  }

  #throwIfAborted(): void {
    throwIfAbandoned(this.#paths.dir, this.#request.signal);
  }
}
