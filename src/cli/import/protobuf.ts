/** As much of protobuf as the records of etcd need: fields of whole numbers and of bytes. */
export interface ProtobufField {
  readonly number: number;
  /** A whole number up to 2^53-1, else NaN; its full 64 bits as hex stand in `text`. */
  readonly value: number;
  readonly text: string;
  readonly bytes: Uint8Array;
}

const NO_BYTES = new Uint8Array();

/** The fields of a message, in order; null if it is none. */
export function fieldsOf(bytes: Uint8Array): readonly ProtobufField[] | null {
  const fields: ProtobufField[] = [];
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const key = varint(bytes, cursor);
    const wire = key === null ? -1 : Number(key & 7n);
    const number = key === null ? 0 : Number(key >> 3n);
    const value = wire === 0 || wire === 2 ? varint(bytes, cursor) : null;
    if (value === null) return null;
    if (wire === 0) {
      const exact = value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : NaN;
      fields.push({ number, value: exact, text: value.toString(16), bytes: NO_BYTES });
      continue;
    }
    const until = cursor.at + Number(value);
    if (until > bytes.length) return null;
    fields.push({ number, value: NaN, text: '', bytes: bytes.subarray(cursor.at, until) });
    cursor.at = until;
  }
  return fields;
}

function varint(bytes: Uint8Array, cursor: { at: number }): bigint | null {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = bytes[cursor.at];
    if (byte === undefined) return null;
    cursor.at += 1;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return BigInt.asUintN(64, value);
  }
  return null;
}

/** A field that is left out is 0. */
export function numberField(fields: readonly ProtobufField[], number: number): number {
  return fields.find((field) => field.number === number)?.value ?? 0;
}

/** A field that is left out is empty. */
export function bytesField(fields: readonly ProtobufField[], number: number): Uint8Array {
  return fields.find((field) => field.number === number)?.bytes ?? NO_BYTES;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f6_3b78 : value >>> 1;
  return value >>> 0;
});

/** CRC-32C, which etcd sums with, of `bytes` behind what `seed` is of. */
export function castagnoli(bytes: Uint8Array, seed: number): number {
  let value = ~seed >>> 0;
  for (const byte of bytes) value = ((TABLE[(value ^ byte) & 255] ?? 0) ^ (value >>> 8)) >>> 0;
  return ~value >>> 0;
}
