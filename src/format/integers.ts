/**
 * Integers on the disk. Fixed fields are little-endian; 64-bit fields have room for u64 but hold only what a
 * JavaScript number holds exactly (0..2^53-1). Variable-length ones are LEB128: seven bits a byte, low bits first.
 */

const TWO_TO_32 = 4_294_967_296;

/** What an unbounded index (`Infinity`) looks like in a 64-bit field: all bits set. */
const UNBOUNDED_HALF = 0xffff_ffff;

/** Writes `value` (0..2^53-1) as u64 at `offset`. */
export function putU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_TO_32), true);
}

/** Reads a u64; beyond 2^53-1 it returns NaN, which no range check lets pass. */
export function getU64(view: DataView, offset: number): number {
  const high = view.getUint32(offset + 4, true);
  if (high > 0x1f_ffff) return Number.NaN;
  return high * TWO_TO_32 + view.getUint32(offset, true);
}

/** Writes an index that may be `Infinity`. */
export function putU64OrInfinity(view: DataView, offset: number, value: number): void {
  if (value !== Infinity) {
    putU64(view, offset, value);
    return;
  }
  view.setUint32(offset, UNBOUNDED_HALF, true);
  view.setUint32(offset + 4, UNBOUNDED_HALF, true);
}

/** Reads an index that may be `Infinity`. */
export function getU64OrInfinity(view: DataView, offset: number): number {
  const unbounded =
    view.getUint32(offset, true) === UNBOUNDED_HALF && view.getUint32(offset + 4, true) === UNBOUNDED_HALF;
  return unbounded ? Infinity : getU64(view, offset);
}

/** Bytes that {@link putVarint} needs for `value`: 1..8. */
export function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** Writes `value` (0..2^53-1) at `offset`; returns the offset behind it. */
export function putVarint(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let rest = value;
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}

/** A varint was read up to `offset`. One object is reused, so that replay allocates nothing per field. */
export interface VarintCursor {
  offset: number;
}

/**
 * Reads a varint at `cursor.offset` and moves the cursor behind it. NaN if it does not end before `until`, or
 * passes 2^53-1.
 */
export function getVarint(bytes: Uint8Array, cursor: VarintCursor, until: number): number {
  let value = 0;
  let scale = 1;
  for (let at = cursor.offset; at < until; at += 1) {
    const byte = bytes[at] as number;
    value += (byte & 0x7f) * scale;
    if (value > Number.MAX_SAFE_INTEGER) return Number.NaN;
    if (byte < 0x80) {
      cursor.offset = at + 1;
      return value;
    }
    scale *= 128;
  }
  return Number.NaN;
}

/** True for an integer in 0..2^53-1: what every number read from a disk must be. */
export function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** A DataView over exactly the bytes of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Writes words one behind the other from `offset` on: all at once, since a seal has hundreds of thousands. */
export function putU32s(bytes: Uint8Array, offset: number, words: Uint32Array): void {
  bytes.set(new Uint8Array(words.buffer, words.byteOffset, words.byteLength), offset);
  if (!IS_LITTLE_ENDIAN) swapped(bytes.subarray(offset, offset + words.byteLength));
}

/** The words that fill `bytes`, as a copy. */
export function u32sOf(bytes: Uint8Array): Uint32Array {
  const copy = bytes.slice();
  if (!IS_LITTLE_ENDIAN) swapped(copy);
  return new Uint32Array(copy.buffer, 0, copy.length / 4);
}

function swapped(bytes: Uint8Array): void {
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).swap32();
}
