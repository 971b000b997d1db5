import { ERROR_FAMILIES, type ErrorCode, type ErrorFamily } from './codes.js';

/** Where and what an error is about. Each field is there only where the error is about such a thing. */
export interface ErrorDetails {
  /** The file or directory. */
  readonly path?: string;
  /** Byte offset in that file. */
  readonly offset?: number;
  /** Log index. */
  readonly index?: number;
  /** Raft term. */
  readonly term?: number;
  /** Log sequence number of a record. */
  readonly lsn?: number;
  /** The name of the argument or option that was wrong. */
  readonly argument?: string;
  /** What was found, and what would have been right. */
  readonly found?: unknown;
  readonly expected?: unknown;
  /** Entries that cannot be read, half-open. */
  readonly entries?: { readonly from: number; readonly until: number };
  /** The system's own error code, `'EIO'` for example. */
  readonly systemCode?: string;
  /** The report of the recovery that found the damage. */
  readonly recovery?: unknown;
}

/**
 * The one error class of Keelson. Branch on `code` or `family`, never on the message.
 *
 * The message says the thing, the place, got against expected, and the next step.
 */
export class KeelsonError extends Error {
  override readonly name = 'KeelsonError';
  readonly code: ErrorCode;
  readonly family: ErrorFamily;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.family = ERROR_FAMILIES[code];
    this.details = Object.freeze({ ...details });
  }

  get path(): string | undefined {
    return this.details.path;
  }
  get offset(): number | undefined {
    return this.details.offset;
  }
  get index(): number | undefined {
    return this.details.index;
  }
  get recovery(): unknown {
    return this.details.recovery;
  }
  get found(): unknown {
    return this.details.found;
  }
  get expected(): unknown {
    return this.details.expected;
  }
}

/** True for a {@link KeelsonError}, of the given code if one is given. */
export function isKeelsonError(error: unknown, code?: ErrorCode): error is KeelsonError {
  return error instanceof KeelsonError && (code === undefined || error.code === code);
}
