import { turnEnded } from '../../disk/environment.js';
import type { Disk, DiskFile } from '../../disk/port.js';
import type { KeelsonError } from '../../errors/index.js';
import { throwIfAbandoned } from '../../errors/log-refusals.js';
import { NOTHING_DURABLE, type DurableMark } from '../../format/position.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import type { Superblock } from '../../format/superblock.js';
import { closeFile } from '../../disk/close-file.js';
import { readFailed } from '../../disk/disk-failure.js';
import { systemError } from '../../disk/system-error.js';
import { NO_ENTRIES, segmentMissing, type Damage, type RecoveryTally } from '../report/damage.js';
import { otherFormat } from '../report/incompatible-format.js';
import type { WalLayer } from '../layer.js';
import type { LogRequest } from '../log-request.js';
import { sealedSegment, unsealedSegment, type LiveSegment } from '../segment/live-segment.js';
import { headerFault } from '../segment/header-fault.js';
import { openSegment, readSeal, readSegmentHeader, SCRATCH_BYTES } from '../segment/read-segment.js';
import { cleanTail, type CleanTail } from './clean-tail.js';
import { olderThan, segmentsAbove, type SegmentAbove } from './segments-above.js';
import { type Fence, fenceOf, goesOnFrom } from '../segment/frame-run.js';
import { scanSegment, type SegmentScan } from '../segment/scan-segment.js';
import { lackedBy, Witnesses } from '../segment/witnesses.js';
import type { StorePaths } from '../store/store-directory.js';

/** How far the log goes that is judged. */
export interface Extent {
  /** Numbers of the segments that are there. */
  readonly present: ReadonlySet<number>;
  /** Known durable: the highest mark of superblock and end marks. */
  readonly mark: DurableMark;
  /** Frames that pass this LSN are left out: a reader beside a live writer shows nothing above P (R10). */
  readonly untilLsn: number;
}

/** What a judgement looks at. It only reads. */
export interface JudgedStore extends Extent {
  /** The newest valid slot. */
  readonly superblock: Superblock;
  readonly tally: RecoveryTally;
}

/** What recovery found, before anything was written. */
export interface Judgement {
  /** Oldest first, at least one. */
  readonly segments: readonly LiveSegment[];
  /** The last of them, whose index is in memory: it takes frames. */
  readonly last: LiveSegment;
  readonly tail: SegmentScan;
  /** How much of the tail takes no room, at most. */
  readonly sparseBytes: number;
  /** P: the highest mark of all (R1). */
  readonly proven: DurableMark;
  readonly highestEpoch: number;
  /** Where the store's last epoch began, as its superblock says (D11). */
  readonly fence: Fence;
}

/**
 * Sealed segments that are judged in one turn of the event loop, since their few reads are inline: a tenth of a millisecond
 * each, several times that on a busy machine, so that whoever gives up, and all else in the process, waits for ten at most.
 */
const SEGMENTS_PER_TURN = 16;

/** What V8 says where it has no room for an array; its error tells in no other way. */
const NO_MEMORY = 'Array buffer allocation failed';

/** A segment whose header is valid, opened for the time of the judgement. */
interface Candidate {
  readonly header: SegmentHeader;
  readonly path: string;
  readonly file: DiskFile;
  readonly sparseBytes: number;
}

/**
 * Recovery's judgement, R1 to R9 and R12: which frames are live, which bytes are a torn tail, and whether
 * something acknowledged is missing. Throws damage as an error that carries the report.
 */
export async function judge(request: LogRequest, store: JudgedStore): Promise<Judgement> {
  return new Judge(request, store).run();
}

