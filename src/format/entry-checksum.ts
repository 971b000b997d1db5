import { checksum } from './checksum.js';

/** Bytes of the scalars that go ahead of the data: index u64, term u64, kind u8. */
const SCALARS_BYTES = 17;

/** One word holds 32 bits; an index or term is written as two of them. */
const WORD = 2 ** 32;

// One scratch for all calls: the function is synchronous, so no two calls ever share it.
const scalars = new Uint8Array(SCALARS_BYTES);
const view = new DataView(scalars.buffer);

/**
 * The checksum of one entry, over index (u64 little endian), term (u64 little endian), kind (u8) and data.
 *
 * It depends on nothing else, neither on the file nor on the place in it, so one entry can be proven alone
 * and ranges can be compared across replicas.
 */
export function entryChecksum(index: number, term: number, kind: number, data: Uint8Array): number {
  view.setUint32(0, index % WORD, true);
  view.setUint32(4, Math.floor(index / WORD), true);
  view.setUint32(8, term % WORD, true);
  view.setUint32(12, Math.floor(term / WORD), true);
  scalars[16] = kind;
  return checksum(data, checksum(scalars));
}
