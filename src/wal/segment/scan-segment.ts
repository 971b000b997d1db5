import { isPromise } from '../../disk/port.js';
import { lastLsnOf, type FrameHeader } from '../../format/frame-header.js';
import type { FrameRecords } from '../../format/frame-records.js';
import type { DurableMark, LogEnd } from '../../format/position.js';
import { SEGMENT_HEADER_BYTES, segmentSalt, type SegmentHeader } from '../../format/segment-header.js';
import { FrameCursor } from './frame-cursor.js';
import { RecordIndex } from './record-index.js';
import type { IndexRange } from '../report/recovery-report.js';
import { searchBehind } from './search-behind.js';
import type { SegmentWindow } from './segment-window.js';
import { UnprovenFrames } from './unproven-frames.js';

/** Where a run of frames stands: what the next frame has to join (R2). */
export interface RunState {
  readonly lastLsn: number;
  /** Checksum of the last frame's header. */
  readonly chain: number;
  readonly epoch: number;
  readonly end: LogEnd;
}

/**
 * Where an epoch began, or went on: a frame that reaches `lsn` with an epoch below `epoch` is outside the run (D11). The
 * superblock holds that of the newest epoch; the header of each segment, and a seal, say the same of the writer that made
 * them. Frames of a writer that lost its lock may stand behind what its successor sealed, for as long as the file lives.
 */
export interface Fence {
  readonly epoch: number;
  readonly lsn: number;
}

/** Why a run ended before the bytes of its segment did. */
export interface RunStop {
  /**
   * - `'gap'`: the next header is intact but does not join.
   * - `'payload'`: the next header joins, but what it covers is not what was written.
   * - `'header'`: no valid header stands where the next should, but one does farther behind.
   */
  readonly kind: 'gap' | 'payload' | 'header';
  readonly offset: number;
  readonly reason: string;
  /** Behind the last byte that bears the segment's identity. */
  readonly untilOffset: number;
  /** Entries of whole frames behind the stop. */
  readonly intact: readonly IndexRange[];
}

/** What stands in one segment, read frame by frame. */
export interface SegmentScan {
  readonly run: RunState;
  /** Where the next frame would begin. */
  readonly runUntil: number;
  readonly frameCount: number;
  readonly index: RecordIndex;
  /** Some frame of the run replaced the whole log. */
  readonly resets: boolean;
  /** Null if nothing behind the run bears the segment's identity. */
  readonly stop: RunStop | null;
  /** The highest mark of any valid header, in the run or behind it (R1). */
  readonly mark: DurableMark;
  readonly highestEpoch: number;
  /** Where the first frame stands that `mark` does not prove; `runUntil` if there is none. */
  readonly unprovenFrom: number;
}

/** Hears of each whole frame of the run, in order. The records are valid until it returns. */
export type FrameListener = (header: FrameHeader, records: FrameRecords) => void;

/** State of a scan under way. */
class Scan {
  readonly salt: number;
  readonly index: RecordIndex;
  run: RunState;
  offset = SEGMENT_HEADER_BYTES;
  frameCount = 0;
  resets = false;
  highestEpoch: number;
  mark: DurableMark;
  readonly unproven = new UnprovenFrames();

  constructor(header: SegmentHeader, mark: DurableMark) {
    this.salt = segmentSalt(header.identity);
    this.index = new RecordIndex(header.end.lastIndex + 1);
    this.run = { lastLsn: header.firstLsn - 1, chain: header.chain, epoch: header.epoch, end: header.end };
    this.highestEpoch = header.epoch;
    this.mark = header.durable.lsn > mark.lsn ? header.durable : mark;
  }

  witness(header: FrameHeader): void {
    this.highestEpoch = Math.max(this.highestEpoch, header.epoch);
    if (header.durable.lsn > this.mark.lsn) this.mark = header.durable;
  }

  /** Takes a whole frame into the run. */
  accept(header: FrameHeader, records: FrameRecords): void {
    this.index.truncateFrom(header.from, header.resets);
    this.index.append(records, header.until - header.from);
    this.resets ||= header.resets;
    this.run = {
      lastLsn: lastLsnOf(header),
      chain: header.headerChecksum,
      epoch: header.epoch,
      end: { lastIndex: header.until - 1, lastTerm: header.lastTerm },
    };
    this.unproven.add(this.run.lastLsn, this.offset);
    this.witness(header);
    this.unproven.dropThrough(this.mark.lsn);
    this.offset += header.headerBytes + header.payloadBytes;
    this.frameCount += 1;
  }
}