class Judge {
  readonly #request: LogRequest;
  readonly #disk: Disk;
  readonly #paths: StorePaths;
  readonly #layer: WalLayer;
  readonly #store: JudgedStore;
  readonly #segments: LiveSegment[] = [];
  readonly #witnesses: Witnesses;
  /** What stands above the end; and the one of them that proves more than anything in the range, if one does. */
  #above: readonly SegmentAbove[] = [];
  #newer: SegmentAbove | null = null;
  readonly #open = new Set<DiskFile>();
  /** Segments are looked at one after the other, and nothing of what was read is kept. */
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);

  constructor(request: LogRequest, store: JudgedStore) {
    this.#request = request;
    this.#disk = request.environment.disk;
    this.#paths = request.paths;
    this.#layer = request.layer;
    this.#store = store;
    this.#witnesses = new Witnesses(store.mark, store.superblock.epoch);
  }

  async run(): Promise<Judgement> {
    this.#layer.restart();
    this.#store.tally.restart();
    try {
      return await this.#judge();
    } finally {
      for (const file of this.#open) await this.#giveBack(file);
    }
  }

  async #judge(): Promise<Judgement> {
    const first = this.#firstPresent();
    const start = await this.#candidate(first, first <= this.#store.superblock.newestSegment);
    if (start === null) throw this.#missing(this.#store.superblock.firstSegment);
    let current: Candidate = start;
    for (;;) {
      const next = await this.#candidate(current.header.number + 1, false);
      try {
        const tail = await this.#take(current, next);
        if (tail !== null) return await this.#finish(current, tail, first);
      } catch (error) {
        throw this.#fitting(error, current.path);
      }
      await this.#giveBack(current.file);
      if (this.#segments.length % SEGMENTS_PER_TURN === 0) await this.#endTurn();
      // `take` gives no tail only where `next` joins.
      current = next as Candidate;
    }
  }

  async #endTurn(): Promise<void> {
    await turnEnded(this.#request.environment);
    this.#throwIfAbandoned();
  }

  /**
   * The oldest live segment that is there: leading ones may be gone (R6), which {@link #finish} judges. It may stand
   * above the range: a superblock that was rolled back may name only segments that are gone by right.
   */
  #firstPresent(): number {
    const { firstSegment } = this.#store.superblock;
    let first = Infinity;
    for (const number of this.#store.present) if (number >= firstSegment && number < first) first = number;
    if (first === Infinity) throw this.#missing(firstSegment);
    return first;
  }

  #missing(number: number): KeelsonError {
    const path = this.#paths.segment(number);
    const { superblock, present } = this.#store;
    const reason = segmentMissing(superblock, present.size > 0) + this.#olderThanAbove();
    return this.#damage({ code: 'KEELSON_MISSING_SEGMENT', path, offset: 0, reason });
  }

  #damage(damage: Omit<Damage, 'entries' | 'intact'> & Partial<Damage>): KeelsonError {
    return this.#store.tally.damaged({ entries: NO_ENTRIES, intact: [], ...damage });
  }

  /** The segment of that number with a valid header; null if there is none and none has to be (R6). */
  async #candidate(number: number, isNamed: boolean): Promise<Candidate | null> {
    const { superblock, present, tally } = this.#store;
    const mustBe = isNamed || number <= superblock.newestSegment;
    if (!present.has(number)) {
      if (mustBe) throw this.#missing(number);
      return null;
    }
    const path = this.#paths.segment(number);
    // Inline, as the two small reads are: to wait for a thread costs many times the call itself, and the time to open
    // must hardly grow with the log.
    const file = await openSegment(this.#disk, path, 'inline');
    this.#open.add(file);
    const { verdict, fileBytes, sparseBytes } = await readSegmentHeader(file, this.#scratch);
    tally.readBytes += Math.min(fileBytes, 512);
    if (verdict.kind === 'other-version' && mustBe) throw otherFormat(path, verdict.version);
    const fault =
      verdict.kind === 'other-version' ? null : headerFault(verdict, fileBytes, number, superblock.lineage);
    if (fault === null && verdict.kind === 'valid') {
      this.#witnesses.hear(NOTHING_DURABLE, verdict.header.epoch);
      return { header: verdict.header, path, file, sparseBytes };
    }
    await this.#giveBack(file);
    if (mustBe && fault !== null) throw this.#damage({ ...fault, path, offset: 0 });
    return null;
  }

  async #giveBack(file: DiskFile): Promise<void> {
    this.#open.delete(file);
    await closeFile(file, 'inline');
  }

  /** D9: what stands under valid checksums and still cannot be is damage too, and no failure of an assertion. */
  #fitting(error: unknown, path: string): unknown {
    if (!(error instanceof RangeError)) return error;
    // A process that is short of memory knows nothing of the bytes.
    if (error.message === NO_MEMORY) {
      const short = systemError('ENOMEM', error.message, { syscall: 'read', path, cause: error });
      return readFailed('a segment', { path }, short);
    }
    const reason = `what it says does not fit together: ${error.message}`;
    return this.#damage({ code: 'KEELSON_CORRUPT', path, offset: 0, reason });
  }

  /**
   * Takes a segment into the live range: by its seal if the next one joins that, else frame by frame. Returns
   * the scan if this is the tail: nothing joins it.
   */
  async #take(current: Candidate, next: Candidate | null): Promise<SegmentScan | null> {
    const layer = this.#layer;
    const { header } = current;
    this.#witnesses.hear(header.durable, header.epoch);
    const isFirst = this.#segments.length === 0;
    this.#store.tally.segments += 1;
    if (next !== null) {
      const seal = await readSeal(current.file, header, this.#scratch);
      if (
        seal !== null &&
        goesOnFrom(next.header, seal.trailer) &&
        !(await this.#wentOn(current, next, seal.trailer.lastLsn))
      ) {
        if (this.#readsAll) await this.#readSealed(current, next, seal.trailer.lastLsn);
        layer.restorePreamble(header, isFirst);
        const { lowest, until, resets, durable, epoch } = seal.trailer;
        layer.adoptSealed({ lowest, until, resets, runs: seal.runs });
        this.#witnesses.hear(durable, epoch);
        this.#segments.push(sealedSegment(current.path, header, seal.trailer));
        return null;
      }
    }
    const clean = next === null ? await this.#cleanTail(current) : null;
    layer.restorePreamble(header, isFirst);
    const scan = clean === null ? await this.#scan(current, next, true) : this.#adopt(clean);
    const { index, run, runUntil } = scan;
    this.#segments.push(unsealedSegment(current.path, header, index, run.lastLsn, runUntil));
    return this.#isTail(current, scan, next) ? scan : null;
  }

  /** The tail by what a clean close left in it; null where that cannot be believed, or all is to be read. */
  async #cleanTail({ file, header }: Candidate): Promise<CleanTail | null> {
    const { superblock, untilLsn } = this.#store;
    const { environment } = this.#request;
    const { mark } = this.#witnesses;
    if (this.#readsAll || mark.lsn > untilLsn) return null;
    return cleanTail(file, header, { superblock, mark, environment, beforeRead: this.#throwIfAbandoned });
  }

  /** As if the segment had been sealed, and an empty one followed. */
  #adopt({ seal, scan }: CleanTail): SegmentScan {
    const layer = this.#layer;
    const { tally } = this.#store;
    const { trailer, runs, state } = seal;
    const { lastLsn, end } = scan.run;
    layer.adoptSealed({ ...trailer, runs });
    layer.restorePreamble({ state, end, firstLsn: lastLsn + 1 }, false);
    tally.batches += trailer.frameCount;
    tally.entries += trailer.provisional.entries;
    tally.readBytes += scan.readBytes;
    return scan;
  }

  /**
   * True if the log went on behind the seal. A rotation that found no room to name its segment in the superblock goes on
   * in the old one, and a crash may bring the name back: where no superblock names the next one, the frames are asked, those
   * behind damage too.
   */
  async #wentOn(current: Candidate, next: Candidate, sealedLsn: number): Promise<boolean> {
    if (next.header.number <= this.#store.superblock.newestSegment) return false;
    const { run } = await this.#scan(current, next, false);
    return Math.max(run.lastLsn, this.#witnesses.highestLsn) > sealedLsn;
  }

  async #scan(current: Candidate, next: Candidate | null, replays: boolean): Promise<SegmentScan> {
    const { superblock, tally, untilLsn } = this.#store;
    const fences = [fenceOf(superblock)];
    // D11: by its own epoch the next segment says how far older ones came in this one; the superblock knows only the last.
    if (next !== null) fences.push({ epoch: next.header.epoch, lsn: next.header.firstLsn });
    const options = { fences, witnesses: this.#witnesses, untilLsn, beforeRead: this.#throwIfAbandoned };
    const scan = await scanSegment(current.file, current.header, options, (frame, records) => {
      if (!replays) return;
      this.#layer.replay(frame, records);
      tally.batches += 1;
      tally.entries += frame.until - frame.from;
    });
    tally.readBytes += scan.readBytes;
    return scan;
  }

  /** Reads a sealed segment through (R12: only when asked to). */
  async #readSealed(current: Candidate, next: Candidate, lastLsn: number): Promise<void> {
    const scan = await this.#scan(current, next, false);
    if (scan.run.lastLsn < lastLsn) throw this.#shortRun(current, scan, lastLsn);
  }

  /** True if the log ends in this segment; damage if a segment that must follow does not join. */
  #isTail(current: Candidate, scan: SegmentScan, next: Candidate | null): boolean {
    if (next === null) return true;
    if (goesOnFrom(next.header, scan.run)) return false;
    // R6: one above the range that does not join is a leftover of a rotation that never happened, or proves that the
    // range is older than itself: all of those are asked once the end is known.
    if (next.header.number > this.#store.superblock.newestSegment) return true;
    this.#witnesses.hear(next.header.durable, next.header.epoch);
    if (scan.run.lastLsn < next.header.firstLsn - 1)
      throw this.#shortRun(current, scan, next.header.firstLsn - 1);
    const reason = `it begins at LSN ${next.header.firstLsn} behind ${next.header.chain}, expected ${scan.run.lastLsn + 1} behind ${scan.run.chain}`;
    throw this.#damage({ code: 'KEELSON_LOG_GAP', path: next.path, offset: 0, reason });
  }

  /** R3: asks what stands above the end whether more was durable once. */
  async #askAbove(lastNumber: number): Promise<void> {
    const { superblock, present } = this.#store;
    const numbers = [...present].filter((number) => number > lastNumber);
    this.#above = await segmentsAbove(this.#disk, this.#paths, numbers, superblock, this.#throwIfAbandoned);
    for (const one of this.#above) {
      if (one.mark.lsn > this.#witnesses.mark.lsn) this.#newer = one;
      this.#witnesses.hear(one.mark, one.epoch);
    }
  }

  #olderThanAbove(): string {
    return this.#newer === null ? '' : `; ${olderThan(this.#newer)}`;
  }

  /** R3: the run ends below what was durable. */
  #shortRun(current: Candidate, scan: SegmentScan, durableLsn: number): KeelsonError {
    const { stop, run } = scan;
    const what = stop === null ? 'nothing is written here' : stop.reason;
    const intact = [...(stop?.intact ?? []), ...this.#above.flatMap((one) => one.intact)];
    const from = run.end.lastIndex + 1;
    const until = intact[0]?.from ?? this.#witnesses.mark.lastIndex + 1;
    return this.#damage({
      code: stop?.kind === 'gap' ? 'KEELSON_LOG_GAP' : 'KEELSON_CORRUPT',
      path: current.path,
      offset: scan.runUntil,
      reason: `${what}; the log is whole up to LSN ${run.lastLsn}, expected at least ${durableLsn}, which was durable${this.#olderThanAbove()}`,
      entries: until > from ? { from, until } : NO_ENTRIES,
      intact,
    });
  }

  async #finish(current: Candidate, tail: SegmentScan, first: number): Promise<Judgement> {
    const { superblock, tally, untilLsn } = this.#store;
    await this.#askAbove(current.header.number);
    const { mark: proven, highestEpoch } = this.#witnesses;
    if (tail.run.lastLsn < Math.min(proven.lsn, untilLsn)) {
      const sealedLsn = (await readSeal(current.file, current.header))?.trailer.lastLsn ?? null;
      const end = { lastLsn: tail.run.lastLsn, isTorn: tail.stop !== null, sealedLsn };
      if (lackedBy(end, proven.lsn) === 'segment') throw this.#missing(current.header.number + 1);
      throw this.#shortRun(current, tail, proven.lsn);
    }
    if (!this.#isCovered(first > superblock.firstSegment)) {
      if (first > superblock.firstSegment) throw this.#missing(superblock.firstSegment);
      throw this.#uncovered();
    }
    await this.#layer.judged(superblock);
    tally.lastLsn = tail.run.lastLsn;
    const { sparseBytes } = current;
    const fence = fenceOf(superblock);
    return { segments: this.#segments, last: this.#last, tail, sparseBytes, proven, highestEpoch, fence };
  }

  /** Called before each read of many bytes. */
  readonly #throwIfAbandoned = (): void => throwIfAbandoned(this.#paths.dir, this.#request.signal);

  get #readsAll(): boolean {
    return this.#request.verifyOnOpen === 'all';
  }

  get #last(): LiveSegment {
    return this.#segments[this.#segments.length - 1] as LiveSegment;
  }

  /** R6: leading segments wholly below the durable compaction boundary are not missed; all above it is to be there. */
  #isCovered(lacksLeading: boolean): boolean {
    if (this.#layer.storeKind === 'wal') return !lacksLeading;
    const needed = this.#layer.boundary() + 1;
    return needed >= this.#last.until || this.#segments.some((segment) => segment.lowest <= needed);
  }

  #uncovered(): KeelsonError {
    const { path, lowest } = this.#segments[0] as LiveSegment;
    const needed = this.#layer.boundary() + 1;
    const reason = `the oldest segment holds records from ${lowest} on, expected ${needed}, the first that was not compacted`;
    return this.#damage({ code: 'KEELSON_CORRUPT', path, offset: 0, reason });
  }
}
