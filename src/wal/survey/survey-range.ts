import type { Disk } from '../../disk/port.js';
import { headerAt } from '../segment/read-segment.js';
import { fenceOf, type Fence } from '../segment/frame-run.js';
import { listStore, notALog, strayOf, type StorePaths } from '../store/store-directory.js';
import type { SurveyedSlots } from './survey-marks.js';
import { refuseUnfinished } from '../copy/directory-in-making.js';
import { firstTrace } from '../store/trace-of-log.js';

/** Which segments a survey reads. */
export interface SurveyedRange {
  readonly first: number;
  /** `first - 1`: there are none. */
  readonly newest: number;
  /** True if no slot says so, and the range was made out from the files. */
  readonly isInferred: boolean;
  readonly lineage: Uint8Array | null;
  readonly fence: Fence;
  readonly totalBytes: number;
  readonly highestSegment: number;
  /** Without a slot: where the files begin that stand below the range, up to the next gap; null if there are none. */
  readonly below: number | null;
}

/** Nothing is fenced off as far as anybody knows. */
const NO_FENCE: Fence = { epoch: 0, lsn: Infinity };

/**
 * The live range: as the superblock says, or, without one, as the segments themselves say (R7).
 *
 * @param from without a superblock: the range begins at that segment, and not behind the last gap in the numbers
 */
export async function rangeOf(
  disk: Disk,
  paths: StorePaths,
  { superblock, checkpoint }: SurveyedSlots,
  from: number | null,
): Promise<SurveyedRange> {
  const listing = await listStore(disk, paths);
  if (listing.names === null) throw notALog(paths.dir, 'the directory is not there');
  refuseUnfinished(paths.dir, listing);
  if (superblock === null && checkpoint === null && (await firstTrace(disk, paths, listing)) === null)
    throw strayOf(listing) ?? notALog(paths.dir, 'no superblock is in it, and no segment or snapshot of one');
  const { numbers } = listing;
  const counts = {
    totalBytes: await bytesOf(disk, paths, numbers),
    highestSegment: numbers.at(-1) ?? 0,
  };
  if (superblock === null) return { ...(await inferRange(disk, paths, numbers, from)), ...counts };
  const { firstSegment, newestSegment } = superblock;
  // As an open does: a superblock that was rolled back may name only segments that are gone by right.
  const lowest = numbers.find((number) => number >= firstSegment) ?? newestSegment;
  return {
    below: null,
    first: firstSegment,
    newest: Math.max(newestSegment, lowest),
    isInferred: false,
    lineage: superblock.lineage,
    fence: fenceOf(superblock),
    ...counts,
  };
}

async function bytesOf(disk: Disk, paths: StorePaths, numbers: readonly number[]): Promise<number> {
  let bytes = 0;
  for (const number of numbers) bytes += (await disk.stat(paths.segment(number)))?.size ?? 0;
  return bytes;
}

/**
 * Without a slot: the newest segment with a whole header says whose the store is, and the range is what is numbered
 * without a gap up to it. What lies below a gap was deleted, and came back by a crash or waits to go (D10); unless what
 * lies above does not reach down to what was compacted: then the segments between them are lost, and who asks says so.
 */
async function inferRange(
  disk: Disk,
  paths: StorePaths,
  numbers: readonly number[],
  from: number | null,
): Promise<Omit<SurveyedRange, 'totalBytes' | 'highestSegment'>> {
  let lineage: Uint8Array | null = null;
  for (const number of [...numbers].reverse()) {
    lineage ??= await lineageOf(disk, paths.segment(number));
  }
  const newest = numbers.at(-1) ?? 0;
  const there = new Set(numbers);
  const first = from ?? (newest === 0 ? 1 : startOf(newest, there));
  const highestBelow = numbers.filter((number) => number < first).at(-1);
  const below = highestBelow === undefined ? null : startOf(highestBelow, there);
  return { first, newest, isInferred: true, lineage, fence: NO_FENCE, below };
}

/** The lowest number from which on there is no gap up to `until`. */
function startOf(until: number, there: ReadonlySet<number>): number {
  let first = until;
  while (there.has(first - 1)) first -= 1;
  return first;
}

/** Whose segment it is, by its header alone; null if none that holds is there. */
async function lineageOf(disk: Disk, path: string): Promise<Uint8Array | null> {
  const head = await headerAt(disk, path);
  return head?.verdict.kind === 'valid' ? head.verdict.header.lineage : null;
}
