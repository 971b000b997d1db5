import { isShortage } from '../../disk/disk-failure.js';
import type { ErrorCode, KeelsonError } from '../../errors/index.js';

/** What is known of a change that ended with an error. */
export type FateOfChange = 'not-persisted' | 'persisted' | 'unknown';

/** The log is latched by them, and only its next open tells what became of the change. */
const UNKNOWN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'KEELSON_WRITE_FAILED',
  'KEELSON_SYNC_FAILED',
  'KEELSON_FAILED',
  'KEELSON_FENCED',
  'KEELSON_FATE_UNKNOWN',
]);

/** What an error says of the change that ended with it: by what it carries, else by its code. */
export function fateOf(error: KeelsonError): FateOfChange {
  if (error.details.fate !== undefined) return error.details.fate;
  return UNKNOWN.has(error.code) && !isShortage(error) ? 'unknown' : 'not-persisted';
}

/** True if no change is taken any more after this one, until the log is opened again. */
export function latches(error: KeelsonError): boolean {
  return error.family !== 'caller' && fateOf(error) === 'unknown';
}
