import type { VerifyOptions, VerifyProgress, VerifyReport } from './verify-report.js';
import { patient } from '../disk/disk-watch.js';
import type { Environment } from '../disk/environment.js';
import { StorePaths } from '../wal/inside.js';
import { fileSystemNotes } from './repair/file-system-notes.js';
import { surveyLog, type LogSurvey, type SurveyedKind } from './repair/survey-log.js';

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
  return (await verifyWhatStands(request)).report;
}

/** The same, and what it is that stands there. */
export async function verifyWhatStands(
  request: VerifyRequest,
): Promise<{ readonly kind: SurveyedKind; readonly report: VerifyReport }> {
  const { dir, walDir, signal, onProgress } = request;
  const environment = patient(request.environment);
  const started = environment.now();
  const heard = new Heard(onProgress);
  const survey = await surveyLog({
    environment,
    dir,
    walDir,
    signal,
    onProgress: (readBytes, totalBytes) => heard.tell({ readBytes, totalBytes }),
  });
  await heard.end();
  const notes = await fileSystemNotes(environment.disk, new StorePaths(dir, walDir).walDir);
  return { kind: survey.kind, report: reportOf(survey, notes, environment.now() - started) };
}

/** Tells a host how far it has come; what that throws ends the verification, and what it rejects with, at the next telling. */
class Heard {
  readonly #onProgress: ((progress: VerifyProgress) => unknown) | undefined;
  #answers: Promise<unknown> = Promise.resolve();
  #failure: { readonly error: unknown } | null = null;

  constructor(onProgress: ((progress: VerifyProgress) => unknown) | undefined) {
    this.#onProgress = onProgress;
  }

  tell(progress: VerifyProgress): void {
    if (this.#failure !== null) throw this.#failure.error;
    const answer = this.#onProgress?.(progress);
    if (typeof answer !== 'object' || answer === null) return;
    const answered = Promise.resolve(answer).catch((error: unknown) => {
      this.#failure ??= { error };
    });
    this.#answers = Promise.all([this.#answers, answered]);
  }

  async end(): Promise<void> {
    await this.#answers;
    if (this.#failure !== null) throw this.#failure.error;
  }
}

/** A survey as a report. */
function reportOf(survey: LogSurvey, notes: readonly string[], ms: number): VerifyReport {
  const { damages, blemishes, store, snapshots, readBytes } = survey;
  const sum = (of: (segment: LogSurvey['store']['segments'][number]) => number): number =>
    store.segments.reduce((total, segment) => total + of(segment), 0);
  return Object.freeze({
    verdict: damages.length === 0 ? 'sound' : 'damaged',
    damage: damages,
    blemishes,
    notes,
    segments: store.segments.filter(({ header }) => header !== null).length,
    frames: sum(({ frames }) => frames),
    entries: sum(({ entries }) => entries),
    snapshots: snapshots.filter(({ damage }) => damage === null).length,
    readBytes,
    ms,
  });
}
