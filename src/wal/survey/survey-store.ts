import { RecordIndex } from '../segment/record-index.js';
import { rangeSums } from '../../format/range-sums.js';
import type { SealedSegment, SealTrailer } from '../../format/seal.js';
import type { StoreSurvey, SurveyedSegment } from './store-survey.js';
import type { Environment } from '../../disk/environment.js';
import type { Awaitable, Disk, DiskFile } from '../../disk/port.js';
import { KeelsonError, throwIfAborted } from '../../errors/index.js';
import type { EndMark } from '../../format/end-mark.js';
import { sameBytes } from '../../format/identity.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import type { Superblock } from '../../format/superblock.js';
import { using } from '../../disk/close-file.js';
import { otherFormat } from '../report/incompatible-format.js';
import { goesOnFrom, type RunState } from '../segment/frame-run.js';
import { headerFault, wholeHeaderOf } from '../segment/header-fault.js';
import {
  openIfThere,
  readSeal,
  readSealOffsets,
  readSealSums,
  readSegmentHeader,
} from '../segment/read-segment.js';
import { segmentsAbove, type SegmentAbove } from '../recover/segments-above.js';
import { SegmentWalk, type FrameJudge } from '../segment/segment-walk.js';
import { Witnesses } from '../segment/witnesses.js';
import { listStore, type StorePaths } from '../store/store-directory.js';
import { RecordLedger } from './record-ledger.js';
import { SegmentHurts, type HurtListener } from './segment-hurts.js';
import { endLsnOf, judgeSurvey } from './survey-damage.js';
import { SurveyFences } from './survey-fences.js';
import { surveyMarks, surveySlots, type SurveyedSlots } from './survey-marks.js';
import { rangeOf, type SurveyedRange } from './survey-range.js';
import { surveySegment, type SurveyedFrame } from './survey-segment.js';

/** Hears what a survey meets, in the order of the log. */
export interface SurveyListener extends HurtListener {
  /** A segment with a whole header. `joins`: the run before it ends right where this one begins. */
  readonly onSegment: (header: SegmentHeader, joins: boolean) => void;
  readonly onFrame: (frame: SurveyedFrame) => Awaitable<void>;
  readonly judgeFrame: FrameJudge;
  /** False if a seal says other terms than the frames of its segment, all of which were heard. */
  readonly judgeSeal: (sealed: SealedSegment) => boolean;
  /** Records numbered up to this are not needed any more, as of what was heard last (R6); null: no record says. */
  readonly boundary: () => number | null;
}

