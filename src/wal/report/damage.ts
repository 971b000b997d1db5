import { KeelsonError, type ErrorCode, type ErrorDetails } from '../../errors/index.js';
import type { IndexRange, RecoveryReport } from './recovery-report.js';

/** A place where what is on the disk is not what was written (R3). */
export interface Damage {
  readonly code: Extract<ErrorCode, 'KEELSON_CORRUPT' | 'KEELSON_LOG_GAP' | 'KEELSON_MISSING_SEGMENT'>;
  readonly path: string;
  readonly offset: number;
  /** What is wrong there, got against expected. */
  readonly reason: string;
  /** Entries that cannot be read; empty if none are known to be lost. */
  readonly entries: IndexRange;
  readonly intact: readonly IndexRange[];
}

/** No entries: for damage that is not known to have taken any. */
export const NO_ENTRIES: IndexRange = Object.freeze({ from: 0, until: 0 });

/** R6: says what is missing; where no segment is there at all, the likeliest cause. */
export function segmentMissing(
  { firstSegment, newestSegment }: { readonly firstSegment: number; readonly newestSegment: number },
  isAnyThere: boolean,
): string {
  const live = `segments ${firstSegment}..${newestSegment} are live`;
  return isAnyThere
    ? `the segment is not there, though ${live}`
    : `no segment is there, though ${live}; check that the disk of this directory is mounted`;
}

/** What an open has counted so far; its public fields are those of the report. */
export class RecoveryTally {
  storeId = '';
  segments = 0;
  batches = 0;
  entries = 0;
  lastLsn = 0;
  epoch = 0;
  readBytes = 0;
  cut: RecoveryReport['cut'] = null;
  sparse: RecoveryReport['sparse'] = null;
  unmarked: RecoveryReport['unmarked'] = null;
  snapshotFallback: RecoveryReport['snapshotFallback'] = null;
  readonly rebuilt: string[] = [];
  readonly quarantined: string[] = [];
  strays: readonly string[] = [];
  readonly #startMs: number;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.#startMs = now();
  }

  /** Forgets what a judgement counted, before another. */
  restart(): void {
    this.segments = 0;
    this.batches = 0;
    this.entries = 0;
    this.snapshotFallback = null;
  }

  report(verdict: RecoveryReport['verdict'], damage: RecoveryReport['damage'] = null): RecoveryReport {
    const counted: Omit<RecoveryReport, 'verdict' | 'damage' | 'ms'> = Object.assign({}, this);
    const lists = { rebuilt: [...this.rebuilt], quarantined: [...this.quarantined] };
    return Object.freeze({ verdict, ...counted, damage, ...lists, ms: this.#now() - this.#startMs });
  }

  /** The same error, carrying the report, if it tells of damage and does not carry it yet; any other as it is. */
  withReport<T>(error: T): T | KeelsonError {
    if (!(error instanceof KeelsonError) || error.family !== 'damage' || error.recovery !== undefined)
      return error;
    const { path = '', offset = 0 } = error.details;
    const damage = { path, offset, reason: error.message, entries: NO_ENTRIES, intact: [] };
    const recovery = this.report('damaged', damage);
    return new KeelsonError(error.code, error.message, { ...error.details, recovery }, error.cause);
  }

  /** The error that an open ends with when it met damage; it carries the report. */
  damaged(damage: Damage): KeelsonError {
    const { code, path, offset, reason, entries, intact } = damage;
    const found = { path, offset, reason, entries, intact };
    return damageError(code, { ...this.report('damaged'), damage: found });
  }
}

/** The error that tells of the damage in a report. */
export function damageError(
  code: ErrorCode,
  recovery: RecoveryReport & { readonly damage: object },
): KeelsonError {
  const { path, offset, reason, entries, intact } = recovery.damage;
  const lost = entries.until > entries.from ? `; entries ${rangeText(entries)} cannot be read` : '';
  const ranges = intact.map(rangeText).join(', ');
  const behind =
    lost === '' ? `; entries ${ranges} behind it are intact` : `, ${ranges} behind them are intact`;
  const whole = intact.length > 0 ? behind : '';
  const message = `${path} is damaged at byte ${offset}: ${reason}${lost}${whole}. Nothing was changed. See docs/errors.md for what to do`;
  return new KeelsonError(code, message, { path, offset, entries, recovery });
}

function rangeText(range: IndexRange): string {
  return `${range.from}..${range.until - 1}`;
}

/** R3, R12: damage inside a segment, met by the read that needed it. */
export function malformed({ path }: { readonly path: string }, offset: number, index: number): KeelsonError {
  const entries = { from: index, until: index + 1 };
  return damagedAt(path, offset, `record ${index} is not what was written there`, { index, entries });
}

/** Damage met by who does not look for any. */
export function damagedAt(path: string, offset: number, reason: string, details: ErrorDetails): KeelsonError {
  const message = `${path} is damaged at byte ${offset}: ${reason}. Nothing was changed. See docs/errors.md for what to do`;
  return new KeelsonError('KEELSON_CORRUPT', message, { path, offset, ...details });
}
