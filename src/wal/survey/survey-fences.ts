import type { Disk, DiskFile } from '../../disk/port.js';
import type { EndMark } from '../../format/end-mark.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import { wholeHeaderOf } from '../segment/header-fault.js';
import { readSeal } from '../segment/read-segment.js';
import type { Fence } from '../segment/frame-run.js';
import type { StorePaths } from '../store/store-directory.js';
import type { SurveyedRange } from './survey-range.js';

/**
 * Says, for each segment of a survey, how far frames of older epochs count in it (D11): what the superblock says, the end
 * mark, whose writer had proven what it found, the segment's own seal, and the next later segment whose header is whole.
 * A survey may lack any of them.
 */
export class SurveyFences {
  readonly #disk: Disk;
  readonly #paths: StorePaths;
  /** The one that was found last: it holds for all segments before it. */
  #later: SegmentHeader | null = null;

  constructor(disk: Disk, paths: StorePaths) {
    this.#disk = disk;
    this.#paths = paths;
  }

  async of(
    file: DiskFile,
    header: SegmentHeader,
    range: SurveyedRange,
    mark: EndMark | null,
  ): Promise<readonly Fence[]> {
    const fences = [range.fence];
    if (mark !== null) fences.push({ epoch: mark.epoch, lsn: mark.lsn + 1 });
    const seal = await readSeal(file, header);
    if (seal !== null) fences.push({ epoch: seal.trailer.epoch, lsn: seal.trailer.lastLsn + 1 });
    const later = await this.#laterThan(header.number, range);
    if (later !== null) fences.push({ epoch: later.epoch, lsn: later.firstLsn });
    return fences;
  }

  /** Also one above the range: it may join, and be live (R6). */
  async #laterThan(number: number, { newest, lineage }: SurveyedRange): Promise<SegmentHeader | null> {
    if (this.#later !== null && this.#later.number > number) return this.#later;
    this.#later = null;
    for (let next = number + 1; next <= Math.max(newest, number) + 1 && this.#later === null; next += 1) {
      this.#later = await wholeHeaderOf(this.#disk, this.#paths, next, lineage);
    }
    return this.#later;
  }
}
