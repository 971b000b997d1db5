import { checksum } from './checksum.js';

/** Bytes of the scalars that go ahead of the data: index u64, term u64, kind u8. */
const SCALARS_BYTES = 17;

/** One word holds 32 bits; an index or term is written as two of them. */
const WORD = 2 ** 32;

// One scratch for all calls: the function is synchronous, so no two calls ever share it.
const scalars = new Uint8Array(SCALARS_BYTES);
const view = new DataView(scalars.buffer);

/**
 * What each value of the index's lowest byte, the first of the scalars, adds to their checksum. CRC is affine: two
 * inputs of one length that differ in one byte differ in their checksums by what that byte alone makes.
 */
const lowestByte = Uint32Array.from({ length: 256 }, (_, byte) => {
  const none = new Uint8Array(SCALARS_BYTES);
  return (checksum(none) ^ checksum(Uint8Array.of(byte, ...none.subarray(1)))) >>> 0;
});

// Neighbours in a log share all scalars but the index's lowest byte: the checksum of the rest is kept.
const shared = { indexRest: -1, term: -1, kind: -1, checksum: 0 };

/**
 * The checksum of one entry, over index (u64 little endian), term (u64 little endian), kind (u8) and data.
 *
 * It depends on nothing else, neither on the file nor on the place in it, so one entry can be proven alone
 * and ranges can be compared across replicas.
 */
export function entryChecksum(index: number, term: number, kind: number, data: Uint8Array): number {
  return checksum(data, scalarsChecksum(index, term, kind));
}

/** The checksum of an entry's scalars alone, from which that over its data goes on. */
export function scalarsChecksum(index: number, term: number, kind: number): number {
  const byte = index % 256;
  const indexRest = index - byte;
  if (shared.indexRest !== indexRest || shared.term !== term || shared.kind !== kind)
    shareScalars(indexRest, term, kind);
  return (shared.checksum ^ (lowestByte[byte] as number)) >>> 0;
}

function shareScalars(indexRest: number, term: number, kind: number): void {
  view.setUint32(0, indexRest % WORD, true);
  view.setUint32(4, Math.floor(indexRest / WORD), true);
  view.setUint32(8, term % WORD, true);
  view.setUint32(12, Math.floor(term / WORD), true);
  scalars[16] = kind;
  Object.assign(shared, { indexRest, term, kind, checksum: checksum(scalars) });
}
