import type { Environment } from '../disk/environment.js';
import type { Blemish } from '../wal/survey/survey-store.js';
import { surveyLog, type FoundDamage, type LogSurvey } from './repair/survey-log.js';

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
  /** Called about every MiB. What it throws ends the verification. */
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

/** Which store to verify. */
export interface VerifyRequest extends VerifyOptions {
  readonly environment: Environment;
  readonly dir: string;
  /** Null: `wal` inside `dir`. */
  readonly walDir: string | null;
}

/**
 * Reads all of a store, segments and snapshots, and holds every byte that counts against its checksum. Changes nothing,
 * takes no lock, safe beside a live writer; goes on past damage and reports all of it.
 *
 * Errors: `KEELSON_NOT_A_LOG`, `KEELSON_INCOMPATIBLE_FORMAT`, `KEELSON_READ_FAILED`, `KEELSON_ABORTED`.
 */
export async function verifyStore(request: VerifyRequest): Promise<VerifyReport> {
  const { environment, dir, walDir, signal, onProgress } = request;
  const started = environment.now();
  const survey = await surveyLog({
    environment,
    dir,
    walDir,
    signal,
    onProgress: (readBytes, totalBytes) => onProgress?.({ readBytes, totalBytes }),
  });
  return reportOf(survey, environment.now() - started);
}

/** A survey as a report. */
export function reportOf(survey: LogSurvey, ms: number): VerifyReport {
  const { damages, blemishes, store, snapshots, readBytes } = survey;
  const sum = (of: (segment: LogSurvey['store']['segments'][number]) => number): number =>
    store.segments.reduce((total, segment) => total + of(segment), 0);
  return Object.freeze({
    verdict: damages.length === 0 ? 'sound' : 'damaged',
    damage: damages,
    blemishes,
    segments: store.segments.filter(({ header }) => header !== null).length,
    frames: sum(({ frames }) => frames),
    entries: sum(({ entries }) => entries),
    snapshots: snapshots.filter(({ damage }) => damage === null).length,
    readBytes,
    ms,
  });
}
