import { types } from 'node:util';
import { KeelsonError } from './keelson-error.js';
import { lackOfBytes, plainBytes } from './given-bytes.js';

/**
 * What callers hand in: read, each property once, and refused with `KEELSON_INVALID_ARGUMENT` that names the argument.
 * What is returned is ours: no later look at the caller's objects can see something else. What a getter of theirs throws
 * is thrown on. These look at the value alone; what depends on the log is judged by its rules.
 */

/** The error of a wrong argument: what it is called, what it was, what it should have been. */
export function invalidArgument(argument: string, found: unknown, expected: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `${argument} is ${describe(found)}, expected ${expected}; nothing was changed. Correct the call.`,
    { argument, found, expected },
  );
}

/** A safe integer in `[min, max]`; NaN, fractions, BigInts and strings of digits are none. */
export function isInteger(value: unknown, min: number, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** Refuses what is no integer in `[min, max]`. */
export function checkInteger(
  argument: string,
  value: unknown,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): asserts value is number {
  if (isInteger(value, min, max)) return;
  throw invalidArgument(argument, value, `an integer of ${String(min)}..${String(max)}`);
}

/** Bytes to be read at once, see {@link lackOfBytes}; not copied yet. */
export function readBytes(argument: string, value: unknown): Uint8Array {
  const expected = lackOfBytes(value);
  if (expected !== null) throw invalidArgument(argument, value, expected);
  return plainBytes(value as Uint8Array);
}

/** A function. */
export function checkFunction(
  argument: string,
  value: unknown,
): asserts value is (...args: never) => unknown {
  if (typeof value !== 'function') throw invalidArgument(argument, value, 'a function');
}

/** An AbortSignal or none, of any realm and library: what it can do counts, not which class it is of. */
export function checkSignal(argument: string, value: unknown): asserts value is AbortSignal | undefined {
  if (value === undefined) return;
  const isSignal =
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'aborted') === 'boolean' &&
    typeof Reflect.get(value, 'addEventListener') === 'function' &&
    typeof Reflect.get(value, 'removeEventListener') === 'function';
  if (!isSignal) throw invalidArgument(argument, value, 'an AbortSignal');
}

/** A lone half of a surrogate pair has no UTF-8: it would come back from the disk as another string. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** True if the text comes back from its UTF-8 as it was. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** The path of a directory: a string that names one, and no other string names the same by accident of its encoding. */
export function checkDirectory(argument: string, value: unknown): asserts value is string {
  if (typeof value === 'string' && value.length > 0 && !value.includes('\0') && isWellFormed(value)) return;
  throw invalidArgument(
    argument,
    value,
    'the path of a directory, a string without zero bytes and lone surrogates',
  );
}

/** Refuses what is no object of named fields: arrays, bytes and null. */
export function checkRecord(
  argument: string,
  value: unknown,
): asserts value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value)) {
    throw invalidArgument(argument, value, 'an object');
  }
}

/**
 * Refuses a field that nobody would read: a misspelt `truncatefrom` must not become a save that truncates nothing, nor a
 * promise that nobody awaited a save of nothing.
 *
 * @param prefix - goes ahead of a field's name in messages, `'hardState'` for example; `''` for none
 */
export function checkKnownFields(
  argument: string,
  value: object,
  known: readonly string[],
  prefix: string = argument,
): void {
  let isNamed = false;
  // Not by `Object.keys` and `includes`: every save passes here, and a loop touches less.
  for (const field in value) {
    if (isOneOf(known, field)) isNamed = true;
    else if (Object.hasOwn(value, field)) throw unknownField(prefix, field, known);
  }
  if (!isNamed && types.isPromise(value))
    throw invalidArgument(argument, value, 'an object, not a promise of one');
}

function isOneOf(known: readonly string[], field: string): boolean {
  for (let at = 0; at < known.length; at += 1) if (known[at] === field) return true;
  return false;
}

/** The fields of an object, each read once; one that is left out is undefined, an unknown one is refused. */
export function readFields<Field extends string>(
  argument: string,
  value: unknown,
  known: readonly Field[],
  prefix: string = argument,
): Readonly<Record<Field, unknown>> {
  checkRecord(argument, value);
  checkKnownFields(argument, value, known, prefix);
  const fields: Partial<Record<Field, unknown>> = {};
  for (const field of known) fields[field] = value[field];
  return fields as Readonly<Record<Field, unknown>>;
}

/** The fields whose values were given. */
export function given<T extends object>(fields: T): { [Field in keyof T]?: NonNullable<T[Field]> } {
  const found = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(found) as { [Field in keyof T]?: NonNullable<T[Field]> };
}

/** The error of a field that is none. */
export function unknownField(prefix: string, field: string, known: readonly string[]): KeelsonError {
  const argument = prefix === '' ? field : `${prefix}.${field}`;
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `${argument} is not a known field; known are ${known.join(', ')}. Nothing was changed. Correct the call.`,
    { argument, found: field, expected: known },
  );
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
