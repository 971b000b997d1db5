import { isKeelsonError, KeelsonError, type ErrorCode } from '../errors/index.js';
import { systemCode } from './system-error.js';
import { reasonOf, remedyOf } from './system-words.js';

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

/** True of a refusal for want of what may come back by itself, room or descriptors: who was refused may try again. */
export function isShortage(error: unknown): boolean {
  return isKeelsonError(error, 'KEELSON_NO_SPACE') || isOutOfDescriptors(error);
}

/** What else a failure tells besides the system's own reason and remedy. */
export interface NextStep {
  /** What became of that for which it was done: a whole sentence. */
  readonly fate?: string;
  /** What to do once the cause is mended: `'open again'`. */
  readonly then: string;
}

const OPEN_AGAIN: NextStep = { then: 'open again' };

/** `what` could not be read. Never a tear and never damage: the bytes may be whole (R9). */
export function readFailed(what: string, place: DiskPlace, cause: unknown): KeelsonError {
  return failure('KEELSON_READ_FAILED', `${what} could not be read`, place, cause, OPEN_AGAIN);
}

/** `what` could not be written. */
export function writeFailed(what: string, place: DiskPlace, cause: unknown, next: NextStep): KeelsonError {
  return failure('KEELSON_WRITE_FAILED', `${what} could not be written`, place, cause, next);
}

/** `what` could not be made or changed: `KEELSON_NO_SPACE` where the disk or the quota is full, else `KEELSON_WRITE_FAILED`. */
export function changeFailed(what: string, place: DiskPlace, cause: unknown, next: NextStep): KeelsonError {
  return isNoSpace(cause) ? noSpace(what, place, cause) : writeFailed(what, place, cause, next);
}

/**
 * `what` could not be written over what stood in its place. A file system that copies on write needs room for that: the old
 * bytes then stand.
 */
export function overwriteFailed(
  what: string,
  place: DiskPlace,
  cause: unknown,
  next: NextStep,
): KeelsonError {
  if (!isNoSpace(cause)) return writeFailed(what, place, cause, next);
  const copy = `a new copy of ${what}, which a file system that copies on write (Btrfs, ZFS) needs to write over the old,`;
  return noSpace(copy, place, cause);
}

/** `what` could not be made durable; what the disk holds of it is unknown (D5). */
export function syncFailed(what: string, place: DiskPlace, cause: unknown, next: NextStep): KeelsonError {
  return failure('KEELSON_SYNC_FAILED', `${what} could not be synced`, place, cause, next);
}

/** There is no room for `what`; nothing of it exists. */
export function noSpace(what: string, place: DiskPlace, cause: unknown): KeelsonError {
  const next = { fate: 'Nothing of it exists.', then: 'try again' };
  return failure('KEELSON_NO_SPACE', `there is no room for ${what}`, place, cause, next);
}

/** What a system answers that has no lock to give: the addon, the platform, or the file system. */
const WITHOUT_LOCKS: ReadonlySet<string | undefined> = new Set([
  'ENOLCK',
  'ENOSYS',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ERR_NO_LOCK_ADDON',
  'ERR_NO_LOCK_RUNTIME',
]);

/** The file could not be locked: `KEELSON_LOCK_UNSUPPORTED` where no lock is to be had, else `KEELSON_READ_FAILED`. */
export function lockFailed(place: DiskPlace, cause: unknown): KeelsonError {
  if (!WITHOUT_LOCKS.has(systemCode(cause))) return readFailed('the lock of the store', place, cause);
  return failure('KEELSON_LOCK_UNSUPPORTED', 'the store cannot be locked', place, cause, {
    fate: 'Two writers would destroy it, so it was not opened, and nothing was made. To read it needs no lock (readOnly).',
    then: 'open again',
  });
}

function failure(
  code: Extract<
    ErrorCode,
    | 'KEELSON_READ_FAILED'
    | 'KEELSON_WRITE_FAILED'
    | 'KEELSON_SYNC_FAILED'
    | 'KEELSON_NO_SPACE'
    | 'KEELSON_LOCK_UNSUPPORTED'
  >,
  sentence: string,
  place: DiskPlace,
  cause: unknown,
  { fate, then }: NextStep,
): KeelsonError {
  // What has its own words already keeps them, and its code.
  if (cause instanceof KeelsonError) return cause;
  const system = systemCode(cause);
  const where = place.offset === undefined ? place.path : `${place.path} at byte ${place.offset}`;
  const details = { ...place, ...(system === undefined ? {} : { systemCode: system }) };
  const parts = [`${sentence}: ${where}: ${reasonOf(cause)}.`, fate, `${remedyOf(cause)}, then ${then}.`];
  return new KeelsonError(code, parts.filter((part) => part !== undefined).join(' '), details, cause);
}
