import { KeelsonError } from '../errors/index.js';
import type { FrameHeader } from '../format/frame-header.js';
import type { FrameRecords } from '../format/frame-records.js';
import { OPTIONAL_KIND_FROM, RESERVED_KIND_FROM } from '../format/record.js';
import type { RunsOfTerms } from '../format/seal.js';
import type { SegmentHeader } from '../format/segment-header.js';
import type { WalLayer } from './layer.js';

/** The layer of the plain wal: every record is numbered by its own LSN, and means nothing. */
export class PlainLayer implements WalLayer {
  readonly storeKind = 'wal';
  readonly fallback = null;
  #keepFrom = 1;

  restart(): void {
    this.#keepFrom = 1;
  }

  restorePreamble({ firstLsn }: Pick<SegmentHeader, 'firstLsn'>, isFirst: boolean): void {
    if (isFirst) this.#keepFrom = firstLsn;
  }

  adoptSealed(): void {
    // Records are found by the seal's offsets; there is nothing to learn from it.
  }

  replay(frame: Pick<FrameHeader, 'firstLsn'>, records: FrameRecords): void {
    for (const record of records) {
      if (record.kind < RESERVED_KIND_FROM || record.kind >= OPTIONAL_KIND_FROM) continue;
      throw new KeelsonError(
        'KEELSON_INCOMPATIBLE_FORMAT',
        `record kind ${record.kind} at LSN ${frame.firstLsn} is reserved and not known to this release. Nothing was changed. Open it with the release that wrote it.`,
        { lsn: frame.firstLsn, found: record.kind, expected: RESERVED_KIND_FROM - 1 },
      );
    }
  }

  judged(): Promise<void> {
    return Promise.resolve();
  }

  settle(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  preambleState(): Uint8Array {
    return new Uint8Array(0);
  }

  termRuns(): RunsOfTerms {
    return new Float64Array(0);
  }

  boundary(): number {
    return this.#keepFrom - 1;
  }

  /** Records below `lsn` are not needed any more. */
  dropBefore(lsn: number): void {
    this.#keepFrom = Math.max(this.#keepFrom, lsn);
  }
}
