import CRC32 from 'crc-32';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { folding } from './folding.js';

/**
 * Below this many bytes the table-driven JavaScript of `crc-32` beats the call into zlib; above, zlib's
 * vector code is several times faster, and reads no tables of 16 KiB into a cold cache. Both compute the same
 * polynomial (IEEE 802.3).
 */
const ZLIB_FROM_BYTES = 192;
/** From so many bytes on, what zlib takes is more than a copy and what {@link folding} takes, cold too. */
const FOLDED_FROM_BYTES = 8 * 1024;
/**
 * But only once a process has summed so much: to have WebAssembly at all takes it two milliseconds, and each MiB saves a fifth
 * of one. A log that is small is not opened later for it.
 */
const FOLDED_AFTER_BYTES = 16 * 1024 * 1024;

/** What one byte makes, by which a few bytes are summed where they stand. */
const BYTE_TABLE = Int32Array.from({ length: 256 }, (_, byte) => ~CRC32.buf([byte], -1));

/**
 * CRC-32 of `bytes`, as an unsigned 32-bit number. `seed` is the CRC-32 of what came before, so that
 * `checksum(b, checksum(a))` equals the checksum of `a` followed by `b`.
 */
export function checksum(bytes: Uint8Array, seed = 0): number {
  if (bytes.length >= FOLDED_FROM_BYTES) return largeChecksum(bytes, seed);
  // `crc-32` returns signed values; `>>> 0` makes the two agree.
  return bytes.length < ZLIB_FROM_BYTES ? CRC32.buf(bytes, seed) >>> 0 : zlibCrc32(bytes, seed);
}

/** Of large stretches, by zlib. */
let largeBytes = 0;

let largeChecksum = (bytes: Uint8Array, seed: number): number => {
  const sum = zlibCrc32(bytes, seed);
  largeBytes += bytes.length;
  if (largeBytes >= FOLDED_AFTER_BYTES) largeChecksum = folding(BYTE_TABLE, bytes, seed, sum) ?? zlibCrc32;
  return sum;
};

/**
 * The same over `bytes[from, until)`, for a few bytes in the middle of others: to make a view of them would take longer
 * than to sum them.
 */
export function checksumWithin(bytes: Uint8Array, from: number, until: number, seed: number): number {
  let sum = ~seed;
  for (let at = from; at < until; at += 1)
    sum = (sum >>> 8) ^ (BYTE_TABLE[(sum ^ (bytes[at] as number)) & 0xff] as number);
  return ~sum >>> 0;
}

/**
 * The seed for what a header covers through a checksum of its own. CRC is linear: with one seed for both, the
 * seed would cancel out of the outer checksum wherever the two lengths happen to fit, and a header of another
 * segment would be taken for this one's. Multiplication is not linear over GF(2).
 */
export function innerSeed(seed: number): number {
  return (Math.imul(seed ^ (seed >>> 15), 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0;
}

/**
 * A chain of checksums (0 before the first, or a seed) with one more folded in.
 *
 * Not a CRC: CRCs are linear, so a CRC over CRCs can cancel, and what both levels cover, a random identity say, would
 * vanish from the outer one where lengths happen to fit. A multiplication between the folds (MurmurHash3's finaliser) ends
 * that. Each step is a bijection of either argument: a change of one alone always shows.
 */
export function foldChecksum(chain: number, next: number): number {
  return mixed((chain + 0x9e37_79b9) ^ next);
}

/** MurmurHash3's finaliser: a bijection of 32 bits in which each bit of the result hangs on each bit of the value. */
export function mixed(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** A checksum as messages show it. */
export function checksumText(sum: number): string {
  return `0x${sum.toString(16).padStart(8, '0')}`;
}
