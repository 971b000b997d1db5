import { getVarint, putVarint, varintBytes } from './integers.js';

/**
 * Small durable values, as a preamble holds them all and a record says what changed: for each its key and its bytes, or that
 * it goes.
 */

/** By key; null for one that goes. */
export type StableChange = ReadonlyMap<string, Uint8Array | null>;

/** Of a log that holds none. */
export const NO_VALUES: ReadonlyMap<string, Uint8Array> = new Map();

const encoder = new TextEncoder();
// A byte order mark is part of a key, as of a vote.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Their number; then for each its key's length (u8), its key in UTF-8, one above its value's length or 0 if it goes, the value. */
export function encodeStable(values: StableChange): Uint8Array {
  const keys = [...values.keys()].map((key) => encoder.encode(key));
  const lengths = [...values.values()].map((value) => (value === null ? 0 : value.length + 1));
  const bytes = new Uint8Array(
    keys.reduce(
      (sum, key, at) =>
        sum + 1 + key.length + varintBytes(lengths[at] as number) + Math.max(0, (lengths[at] as number) - 1),
      varintBytes(values.size),
    ),
  );
  let at = putVarint(bytes, 0, values.size);
  [...values.values()].forEach((value, position) => {
    const key = keys[position] as Uint8Array;
    bytes[at] = key.length;
    bytes.set(key, at + 1);
    at = putVarint(bytes, at + 1 + key.length, lengths[position] as number);
    if (value === null) return;
    bytes.set(value, at);
    at += value.length;
  });
  return bytes;
}

/** Reads what {@link encodeStable} wrote, which fills `bytes` to their end; null if it is not there. The values are copies. */
export function decodeStable(bytes: Uint8Array): Map<string, Uint8Array | null> | null {
  const cursor = { offset: 0 };
  const count = getVarint(bytes, cursor, bytes.length);
  const values = new Map<string, Uint8Array | null>();
  // Each takes three bytes at least: a number from the disk makes nothing larger than what was read.
  if (!(count <= bytes.length / 3 || count === 0)) return null;
  try {
    for (let read = 0; read < count; read += 1) {
      const keyFrom = cursor.offset + 1;
      const keyUntil = keyFrom + (bytes[cursor.offset] ?? Number.NaN);
      if (!(keyUntil <= bytes.length)) return null;
      const key = decoder.decode(bytes.subarray(keyFrom, keyUntil));
      cursor.offset = keyUntil;
      const length = getVarint(bytes, cursor, bytes.length);
      const until = cursor.offset + Math.max(0, length - 1);
      if (!(until <= bytes.length)) return null;
      values.set(key, length === 0 ? null : bytes.slice(cursor.offset, until));
      cursor.offset = until;
    }
  } catch {
    return null;
  }
  return cursor.offset === bytes.length && values.size === count ? values : null;
}

/** What is held once `change` is made. The map is new, the values are shared. */
export function withChange(
  held: ReadonlyMap<string, Uint8Array>,
  change: StableChange,
): ReadonlyMap<string, Uint8Array> {
  const after = new Map(held);
  for (const [key, value] of change) {
    if (value === null) after.delete(key);
    else after.set(key, value);
  }
  return after;
}
