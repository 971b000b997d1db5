import { describe } from '../../errors/arguments.js';
import {
  ERROR_FAMILIES,
  isKeelsonError,
  KeelsonError,
  type ErrorCode,
  type ErrorDetails,
} from '../../errors/index.js';
import type { Error as ErrorMessage, Fate } from '../generated/keelson/v1/raft_log.js';
import { fateOf } from './fate.js';
import { toJson, fromJson } from './json.js';

/** Errors behind errors that are told; a chain is as long as the code that made it. */
const CAUSES_MAX = 4;

const FATES = ['none', 'not-persisted', 'persisted', 'unknown'] as const;

/** An error as it travels. What is no `KeelsonError` is a fault of the server: told in words, and never what it holds. */
export function errorMessage(error: unknown, causesLeft: number = CAUSES_MAX): ErrorMessage {
  if (!isKeelsonError(error)) return errorMessage(serverFault(error));
  const { code, family, message, details, cause } = error;
  const { entries, found, expected, recovery } = details;
  const tellsCause = causesLeft > 0 && isKeelsonError(cause);
  return {
    code,
    family,
    message,
    fate: FATES.indexOf(fateOf(error)) as Fate,
    ...plainOf(details),
    entriesFrom: entries?.from,
    entriesUntil: entries?.until,
    foundJson: toJson(shortened(found)),
    expectedJson: toJson(shortened(expected)),
    recoveryJson: toJson(recovery),
    cause: tellsCause ? errorMessage(cause, causesLeft - 1) : undefined,
  };
}

/** What was handed in may be anything, of any size: it is shown as the messages show it. */
function shortened(value: unknown): unknown {
  if (value === undefined || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value) && value.length <= 64) return value.map(shortened);
  return typeof value === 'string' && value.length <= 256 ? value : describe(value);
}

function serverFault(error: unknown): KeelsonError {
  const why = error instanceof Error ? error.message : String(error);
  return new KeelsonError(
    'KEELSON_READ_FAILED',
    `the server failed by a fault of its own: ${why}. See its log.`,
  );
}

/** The same error on the side of who called. A code of a newer server is a failure of the environment. */
export function errorOf(message: ErrorMessage): KeelsonError {
  const code = isCode(message.code) ? message.code : 'KEELSON_FAILED';
  const told = code === message.code ? message.message : `${message.code}: ${message.message}`;
  return new KeelsonError(
    code,
    told,
    detailsOf(message),
    message.cause === undefined ? undefined : errorOf(message.cause),
  );
}

function isCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_FAMILIES, code);
}

function detailsOf(message: ErrorMessage): ErrorDetails {
  const { entriesFrom: from, entriesUntil: until } = message;
  const fate = FATES[Math.max(0, message.fate)];
  const all = {
    ...plainOf(message),
    fate: fate === 'none' ? undefined : fate,
    entries: from === undefined || until === undefined ? undefined : { from, until },
    found: fromJson(message.foundJson),
    expected: fromJson(message.expectedJson),
    recovery: fromJson(message.recoveryJson),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

type Plain = 'path' | 'offset' | 'index' | 'term' | 'lsn' | 'argument' | 'systemCode';

/** What is the same on both sides. */
function plainOf(told: Pick<ErrorMessage, Plain>): Pick<ErrorMessage, Plain> {
  const { path, offset, index, term, lsn, argument, systemCode } = told;
  return { path, offset, index, term, lsn, argument, systemCode };
}
