/**
 * Every error code, its family, and the one sentence that says what it means: the table behind
 * {@link KeelsonError} and docs/errors.md.
 *
 * Families are never mixed:
 * - `'caller'`: the call was wrong or came too early or too late. Thrown before any I/O; nothing changed.
 * - `'environment'`: the disk, the kernel or the network did not do what was asked.
 * - `'damage'`: what is on the disk is not what was written. Never repaired silently.
 */
export const ERROR_FAMILIES = {
  KEELSON_INVALID_ARGUMENT: 'caller',
  KEELSON_TOO_LARGE: 'caller',
  KEELSON_NOT_A_LOG: 'caller',
  KEELSON_READ_ONLY: 'caller',
  KEELSON_CLOSED: 'caller',
  KEELSON_ABORTED: 'caller',
  KEELSON_QUEUE_FULL: 'caller',
  KEELSON_INDEX_GAP: 'caller',
  KEELSON_ENTRY_MISMATCH: 'caller',
  KEELSON_UNAVAILABLE: 'caller',
  KEELSON_COMPACTED: 'caller',
  KEELSON_SNAPSHOT_OUT_OF_DATE: 'caller',
  KEELSON_TERM_REGRESSION: 'caller',
  KEELSON_VOTE_CONFLICT: 'caller',
  KEELSON_COMMIT_REGRESSION: 'caller',
  KEELSON_COMMITTED_TRUNCATION: 'caller',
  KEELSON_UNFIT_TO_VOTE: 'caller',

  KEELSON_NO_SPACE: 'environment',
  KEELSON_WRITE_FAILED: 'environment',
  KEELSON_SYNC_FAILED: 'environment',
  KEELSON_READ_FAILED: 'environment',
  KEELSON_FAILED: 'environment',
  KEELSON_LOCKED: 'environment',
  KEELSON_LOCK_UNSUPPORTED: 'environment',
  KEELSON_FENCED: 'environment',
  KEELSON_FATE_UNKNOWN: 'environment',

  KEELSON_CORRUPT: 'damage',
  KEELSON_LOG_GAP: 'damage',
  KEELSON_MISSING_SEGMENT: 'damage',
  KEELSON_MISSING_SNAPSHOT: 'damage',
  KEELSON_INCOMPATIBLE_FORMAT: 'damage',
} as const;

/** A code of {@link KeelsonError}; part of the public API under semantic versioning. */
export type ErrorCode = keyof typeof ERROR_FAMILIES;

/** The family of an error; see docs/errors.md. */
export type ErrorFamily = (typeof ERROR_FAMILIES)[ErrorCode];
