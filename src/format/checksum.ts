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
