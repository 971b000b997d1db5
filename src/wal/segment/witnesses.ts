import { lastLsnOf, type FrameHeader } from '../../format/frame-header.js';
import { NOTHING_DURABLE, type DurableMark } from '../../format/position.js';
import { isFenced, type Fence } from './frame-run.js';

/**
 * What everything that is valid by its own checksum says of a log, collected by whoever reads it: P, the highest mark of
 * all (R1), and the numbers that a writer must not use again (R7).
 */
export class Witnesses {
  mark: DurableMark;
  highestEpoch: number;
  /** Of any frame that counts, whole or not. */
  highestLsn = 0;

  constructor(mark: DurableMark = NOTHING_DURABLE, epoch: number = 0) {
    this.mark = mark;
    this.highestEpoch = epoch;
  }

  /** A mark of that epoch. */
  hear(mark: DurableMark, epoch: number): void {
    if (mark.lsn > this.mark.lsn) this.mark = mark;
    if (epoch > this.highestEpoch) this.highestEpoch = epoch;
  }

  /** The header of a frame, of which the rest may be lost. False: it was fenced off, and counts for nothing (D11). */
  see(header: FrameHeader, fences: readonly Fence[]): boolean {
    const lastLsn = lastLsnOf(header);
    if (isFenced(header.epoch, lastLsn, fences)) return false;
    this.hear(header.durable, header.epoch);
    if (lastLsn > this.highestLsn) this.highestLsn = lastLsn;
    return true;
  }
}

/** How the last segment of a log ends. */
interface LogEnd {
  readonly lastLsn: number;
  /** Bytes follow that are no whole frame. */
  readonly isTorn: boolean;
  /** The last LSN by its seal; null if it has none. */
  readonly sealedLsn: number | null;
}

/** What a log lacks that ends below P (R3): frames of its last segment, or the segment behind it. Null: nothing. */
export function lackedBy(
  { lastLsn, isTorn, sealedLsn }: LogEnd,
  provenLsn: number,
): 'frames' | 'segment' | null {
  if (lastLsn >= provenLsn) return null;
  // A segment that is whole up to its seal ends nowhere else.
  return !isTorn && sealedLsn === lastLsn ? 'segment' : 'frames';
}
