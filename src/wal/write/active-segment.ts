import type { DiskFile } from '../../disk/port.js';
import type { FrameFields } from '../../format/frame-header.js';
import { recordBytesAt, recordChecksumAt } from '../../format/record.js';
import { sealBytes } from '../../format/seal.js';
import { segmentSalt, type SegmentHeader } from '../../format/segment-header.js';
import type { LiveSegment } from '../segment/live-segment.js';
import { emptyFront, type SegmentFront } from '../segment/segment-front.js';
import type { Frame, FrameUrgency } from './frame.js';
import { RecordIndex } from '../segment/record-index.js';

const RESERVE_BYTES_MIN = 1024;
const RESERVE_BYTES_MAX = 1024 * 1024;
/** The end of the reserve, for one snapshot and one compaction record. */
const LAST_BYTES = 512;

/** Bytes at the end of a segment that entries may not use (D7). */
function reserveBytes(segmentBytes: number): number {
  return Math.max(RESERVE_BYTES_MIN, Math.min(RESERVE_BYTES_MAX, Math.floor(segmentBytes / 8)));
}

/** Most term runs that a frame adds to the index of its segment. */
function termRunsOf(fields: FrameFields): number {
  if (fields.until === fields.from) return 0;
  return fields.lowTerm === fields.highTerm ? 1 : fields.until - fields.from;
}

/** Where the next frames of a group would go, if those before them were written. */
export interface Fill {
  offset: number;
  lowest: number;
  until: number;
  runs: number;
}

/** The segment that frames are appended to: the only one whose index is in memory. */
export class ActiveSegment {
  readonly header: SegmentHeader;
  readonly path: string;
  readonly file: DiskFile;
  readonly salt: number;
  readonly index: RecordIndex;
  /** Where the next frame begins. */
  offset: number;
  /** Checksum of the last frame's header. */
  chain: number;
  frameCount: number;
  resets: boolean;
  /** Bound on the term runs that its seal will hold. */
  #runs: number;
  readonly #reserve: number;
  /** What need not be read back for the seal of a clean end. */
  readonly front: SegmentFront;

  constructor(
    segment: LiveSegment,
    file: DiskFile,
    last: { chain: number; frameCount: number; resets: boolean; runs: number; front: SegmentFront | null },
    segmentBytes: number,
  ) {
    this.header = segment.header;
    this.path = segment.path;
    this.file = file;
    this.salt = segmentSalt(segment.header.identity);
    this.index = segment.index ?? new RecordIndex(segment.header.end.lastIndex + 1);
    this.offset = segment.framesUntil;
    this.chain = last.chain;
    this.frameCount = last.frameCount;
    this.resets = last.resets;
    this.#runs = last.runs;
    this.front = last.front ?? emptyFront(segment.header);
    this.#reserve = reserveBytes(segmentBytes);
  }

  /** The segment as it is now filled. */
  fill(): Fill {
    return { offset: this.offset, lowest: this.index.lowest, until: this.index.until, runs: this.#runs };
  }

  /** Adds the frame to `fill` if the segment has room for it behind that; false, and `fill` unchanged, if not. */
  takes(fill: Fill, frame: Frame): boolean {
    const { fields } = frame;
    const lowest = fields.resets ? fields.from : Math.min(fill.lowest, fields.from);
    const runs = fill.runs + termRunsOf(fields);
    const offset = fill.offset + frame.bytes;
    const seal = sealBytes(lowest, fields.until, runs + 1);
    if (offset + seal + this.#keptFree(frame.urgency) > this.header.segmentBytes) return false;
    fill.offset = offset;
    fill.lowest = lowest;
    fill.until = fields.until;
    fill.runs = runs;
    return true;
  }

  #keptFree(urgency: FrameUrgency): number {
    switch (urgency) {
      case 'entries':
        return this.#reserve;
      case 'control':
        return LAST_BYTES;
      case 'record':
        return 0;
    }
  }

  /** A frame is on stable storage: its records can be found from now on. */
  publish(frame: Frame): void {
    const { fields, arena, recordCount } = frame;
    this.index.truncateFrom(fields.from, fields.resets);
    const { view } = arena;
    let at = frame.start + frame.headerBytes;
    const skipped = recordCount - (fields.until - fields.from);
    for (let count = 0; count < recordCount; count += 1) {
      if (count >= skipped) this.index.push(this.offset + (at - frame.start), recordChecksumAt(view, at));
      at += recordBytesAt(view, at);
    }
    this.#runs += termRunsOf(fields);
    this.resets ||= fields.resets;
    this.frameCount += 1;
    this.chain = frame.headerChecksum;
    this.offset += frame.bytes;
  }
}

/** Size of a segment that holds `frame` alone with the reserve behind it, in whole pages (D7). */
export function segmentBytesFor(frame: Frame, segmentBytes: number, headerBytes: number): number {
  const { fields } = frame;
  const seal = sealBytes(fields.from, fields.until, termRunsOf(fields) + 2);
  return segmentBytesHolding(headerBytes + frame.bytes + seal, segmentBytes);
}

/** Size of a segment with room for `bytes` and the reserve behind them: `segmentBytes`, or more, in whole pages (D7). */
export function segmentBytesHolding(bytes: number, segmentBytes: number): number {
  const needed = bytes + reserveBytes(segmentBytes);
  return needed <= segmentBytes ? segmentBytes : Math.ceil(needed / 4096) * 4096;
}
