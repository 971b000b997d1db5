import { lastLsnOf, type FrameHeader } from '../../format/frame-header.js';
import type { LogEnd } from '../../format/position.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import type { Superblock } from '../../format/superblock.js';

/** Where a run of frames stands: what the next frame has to join (R2). */
export interface RunState {
  readonly lastLsn: number;
  /** Checksum of the last frame's header. */
  readonly chain: number;
  readonly epoch: number;
  readonly end: LogEnd;
}

/** The run that a segment goes on from. */
export function runBefore({ firstLsn, chain, epoch, end }: SegmentHeader): RunState {
  return { lastLsn: firstLsn - 1, chain, epoch, end };
}

/** The run that ends with this frame. */
export function runThrough(header: FrameHeader): RunState {
  return {
    lastLsn: lastLsnOf(header),
    chain: header.headerChecksum,
    epoch: header.epoch,
    end: { lastIndex: header.until - 1, lastTerm: header.lastTerm },
  };
}

/** True if a segment with this header begins where a run, or a seal, ends. */
export function goesOnFrom(
  { firstLsn, chain }: Pick<SegmentHeader, 'firstLsn' | 'chain'>,
  end: Pick<RunState, 'lastLsn' | 'chain'>,
): boolean {
  return firstLsn === end.lastLsn + 1 && chain === end.chain;
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

/** Where the present run of a log began. */
export function fenceOf({ fenceEpoch, fenceLsn }: Pick<Superblock, 'fenceEpoch' | 'fenceLsn'>): Fence {
  return { epoch: fenceEpoch, lsn: fenceLsn };
}

/**
 * True for what a writer that was fenced off, or an epoch before the present one, says of an LSN that a later one wrote
 * itself: it is outside the run, whatever it says (D11). A repair may have begun a new log there, and the platter may
 * bring back marks of the old one, since none is ever synced.
 */
export function isFenced(epoch: number, lsn: number, fences: readonly Fence[]): boolean {
  for (const fence of fences) if (isBeyond(epoch, lsn, fence)) return true;
  return false;
}

function isBeyond(epoch: number, lsn: number, fence: Fence): boolean {
  return epoch < fence.epoch && lsn >= fence.lsn;
}

/** Null if the frame continues the run; else why not, got against expected. */
export function whyNotJoining(header: FrameHeader, run: RunState, fences: readonly Fence[]): string | null {
  if (header.firstLsn !== run.lastLsn + 1) return `LSN ${header.firstLsn}, expected ${run.lastLsn + 1}`;
  if (header.chain !== run.chain)
    return `it names ${header.chain} as checksum of the frame before, expected ${run.chain}`;
  if (header.epoch < run.epoch) return `epoch ${header.epoch}, expected at least ${run.epoch}`;
  // D1: a frame is an atom, so one that only ends behind the fence is as far beyond it as one that begins there.
  const fence = fences.find((one) => isBeyond(header.epoch, lastLsnOf(header), one));
  if (fence !== undefined)
    return `epoch ${header.epoch} at LSN ${header.firstLsn}, where epoch ${fence.epoch} began`;
  if (!header.resets && header.from > run.end.lastIndex + 1) {
    return `entries from ${header.from}, expected at most ${run.end.lastIndex + 1}`;
  }
  return null;
}
