import { Metadata, status, type StatusObject } from '@grpc/grpc-js';
import { isKeelsonError, KeelsonError, type ErrorCode } from '../../errors/index.js';
import { ConnectionLost } from '../calls.js';
import { Error as ErrorMessage } from '../generated/keelson/v1/raft_log.js';
import { errorMessage, errorOf } from '../wire/error-message.js';

/** In which trailer the whole error travels. */
const TRAILER = 'keelson-error-bin';
/** Trailers beyond this are refused by what lies between: the details of a large error stay behind, never its code. */
const TRAILER_BYTES_MAX = 4096;
/** Of UTF-8: a letter may take four, and each of those three in the status's own text. */
const TEXT_BYTES_MAX = 1024;

/** The status of each code: one that clients and proxies try again on only where that may help. */
const STATUS: Readonly<Record<ErrorCode, status>> = {
  KEELSON_INVALID_ARGUMENT: status.INVALID_ARGUMENT,
  KEELSON_TOO_LARGE: status.INVALID_ARGUMENT,
  KEELSON_NOT_A_LOG: status.NOT_FOUND,
  KEELSON_READ_ONLY: status.FAILED_PRECONDITION,
  KEELSON_CLOSED: status.UNAVAILABLE,
  KEELSON_ABORTED: status.CANCELLED,
  KEELSON_QUEUE_FULL: status.RESOURCE_EXHAUSTED,
  KEELSON_INDEX_GAP: status.FAILED_PRECONDITION,
  KEELSON_ENTRY_MISMATCH: status.FAILED_PRECONDITION,
  KEELSON_UNAVAILABLE: status.OUT_OF_RANGE,
  KEELSON_COMPACTED: status.OUT_OF_RANGE,
  KEELSON_SNAPSHOT_OUT_OF_DATE: status.FAILED_PRECONDITION,
  KEELSON_TERM_REGRESSION: status.FAILED_PRECONDITION,
  KEELSON_VOTE_CONFLICT: status.FAILED_PRECONDITION,
  KEELSON_COMMIT_REGRESSION: status.FAILED_PRECONDITION,
  KEELSON_COMMITTED_TRUNCATION: status.FAILED_PRECONDITION,
  KEELSON_UNFIT_TO_VOTE: status.FAILED_PRECONDITION,
  KEELSON_NO_SPACE: status.RESOURCE_EXHAUSTED,
  KEELSON_WRITE_FAILED: status.INTERNAL,
  KEELSON_SYNC_FAILED: status.INTERNAL,
  KEELSON_READ_FAILED: status.INTERNAL,
  KEELSON_FAILED: status.FAILED_PRECONDITION,
  KEELSON_LOCKED: status.FAILED_PRECONDITION,
  KEELSON_LOCK_UNSUPPORTED: status.FAILED_PRECONDITION,
  KEELSON_FENCED: status.FAILED_PRECONDITION,
  KEELSON_FATE_UNKNOWN: status.UNKNOWN,
  KEELSON_CORRUPT: status.DATA_LOSS,
  KEELSON_LOG_GAP: status.DATA_LOSS,
  KEELSON_MISSING_SEGMENT: status.DATA_LOSS,
  KEELSON_MISSING_SNAPSHOT: status.DATA_LOSS,
  KEELSON_INCOMPATIBLE_FORMAT: status.FAILED_PRECONDITION,
};

/** An error as the end of a call. */
export function endOf(error: unknown): StatusObject {
  const whole = errorMessage(error);
  const metadata = new Metadata();
  metadata.set(TRAILER, encoded(whole));
  return { code: statusOf(error), details: cut(whole.message), metadata };
}

function statusOf(error: unknown): status {
  if (!isKeelsonError(error)) return status.INTERNAL;
  return error.details.argument === 'token' ? status.UNAUTHENTICATED : STATUS[error.code];
}

function encoded(whole: ErrorMessage): Buffer {
  const bytes = ErrorMessage.encode(whole).finish();
  if (bytes.length <= TRAILER_BYTES_MAX) return Buffer.from(bytes);
  const bare = { recoveryJson: undefined, foundJson: undefined, expectedJson: undefined, cause: undefined };
  const path = whole.path === undefined ? undefined : cut(whole.path);
  const message = cut(whole.message);
  return Buffer.from(ErrorMessage.encode({ ...whole, ...bare, path, message }).finish());
}

/** Between letters: half of one is no text, of which grpc-js makes no status. */
function cut(text: string): string {
  const bytes = Buffer.alloc(TEXT_BYTES_MAX);
  return bytes.toString('utf8', 0, new TextEncoder().encodeInto(text, bytes).written);
}

/** Statuses of which nobody knows whether the call was carried out, if nothing else comes with them. */
const LOST: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.UNKNOWN,
  status.INTERNAL,
  status.CANCELLED,
  status.ABORTED,
  status.DEADLINE_EXCEEDED,
]);

/** What a call ended with, as who made it is told. */
export function errorOfEnd({ code, details, metadata }: StatusObject): Error {
  const [trailer] = metadata.get(TRAILER);
  if (Buffer.isBuffer(trailer)) {
    try {
      return errorOf(ErrorMessage.decode(trailer));
    } catch {
      return new ConnectionLost(`an error that cannot be read: ${details}`);
    }
  }
  return LOST.has(code) ? new ConnectionLost(details) : refused(code, details);
}

/** What something else than the service refused: a proxy, the limit of a message, another server. */
function refused(code: status, details: string): KeelsonError {
  const name = status[code];
  return new KeelsonError(
    code === status.RESOURCE_EXHAUSTED ? 'KEELSON_TOO_LARGE' : 'KEELSON_READ_FAILED',
    `the call was refused before the service saw it (${name}): ${details}. Nothing was changed. See docs/grpc.md.`,
    { systemCode: name, fate: 'not-persisted' },
  );
}
