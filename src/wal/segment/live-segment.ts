import type { SealTrailer } from '../../format/seal.js';
import { segmentSalt, type SegmentHeader } from '../../format/segment-header.js';
import type { RecordIndex } from './record-index.js';

/** A segment of the live range, as the wal knows it in memory: of fixed size, however many records it holds. */
export interface LiveSegment {
  readonly header: SegmentHeader;
  readonly path: string;
  /** Seed of its checksums. */
  readonly salt: number;
  /** The segment owns the numbered records `[lowest, until)`: later ones of the same number replaced the rest. */
  readonly lowest: number;
  readonly until: number;
  readonly lastLsn: number;
  readonly framesUntil: number;
  /** Where its index stands on the disk; null if it has to be kept in memory. */
  readonly seal: SealTrailer | null;
  /** The index in memory: of the unsealed tail, and of a segment whose seal was lost. */
  readonly index: RecordIndex | null;
}

/** The segment whose seal is `seal`. */
export function sealedSegment(path: string, header: SegmentHeader, seal: SealTrailer): LiveSegment {
  return {
    header,
    path,
    salt: segmentSalt(header.identity),
    lowest: seal.lowest,
    until: seal.until,
    lastLsn: seal.lastLsn,
    framesUntil: seal.framesUntil,
    seal,
    index: null,
  };
}

/** One whose index is in memory: it is the tail, or its seal was lost. */
export function unsealedSegment(
  path: string,
  header: SegmentHeader,
  index: RecordIndex,
  lastLsn: number,
  framesUntil: number,
): LiveSegment {
  const { lowest, until } = index;
  const salt = segmentSalt(header.identity);
  return { header, path, salt, lowest, until, lastLsn, framesUntil, seal: null, index };
}

/** Lowest number the segment owns, as of now: that of the tail may fall. */
export function lowestOf(segment: LiveSegment): number {
  return segment.index === null ? segment.lowest : segment.index.lowest;
}
