import type { ErrorCode } from '../errors/index.js';
import type { Blemish } from '../wal/report/blemish.js';
import type { IndexRange } from '../wal/report/recovery-report.js';

/** A place where what is on the disk is not what was written. */
export interface FoundDamage {
  /** The code of the error that a read of it, or an open, ends with. */
  readonly code: ErrorCode;
  /** The file. */
  readonly path: string;
  /** Byte offset in that file. */
  readonly offset: number;
  /** What was got against what was expected, in words. */
  readonly reason: string;
  /** Entries that cannot be read; empty where none are known to be lost. */
  readonly entries: IndexRange;
  /** Entries right behind them that are whole. */
  readonly intact: readonly IndexRange[];
  /** True: a server opens the store all the same, and meets this damage only where it reads what was hit. */
  readonly canOpen: boolean;
}

/** How far a verification has come, in bytes. Snapshots are not in `totalBytes`. */
export interface VerifyProgress {
  /** Read so far. */
  readonly readBytes: number;
  /** What all segments hold. */
  readonly totalBytes: number;
}

/** Options of `log.verify()`. */
export interface VerifyOptions {
  /** Abandons it: `KEELSON_ABORTED`. */
  readonly signal?: AbortSignal;
  /** Called about every MiB. What it throws, or rejects with, ends the verification. */
  readonly onProgress?: (progress: VerifyProgress) => void;
}

/** What a verification found. */
export interface VerifyReport {
  /** `'damaged'`: there is at least one damage. */
  readonly verdict: 'sound' | 'damaged';
  /** Every damage, in the order of the log. */
  readonly damage: readonly FoundDamage[];
  /** What is not as it was written, but has a second witness: the next open or the next read puts it right. */
  readonly blemishes: readonly Blemish[];
  /** What holds less than promised on the file system where the segments lie, in sentences. No damage. */
  readonly notes: readonly string[];
  /** Segments whose header could be read. */
  readonly segments: number;
  /** Frames that are whole. */
  readonly frames: number;
  /** Entries read and held against their own checksums, those that later ones replaced included. */
  readonly entries: number;
  /** Snapshots that are whole. */
  readonly snapshots: number;
  /** Bytes read. */
  readonly readBytes: number;
  /** How long it took, in milliseconds. */
  readonly ms: number;
}
