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
  /** What was found. */
  readonly found?: unknown;
  /** What would have been right. */
  readonly expected?: unknown;
  /** Entries that cannot be read, half-open. */
  readonly entries?: {
    /** The first of them. */
    readonly from: number;
    /** One above the last. */
    readonly until: number;
  };
  /** The system's own error code, `'EIO'` for example. */
  readonly systemCode?: string;
  /** The report of the recovery that found the damage. */
  readonly recovery?: unknown;
  /** Over a network: whether the change that ended with the error is on stable storage. */
  readonly fate?: 'not-persisted' | 'persisted' | 'unknown';
}

/**
 * The one error class of Keelson. Branch on `code` or `family`, never on the message.
 *
 * The message says the thing, the place, got against expected, and the next step.
 */
export class KeelsonError extends Error {
  /** Always `'KeelsonError'`: tells the class where `instanceof` cannot, across copies of the package. */
  override readonly name = 'KeelsonError';
  /** What happened; docs/errors.md has a heading for each. */
  readonly code: ErrorCode;
  /** Whose matter it is: the caller's, the environment's, or damage. */
  readonly family: ErrorFamily;
  /** Where, and about what: all that the message says, as data. Frozen. */
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.family = ERROR_FAMILIES[code];
    this.details = Object.freeze({ ...details });
  }

  /** Short for `details.path`. */
  get path(): string | undefined {
    return this.details.path;
  }
  /** Short for `details.offset`. */
  get offset(): number | undefined {
    return this.details.offset;
  }
  /** Short for `details.index`. */
  get index(): number | undefined {
    return this.details.index;
  }
  /** Short for `details.recovery`. */
  get recovery(): unknown {
    return this.details.recovery;
  }
  /** Short for `details.found`. */
  get found(): unknown {
    return this.details.found;
  }
  /** Short for `details.expected`. */
  get expected(): unknown {
    return this.details.expected;
  }
}

/** True for a {@link KeelsonError}, of the given code if one is given. */
export function isKeelsonError(error: unknown, code?: ErrorCode): error is KeelsonError {
  return error instanceof KeelsonError && (code === undefined || error.code === code);
}
