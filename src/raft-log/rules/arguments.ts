import { types } from 'node:util';
import { KeelsonError } from '../../errors/index.js';
import { isDetached } from '../../format/detached.js';
import { LIMITS } from '../../format/limits.js';

/**
 * Checks of single values, each throwing `KEELSON_INVALID_ARGUMENT` that names the argument. They look at
 * the value alone; what depends on the log is judged in judge-save.ts and judge-snapshot.ts.
 */

/** The error of a wrong argument: what it is called, what it was, what it should have been. */
export function invalidArgument(argument: string, found: unknown, expected: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `${argument} is ${describe(found)}, expected ${expected}; nothing was changed. Correct the call.`,
    { argument, found, expected },
  );
}

/** A safe integer in `[min, max]`; NaN, fractions, BigInts and strings of digits are refused. */
export function checkInteger(
  argument: string,
  value: unknown,
  min: number,
  max: number = LIMITS.integerMax,
): asserts value is number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw invalidArgument(argument, value, `an integer of ${String(min)}..${String(max)}`);
  }
}

/** Any `Uint8Array`, of any realm; a Buffer is one. */
export function checkBytes(argument: string, value: unknown): asserts value is Uint8Array {
  if (!types.isUint8Array(value)) throw invalidArgument(argument, value, 'a Uint8Array');
  if (isDetached(value)) throw invalidArgument(argument, value, 'a Uint8Array that was not transferred away');
}

/** A plain object of named fields. Arrays, bytes and null are none. */
export function checkRecord(
  argument: string,
  value: unknown,
): asserts value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw invalidArgument(argument, value, 'an object');
  }
}

/**
 * Refuses a field that nobody would read: a misspelt `truncatefrom` must not become a save that truncates
 * nothing.
 */
export function checkKnownFields(argument: string, value: object, known: readonly string[]): void {
  for (const field of Object.keys(value)) {
    if (!known.includes(field)) {
      const name = argument === '' ? field : `${argument}.${field}`;
      throw new KeelsonError(
        'KEELSON_INVALID_ARGUMENT',
        `${name} is not a known field; known are ${known.join(', ')}. Nothing was changed. Correct the call.`,
        { argument: name, found: field, expected: known },
      );
    }
  }
}

/** A lone half of a surrogate pair has no UTF-8: it would come back from the disk as another string. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A vote: 1..255 bytes of UTF-8, or null for none. */
export function checkVote(argument: string, value: unknown): asserts value is string | null {
  if (value === null) return;
  const expected = `null or a string of 1..${String(LIMITS.voteBytesMax)} bytes of UTF-8`;
  if (typeof value !== 'string' || value.length === 0) throw invalidArgument(argument, value, expected);
  // The length in code units never passes the length in bytes, so a huge string is refused unread.
  if (value.length > LIMITS.voteBytesMax || Buffer.byteLength(value, 'utf8') > LIMITS.voteBytesMax) {
    throw invalidArgument(argument, value, expected);
  }
  if (LONE_SURROGATE.test(value))
    throw invalidArgument(argument, value, `${expected}, without lone surrogates`);
}

/** A value as a message shows it: short, and telling `"5"`, `5n` and `5` apart. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
    case 'bigint':
      return `${value.toString().slice(0, 40)}n`;
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'an array' : 'an object';
  }
}