/** Who hears of a survey, and how much of the store it reads. */
export interface SurveyRequest {
  readonly listener: SurveyListener;
  /** Bytes read so far, and bytes there are to read. */
  readonly onProgress?: ((readBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Where the range begins if no slot of the superblock says it; null: behind the last gap in the numbers. */
  readonly from: number | null;
}

/** A store that is to be read whole, from the slots of its superblock on as they stood at first. It is not locked. */
export class StoreToSurvey {
  readonly environment: Environment;
  readonly paths: StorePaths;
  readonly slots: SurveyedSlots;

  private constructor(environment: Environment, paths: StorePaths, slots: SurveyedSlots) {
    this.environment = environment;
    this.paths = paths;
    this.slots = slots;
  }

  static async at(environment: Environment, paths: StorePaths): Promise<StoreToSurvey> {
    return new StoreToSurvey(environment, paths, await surveySlots(environment.disk, paths));
  }

  /** R10: true if no writer beside has moved the store since. */
  async isStill(): Promise<boolean> {
    const { bytes: before } = this.slots;
    const { bytes: after } = await this.slotsNow();
    return before === after || (before !== null && after !== null && Buffer.compare(before, after) === 0);
  }

  slotsNow(): Promise<SurveyedSlots> {
    return surveySlots(this.environment.disk, this.paths);
  }

  /**
   * Reads all of it, past whatever is damaged. Changes nothing, takes no lock, safe beside a live writer.
   *
   * Errors: `KEELSON_NOT_A_LOG`, `KEELSON_INCOMPATIBLE_FORMAT`, `KEELSON_READ_FAILED` (R9: never taken for damage),
   * `KEELSON_ABORTED`.
   */
  survey(request: SurveyRequest): Promise<StoreSurvey> {
    return new Survey(this, request).run();
  }
}

const REPORT_BYTES = 1024 * 1024;
/** Gone over in one turn of the event loop: saves go on beside a survey, and small frames take their time. */
const WINDOW_BYTES = 128 * 1024;

class Survey {
  readonly #store: StoreToSurvey;
  readonly #disk: Disk;
  readonly #paths: StorePaths;
  readonly #request: SurveyRequest;
  readonly #segments: SurveyedSegment[] = [];
  readonly #fences: SurveyFences;
  readonly #witnesses = new Witnesses();
  #mark: EndMark | null = null;
  #readBytes = 0;
  #toldBytes = 0;
  #totalBytes = 0;
  /** What stands behind it in a checkpoint was being written while that was taken. */
  #untilLsn = Infinity;

  constructor(store: StoreToSurvey, request: SurveyRequest) {
    this.#store = store;
    this.#disk = store.environment.disk;
    this.#paths = store.paths;
    this.#request = request;
    this.#fences = new SurveyFences(this.#disk, this.#paths);
  }

  async run(): Promise<StoreSurvey> {
    const [disk, paths] = [this.#disk, this.#paths];
    const { slots } = this.#store;
    // Marks first: what they say is durable must be met in what is read after them, beside a writer too.
    checkPlace(slots, paths);
    const range = await rangeOf(disk, paths, slots, this.#request.from);
    const marks = await surveyMarks(disk, paths, { lineage: range.lineage, superblock: slots.superblock });
    this.#mark = marks.mark;
    if (marks.mark !== null) this.#witnesses.hear(marks.mark, marks.mark.epoch);
    for (const slot of slots.slots)
      if (slot.kind === 'valid') this.#witnesses.hear(slot.superblock.proven, slot.superblock.epoch);
    this.#totalBytes = range.totalBytes;
    const { superblock } = slots;
    const copied = slots.checkpoint === null ? null : superblock;
    this.#untilLsn = copied?.proven.lsn ?? Infinity;
    for (let number = range.first; number <= range.newest; number += 1) await this.#survey(number, range);
    let { newest } = range;
    if (copied === null) {
      await this.#followOn(range);
      newest = await this.#surveyWitnesses(range, superblock);
    } else {
      // A checkpoint ends where it says.
      this.#witnesses.hear(copied.proven, copied.epoch);
      this.#witnesses.mark = copied.proven;
    }
    // A live writer drops segments while they are read: those it dropped are not missed.
    const first = Math.max(range.first, await this.#firstLive());
    const segments = this.#segments.filter(({ number }) => number >= first);
    const parts = {
      slots,
      marks,
      superblock,
      lineage: range.lineage,
      range: { ...range, first, newest },
      segments,
      highestSegment: range.highestSegment,
      readBytes: this.#readBytes,
    };
    return judgeSurvey(parts, this.#witnesses, paths, this.#request.listener.boundary());
  }

  /**
   * R3: segments above the range that prove more than it holds belong to the log, and what is missing between is missed.
   * Returns the number of the last of them, or that of the newest of the range.
   */
  async #surveyWitnesses(range: SurveyedRange, superblock: Superblock | null): Promise<number> {
    if (superblock === null) return range.newest;
    const listing = await listStore(this.#disk, this.#paths);
    const numbers = listing.numbers.filter((number) => number > this.#lastNumber);
    const above = await segmentsAbove(this.#disk, this.#paths, numbers, superblock);
    const newest = above.findLast(({ mark }) => mark.lsn > endLsnOf(this.#segments))?.number ?? 0;
    if (newest <= this.#lastNumber || (await this.#reaches(above, range))) return range.newest;
    const wider = { ...range, newest };
    while (this.#lastNumber < newest) await this.#survey(this.#lastNumber + 1, wider);
    return newest;
  }

  /** True if a live writer has added since what the segments above speak of: it is durable before they are made. */
  async #reaches(above: readonly SegmentAbove[], range: SurveyedRange): Promise<boolean> {
    const last = this.#last;
    if (last === undefined || (await this.#firstLive()) > last.number) return true;
    if (last.run !== null && last.holes.length === 0) {
      await this.#surveyAgain(last.number, last.run, range);
      await this.#followOn(range);
    }
    return above.every(({ mark }) => mark.lsn <= endLsnOf(this.#segments));
  }

  get #last(): SurveyedSegment | undefined {
    return this.#segments[this.#segments.length - 1];
  }

  get #lastNumber(): number {
    return this.#last?.number ?? 0;
  }

  /** The first segment that the superblock names by now; 0 where no slot is whole. */
  async #firstLive(): Promise<number> {
    return (await this.#store.slotsNow()).superblock?.firstSegment ?? 0;
  }

  /** R6: one above the range that joins is live. */
  async #followOn(range: SurveyedRange): Promise<void> {
    while (await this.#joinsAbove(range)) await this.#survey(this.#lastNumber + 1, range);
  }

  async #joinsAbove(range: SurveyedRange): Promise<boolean> {
    const last = this.#last;
    if (last === undefined || last.run === null) return false;
    const next = await wholeHeaderOf(this.#disk, this.#paths, last.number + 1, range.lineage);
    if (next === null) return false;
    if (this.#joinsLast(next)) return true;
    // A writer that rotated since has added to the last one, which must be read again.
    if (next.firstLsn <= last.run.lastLsn || last.holes.length > 0) return false;
    const { superblock } = await this.#store.slotsNow();
    if ((superblock?.newestSegment ?? 0) <= range.newest) return false;
    await this.#surveyAgain(last.number, last.run, range);
    const again = this.#last?.run ?? null;
    return again !== null && goesOnFrom(next, again);
  }

  /** The last one, which a live writer may have added to; all up to the end of that run was told of already. */
  #surveyAgain(number: number, { lastLsn }: RunState, range: SurveyedRange): Promise<void> {
    this.#segments.pop();
    return this.#survey(number, range, lastLsn);
  }

  /** @param heardLsn frames up to this were told of already */
  async #survey(number: number, range: SurveyedRange, heardLsn = 0): Promise<void> {
    this.#throwIfAborted();
    const path = this.#paths.segment(number);
    const file = await openIfThere(this.#disk, path);
    const surveyed =
      file === null
        ? { ...NOTHING, number, path }
        : await using(file, async () => {
            const { verdict, fileBytes } = await readSegmentHeader(file);
            if (verdict.kind === 'other-version') throw otherFormat(path, verdict.version);
            const fault = headerFault(verdict, fileBytes, number, range.lineage);
            if (fault !== null || verdict.kind !== 'valid')
              return { ...NOTHING, number, path, fileBytes, fault };
            return this.#frames(file, path, verdict.header, range, heardLsn);
          });
    this.#segments.push(surveyed);
  }

  async #frames(
    file: DiskFile,
    path: string,
    header: SegmentHeader,
    range: SurveyedRange,
    heardLsn: number,
  ): Promise<SurveyedSegment> {
    const { listener } = this.#request;
    const fences = await this.#fences.of(file, header, range, this.#mark);
    this.#witnesses.hear(header.durable, header.epoch);
    const readBefore = this.#readBytes;
    const count = (): void => {
      this.#readBytes = readBefore + walk.readBytes;
    };
    const walk: SegmentWalk = new SegmentWalk(file, header, {
      fences,
      witnesses: this.#witnesses,
      untilLsn: this.#untilLsn,
      judgeFrame: listener.judgeFrame,
      windowBytes: WINDOW_BYTES,
      beforeRead: () => {
        count();
        this.#tell();
      },
    });
    if (heardLsn === 0) listener.onSegment(header, this.#joinsLast(header));
    const newestNamed = this.#store.slots.superblock?.newestSegment ?? 0;
    const place = { disk: this.#disk, paths: this.#paths, lineage: range.lineage, newestNamed };
    const hurts = new SegmentHurts(place, file, header, listener);
    const index = new RecordIndex(header.end.lastIndex + 1);
    let entries = 0;
    const tear = await surveySegment(walk, path, {
      onFrame: (frame, records, offset) => {
        hurts.frame(frame);
        entries += frame.until - frame.from;
        index.truncateFrom(frame.from, frame.resets);
        index.append(records, frame.until - frame.from);
        if (frame.firstLsn <= heardLsn) return undefined;
        return listener.onFrame({ header: frame, records, segment: header.number, path, offset });
      },
      onHole: async (hole) => {
        if (!(await this.#isStill(file, header))) return false;
        await hurts.hole(walk, hole);
        return true;
      },
    });
    count();
    this.#tell();
    const seal = await sealOf(file, header, index, listener);
    const hurt = await hurts.end(walk, tear, seal.sealedLsn);
    return {
      number: header.number,
      path,
      fileBytes: header.segmentBytes,
      header,
      fault: null,
      ...seal,
      frames: walk.frameCount,
      entries,
      run: walk.run,
      framesUntil: walk.offset,
      ...hurt,
    };
  }

  /** True if a segment begins right where the one before it ends, by its frames or by its seal. */
  #joinsLast(header: Pick<SegmentHeader, 'firstLsn' | 'chain'>): boolean {
    const last = this.#last;
    if (last === undefined || last.run === null) return false;
    return last.isBridged || goesOnFrom(header, last.run);
  }

  /** False if the file became another segment while it was read: a writer recycled it (R10). */
  async #isStill(file: DiskFile, header: SegmentHeader): Promise<boolean> {
    const { verdict } = await readSegmentHeader(file);
    if (verdict.kind === 'valid' && sameBytes(verdict.header.identity, header.identity)) return true;
    return (await this.#firstLive()) <= header.number;
  }

  #tell(): void {
    if (this.#readBytes < this.#toldBytes + REPORT_BYTES) return;
    this.#toldBytes = this.#readBytes;
    this.#request.onProgress?.(this.#readBytes, this.#totalBytes);
    this.#throwIfAborted();
  }

  #throwIfAborted(): void {
    throwIfAborted(`reading ${this.#paths.dir}`, this.#request.signal);
  }
}

/** A store whose segments are elsewhere is not damaged, but nothing of its log is to be found here. */
function checkPlace({ superblock }: SurveyedSlots, { walDir, isWalSeparate }: StorePaths): void {
  if (superblock === null || superblock.isWalSeparate === isWalSeparate) return;
  const reason = superblock.isWalSeparate
    ? 'the segments of this store are in a directory of their own: name it (walDir, or --wal-dir PATH)'
    : 'the segments of this store are inside its directory: name no other one';
  const code = 'KEELSON_MISSING_SEGMENT';
  throw new KeelsonError(code, `${walDir}: ${reason}. Nothing was changed.`, { path: walDir });
}

const NOTHING: Omit<SurveyedSegment, 'number' | 'path'> = {
  fileBytes: null,
  header: null,
  fault: null,
  seal: 'absent',
  sealedLsn: null,
  frames: 0,
  entries: 0,
  lowest: 0,
  lowestUpToHole: 0,
  run: null,
  framesUntil: 0,
  holes: [],
  tear: null,
  torn: [],
  isBridged: false,
  records: new RecordLedger(0),
};

/** @param index of all frames that were whole */
async function sealOf(
  file: DiskFile,
  header: SegmentHeader,
  index: RecordIndex,
  listener: Pick<SurveyListener, 'judgeSeal'>,
): Promise<Pick<SurveyedSegment, 'seal' | 'sealedLsn'>> {
  const seal = await readSeal(file, header);
  if (seal === null) return { seal: 'absent', sealedLsn: null };
  const { trailer, runs } = seal;
  const offsets = await readSealOffsets(file, header, trailer);
  const sums = await readSealSums(file, header, trailer);
  const isWhole = sums !== null && offsets !== null;
  const isSame = isWhole && isOf(index, trailer, sums, offsets) && listener.judgeSeal({ ...trailer, runs });
  return { seal: isSame ? 'whole' : 'bad', sealedLsn: trailer.lastLsn };
}

/** What was read is what was sealed, and where, by the sums of its ranges; of a segment with holes nobody can say. */
function isOf(
  index: RecordIndex,
  { lowest, until }: SealTrailer,
  sums: Uint32Array,
  offsets: Uint32Array,
): boolean {
  if (index.lowest !== lowest || index.until !== until) return true;
  return isEqual(sums, rangeSums(lowest, index.checksums())) && isEqual(offsets, index.offsets());
}

function isEqual(one: Uint32Array, other: Uint32Array): boolean {
  return one.length === other.length && one.every((value, at) => value === other[at]);
}
