import { systemCode } from '../disk/index.js';
import { KeelsonError, type ErrorCode, type ErrorDetails } from '../errors/index.js';

/** Answers of a full disk, or of a full quota: the same call may work later. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT']);

/**
 * A failure to create, write, close, rename or unlink: `KEELSON_NO_SPACE` where the disk or the quota is
 * full, else `KEELSON_WRITE_FAILED`.
 */
export function writeFailure(cause: unknown, path: string, attempt: string): KeelsonError {
  return NO_ROOM.has(systemCode(cause))
    ? failure('KEELSON_NO_SPACE', cause, path, attempt, 'Free some space, then try again.')
    : failure('KEELSON_WRITE_FAILED', cause, path, attempt, 'Look at the disk and the kernel log.');
}

/** A failed sync, whatever the reason (D5, D7: also ENOSPC out of a sync). Never try the same sync again. */
export function syncFailure(cause: unknown, path: string, attempt: string): KeelsonError {
  return failure('KEELSON_SYNC_FAILED', cause, path, attempt, 'Look at the disk and the kernel log.');
}

/** A failure to open, read or list: never taken for a torn or missing file (R9). */
export function readFailure(cause: unknown, path: string, attempt: string, offset?: number): KeelsonError {
  const at = offset === undefined ? {} : { offset };
  return failure('KEELSON_READ_FAILED', cause, path, attempt, 'Look at the disk and the kernel log.', at);
}

function failure(
  code: ErrorCode,
  cause: unknown,
  path: string,
  attempt: string,
  nextStep: string,
  details: ErrorDetails = {},
): KeelsonError {
  const systemError = systemCode(cause);
  const answer = cause instanceof Error ? cause.message : String(cause);
  return new KeelsonError(
    code,
    `${attempt} ${path} failed: ${answer}. ${nextStep}`,
    { path, ...details, ...(systemError === undefined ? {} : { systemCode: systemError }) },
    cause,
  );
}
