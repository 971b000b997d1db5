import { closeFile } from '../../disk/close-file.js';
import type { Disk, DiskFile } from '../../disk/port.js';
import { sameBytes } from '../../format/identity.js';
import { NOTHING_DURABLE, type DurableMark } from '../../format/position.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import type { Superblock } from '../../format/superblock.js';
import { openIfThere, readSegmentHeader } from '../segment/read-segment.js';
import { fenceOf, isFenced } from '../segment/frame-run.js';
import { searchBehind } from '../segment/scan-segment.js';
import { SegmentWalk } from '../segment/segment-walk.js';
import { Witnesses } from '../segment/witnesses.js';
import type { StorePaths } from '../store/store-directory.js';
import type { IndexRange } from '../report/recovery-report.js';

/** A segment of this store above the live range, and what it bears witness of. */
export interface SegmentAbove {
  readonly number: number;
  readonly path: string;
  readonly epoch: number;
  /** The highest mark of its header and of its frames. */
  readonly mark: DurableMark;
  /** Entries of its whole frames. */
  readonly intact: readonly IndexRange[];
}

/** What a file that stands above the range is held against. */
export type RangeBelow = Pick<Superblock, 'lineage' | 'epoch' | 'fenceEpoch' | 'fenceLsn'>;

/**
 * The witnesses among the files numbered above the live range, by number (R1, R3, R6). A writer makes a segment only when all
 * before it is durable, and says so in its header: above E, that is proof that the files below are older than this one,
 * an old copy of the directory laid over it, say, or a volume that was mounted late.
 *
 * None is what a crash leaves there: a rotation that was never named says no more than that all before it is durable,
 * and what a repair built that did not end speaks of a log that was to be begun anew. A file that cannot be read as a
 * segment of this store, or is gone by now, says nothing.
 */
export async function segmentsAbove(
  disk: Disk,
  paths: StorePaths,
  numbers: readonly number[],
  range: RangeBelow,
  beforeRead?: () => void,
): Promise<readonly SegmentAbove[]> {
  const found: SegmentAbove[] = [];
  let unfinishedEpoch: number | null = null;
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const path = paths.segment(number);
    const file = await openIfThere(disk, path);
    if (file === null) continue;
    try {
      const { verdict } = await readSegmentHeader(file);
      if (verdict.kind !== 'valid' || !sameBytes(verdict.header.lineage, range.lineage)) continue;
      const { header } = verdict;
      if (isUnfinished(header, range)) unfinishedEpoch = header.epoch;
      if (header.epoch === unfinishedEpoch) continue;
      const witness = await witnessIn(file, header, range, beforeRead);
      if (witness !== null) found.push({ number, path, epoch: header.epoch, ...witness });
    } finally {
      await closeFile(file);
    }
  }
  return found;
}

/**
 * A repair stamps its epoch into the superblock before it builds a log anew, with the next: where the superblock knows of
 * neither, it is older than that log, which was live.
 */
function isUnfinished({ chain, firstLsn, epoch }: SegmentHeader, range: RangeBelow): boolean {
  return chain === 0 && firstLsn > 1 && epoch <= range.epoch + 1;
}

/** Why what is below is not whole, for a person. */
export function olderThan({ number, mark }: SegmentAbove): string {
  return `segment ${number}, above those that the superblock names, proves LSN ${mark.lsn}: superblock and segments look like an older copy of this store, put in the place of the newer one`;
}

async function witnessIn(
  file: DiskFile,
  header: SegmentHeader,
  range: RangeBelow,
  beforeRead: (() => void) | undefined,
): Promise<Pick<SegmentAbove, 'mark' | 'intact'> | null> {
  const fences = [fenceOf(range)];
  const { epoch, durable } = header;
  const witnesses = new Witnesses(isFenced(epoch, durable.lsn, fences) ? NOTHING_DURABLE : durable, epoch);
  const walk = new SegmentWalk(file, header, { fences, witnesses, beforeRead });
  const { intact } = await searchBehind(walk);
  const { mark } = witnesses;
  return mark.lsn === 0 ? null : { mark, intact };
}
