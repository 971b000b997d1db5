import type { FrameHeader } from '../format/frame-header.js';
import type { FrameRecords } from '../format/frame-records.js';
import type { RunsOfTerms, SealedSegment } from '../format/seal.js';
import type { SegmentHeader } from '../format/segment-header.js';
import type { StoreKind, Superblock } from '../format/superblock.js';
import type { RecoveryReport } from './report/recovery-report.js';

/**
 * What stands above the wal and gives its records a meaning. The wal carries what this layer fills (ranges,
 * terms, the preamble's state) and never interprets it.
 */
export interface WalLayer {
  readonly storeKind: StoreKind;
  /** Forget everything: replay begins anew. */
  restart(): void;
  /**
   * What replay begins with: the preamble of a segment.
   *
   * @param isFirst the oldest live segment: nothing that came before it is known
   */
  restorePreamble(preamble: Pick<SegmentHeader, 'state' | 'end' | 'firstLsn'>, isFirst: boolean): void;
  adoptSealed(segment: SealedSegment): void;
  /**
   * A whole frame, in order, each exactly once, all of it or none (D1).
   *
   * Throws a {@link KeelsonError} for records that it does not understand and may not skip (R9). They are valid until it
   * returns, and the caller's to move over.
   */
  replay(frame: FrameHeader, records: FrameRecords): void;
  /**
   * Everything is replayed, nothing was written yet: the layer looks at what it keeps outside the wal, and throws
   * its damage.
   */
  judged(superblock: Pick<Superblock, 'lineage'>): Promise<void>;
  /** What the layer took in the place of what the log names (R8); null if all is as named. */
  readonly fallback: RecoveryReport['snapshotFallback'];
  /**
   * The log is durable and this writer's: the layer sets aside what it found unusable. Returns the paths in
   * quarantine. `checkFence` is to be asked before each change of a name (D11).
   */
  settle(checkFence: () => Promise<void>): Promise<readonly string[]>;
  /** The durable state, for the preamble of a new segment; at most PREAMBLE_STATE_BYTES_MAX. */
  preambleState(): Uint8Array;
  /** Terms of the numbered records `[from, until)`, for a seal. */
  termRuns(from: number, until: number): RunsOfTerms;
  /** Numbered records up to and including this are not needed any more; their segments may go (D10). */
  boundary(): number;
}
