import { KeelsonError } from '../errors/index.js';
import { systemCode } from './system-error.js';

/** Where a call of the disk failed. */
export interface DiskPlace {
  readonly path: string;
  readonly offset?: number;
}

/** True for the failures that mean 'no room': the only ones after which a log goes on (D4, D7). */
export function isNoSpace(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** True where the process, or the machine, had no descriptor left: nothing was done, and a later try may succeed. */
export function isOutOfDescriptors(error: unknown): boolean {
  const code = error instanceof KeelsonError ? error.details.systemCode : systemCode(error);
  return code === 'EMFILE' || code === 'ENFILE';
}

/** `what` could not be read. Never a tear and never damage: the bytes may be whole (R9). */
export function readFailed(what: string, place: DiskPlace, cause: unknown): KeelsonError {
  return failure(
    'KEELSON_READ_FAILED',
    `${what} could not be read`,
    place,
    cause,
    isRefused(cause)
      ? 'Check who owns it, and its permissions, then open again.'
      : 'Check the disk, then open again.',
  );
}

function isRefused(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'EACCES' || code === 'EPERM';
}

/** `what` could not be written. */
export function writeFailed(what: string, place: DiskPlace, cause: unknown, next: string): KeelsonError {
  return failure('KEELSON_WRITE_FAILED', `${what} could not be written`, place, cause, next);
}

/** `what` could not be made or changed: `KEELSON_NO_SPACE` where the disk or the quota is full, else `KEELSON_WRITE_FAILED`. */
export function changeFailed(what: string, place: DiskPlace, cause: unknown, next: string): KeelsonError {
  return isNoSpace(cause) ? noSpace(what, place, cause) : writeFailed(what, place, cause, next);
}

/** `what` could not be made durable; what the disk holds of it is unknown (D5). */
export function syncFailed(what: string, place: DiskPlace, cause: unknown, next: string): KeelsonError {
  return failure('KEELSON_SYNC_FAILED', `${what} could not be synced`, place, cause, next);
}

/** There is no room for `what`; nothing of it exists. */
export function noSpace(what: string, place: DiskPlace, cause: unknown): KeelsonError {
  const next = 'Nothing of it exists. Free space or compact, then try again.';
  return failure('KEELSON_NO_SPACE', `there is no room for ${what}`, place, cause, next);
}

function failure(
  code: 'KEELSON_READ_FAILED' | 'KEELSON_WRITE_FAILED' | 'KEELSON_SYNC_FAILED' | 'KEELSON_NO_SPACE',
  sentence: string,
  place: DiskPlace,
  cause: unknown,
  next: string,
): KeelsonError {
  const system = systemCode(cause);
  const where = place.offset === undefined ? place.path : `${place.path} at byte ${place.offset}`;
  const details = { ...place, ...(system === undefined ? {} : { systemCode: system }) };
  return new KeelsonError(code, `${sentence}: ${where}: ${reasonOf(cause, system)}. ${next}`, details, cause);
}

function reasonOf(cause: unknown, system: string | undefined): string {
  if (system !== undefined) return system;
  return cause instanceof Error ? cause.message : String(cause);
}
