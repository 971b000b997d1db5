import CRC32 from 'crc-32';
import { crc32 as zlibCrc32 } from 'node:zlib';

/**
 * Below this many bytes the table-driven JavaScript of `crc-32` beats the call into zlib; above, zlib's
 * vector code is several times faster. Both compute the same polynomial (IEEE 802.3).
 */
const ZLIB_FROM_BYTES = 400;

/**
 * CRC-32 of `bytes`, as an unsigned 32-bit number. `seed` is the CRC-32 of what came before, so that
 * `checksum(b, checksum(a))` equals the checksum of `a` followed by `b`.
 */
export function checksum(bytes: Uint8Array, seed = 0): number {
  // `crc-32` returns signed values; `>>> 0` makes the two agree.
  return bytes.length < ZLIB_FROM_BYTES ? CRC32.buf(bytes, seed) >>> 0 : zlibCrc32(bytes, seed);
}

/**
 * The seed for what a header covers through a checksum of its own. CRC is linear: with one seed for both, the
 * seed would cancel out of the outer checksum wherever the two lengths happen to fit, and a header of another
 * segment would be taken for this one's. Multiplication is not linear over GF(2).
 */
export function innerSeed(seed: number): number {
  return (Math.imul(seed ^ (seed >>> 15), 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0;
}