/**
 * Reads a segment from its first frame on: the unbroken run (R2), and, behind its end, whatever else bears the
 * segment's identity, for the verdict (R3, R4). Writes nothing.
 *
 * @param mark the highest mark known from elsewhere
 * @param untilLsn frames that pass it are left out, as if they were not there
 */
export async function scanSegment(
  window: SegmentWindow,
  header: SegmentHeader,
  fences: readonly Fence[],
  mark: DurableMark,
  listener: FrameListener,
  untilLsn: number = Infinity,
): Promise<SegmentScan> {
  const scan = new Scan(header, mark);
  const broken = await readRun(window, scan, header, fences, listener, untilLsn);
  const behind = await searchBehind(window, scan.offset, header.segmentBytes, scan.salt, (frame) => {
    const isOurs = !isFenced(frame, fences);
    if (isOurs) scan.witness(frame);
    return isOurs;
  });
  const isSilent = broken.kind === 'header' && behind.untilOffset === 0;
  const stop = isSilent
    ? null
    : { ...broken, offset: scan.offset, intact: behind.intact, untilOffset: behind.untilOffset };
  return {
    run: scan.run,
    runUntil: scan.offset,
    frameCount: scan.frameCount,
    index: scan.index,
    resets: scan.resets,
    stop,
    mark: scan.mark,
    highestEpoch: scan.highestEpoch,
    unprovenFrom: scan.unproven.first ?? scan.offset,
  };
}

type Broken = Pick<RunStop, 'kind' | 'reason'>;

/** Takes frames into the run, each whole or not at all (D1), and says why it could not take one more. */
async function readRun(
  window: SegmentWindow,
  scan: Scan,
  segment: SegmentHeader,
  fences: readonly Fence[],
  listener: FrameListener,
  untilLsn: number,
): Promise<Broken> {
  const cursor = new FrameCursor(window, segment.segmentBytes, scan.salt);
  for (;;) {
    // To wait for what is there costs more than the frame itself, where frames are small.
    const found = cursor.header(scan.offset);
    const header = isPromise(found) ? await found : found;
    if (header === null) return { kind: 'header', reason: 'no valid frame header' };
    if (lastLsnOf(header) > untilLsn) return { kind: 'header', reason: 'not yet known durable' };
    const gap = whyNotJoining(header, scan.run, fences);
    if (gap !== null) return { kind: 'gap', reason: gap };
    const judged = cursor.payloadFault(scan.offset, header);
    const fault = isPromise(judged) ? await judged : judged;
    if (fault !== null) return { kind: 'payload', reason: fault };
    scan.accept(header, cursor.records);
    listener(header, cursor.records);
  }
}

/** Null if the frame continues the run; else why not, got against expected. */
export function whyNotJoining(header: FrameHeader, run: RunState, fences: readonly Fence[]): string | null {
  if (header.firstLsn !== run.lastLsn + 1) return `LSN ${header.firstLsn}, expected ${run.lastLsn + 1}`;
  if (header.chain !== run.chain)
    return `it names ${header.chain} as checksum of the frame before, expected ${run.chain}`;
  if (header.epoch < run.epoch) return `epoch ${header.epoch}, expected at least ${run.epoch}`;
  const fence = fences.find((one) => isBeyond(header, one));
  if (fence !== undefined)
    return `epoch ${header.epoch} at LSN ${header.firstLsn}, where epoch ${fence.epoch} began`;
  if (!header.resets && header.from > run.end.lastIndex + 1) {
    return `entries from ${header.from}, expected at most ${run.end.lastIndex + 1}`;
  }
  return null;
}

/** True for a frame of a writer that was fenced off: it is outside the run, whatever it says (D11). */
export function isFenced(header: FrameHeader, fences: readonly Fence[]): boolean {
  return fences.some((fence) => isBeyond(header, fence));
}

/** D1: a frame is an atom, so one that only ends behind the fence is as far beyond it as one that begins there. */
function isBeyond(header: FrameHeader, { epoch, lsn }: Fence): boolean {
  return header.epoch < epoch && lastLsnOf(header) >= lsn;
}
