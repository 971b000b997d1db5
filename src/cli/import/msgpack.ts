/** A value of msgpack, as far as the entries of hashicorp/raft need it: what else there is, is skipped over. */
export type MsgpackValue = number | string | Buffer | null | boolean | Map<string, MsgpackValue>;

/** Reads one value that is a map with names; null if it is none, or not whole. */
export function readMsgpackMap(bytes: Buffer): Map<string, MsgpackValue> | null {
  try {
    const value = valueAt(bytes, { at: 0 });
    return value instanceof Map ? value : null;
  } catch (error) {
    // Read past its end.
    if (error instanceof RangeError) return null;
    throw error;
  }
}

type Cursor = { at: number };

function valueAt(bytes: Buffer, cursor: Cursor): MsgpackValue {
  const byte = bytes.readUInt8(cursor.at++);
  if (byte < 0x80) return byte;
  if (byte >= 0xe0) return byte - 0x100;
  if (byte < 0x90) return mapOf(bytes, cursor, byte & 15);
  if (byte < 0xa0) return skipped(bytes, cursor, byte & 15);
  if (byte < 0xc0) return take(bytes, cursor, byte & 31);
  switch (byte) {
    case 0xc0:
      return null;
    case 0xc2:
    case 0xc3:
      return byte === 0xc3;
    case 0xc4:
    case 0xd9:
      return take(bytes, cursor, numberAt(bytes, cursor, 1));
    case 0xc5:
    case 0xda:
      return take(bytes, cursor, numberAt(bytes, cursor, 2));
    case 0xc6:
    case 0xdb:
      return take(bytes, cursor, numberAt(bytes, cursor, 4));
    case 0xc7:
    case 0xc8:
    case 0xc9:
      return take(bytes, cursor, numberAt(bytes, cursor, 1 << (byte - 0xc7)) + 1);
    case 0xca:
      return take(bytes, cursor, 4);
    case 0xcb:
      return take(bytes, cursor, 8);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
      return numberAt(bytes, cursor, 1 << (byte - 0xcc));
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
      return signedAt(bytes, cursor, 1 << (byte - 0xd0));
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return take(bytes, cursor, (1 << (byte - 0xd4)) + 1);
    case 0xdc:
    case 0xdd:
      return skipped(bytes, cursor, numberAt(bytes, cursor, byte === 0xdc ? 2 : 4));
    case 0xde:
    case 0xdf:
      return mapOf(bytes, cursor, numberAt(bytes, cursor, byte === 0xde ? 2 : 4));
    default:
      throw new RangeError(`0x${byte.toString(16)} begins no value`);
  }
}

function take(bytes: Buffer, cursor: Cursor, length: number): Buffer {
  const from = cursor.at;
  cursor.at += length;
  if (cursor.at > bytes.length) throw new RangeError('a value ends behind its bytes');
  return bytes.subarray(from, cursor.at);
}

/** Whole and not negative; above 2^53-1 it is NaN, which no check lets pass. */
function numberAt(bytes: Buffer, cursor: Cursor, length: number): number {
  const raw = take(bytes, cursor, length);
  if (length < 8) return raw.readUIntBE(0, length);
  const value = raw.readBigUInt64BE(0);
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : NaN;
}

function signedAt(bytes: Buffer, cursor: Cursor, length: number): number {
  const raw = take(bytes, cursor, length);
  return length < 8 ? raw.readIntBE(0, length) : Number(raw.readBigInt64BE(0));
}

function skipped(bytes: Buffer, cursor: Cursor, count: number): null {
  for (let at = 0; at < count; at += 1) valueAt(bytes, cursor);
  return null;
}

function mapOf(bytes: Buffer, cursor: Cursor, count: number): Map<string, MsgpackValue> {
  const map = new Map<string, MsgpackValue>();
  for (let at = 0; at < count; at += 1) {
    const key = valueAt(bytes, cursor);
    const name = Buffer.isBuffer(key) || typeof key === 'number' ? key.toString() : '';
    map.set(name, valueAt(bytes, cursor));
  }
  return map;
}
