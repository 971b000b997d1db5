import { mixed } from './checksum.js';

/**
 * Sums over ranges of records: of those numbered `[k * RANGE_RECORDS, (k + 1) * RANGE_RECORDS)`, their checksums mixed and
 * added up. Ranges begin at the same numbers on every replica, so that equal logs have equal sums, whatever their segments;
 * and sums add, so that a range which lies in two segments is the sum of its parts.
 */

/** Records of one range: 64 KiB of usual entries, four bytes of a seal. */
export const RANGE_RECORDS = 256;

/** Ranges that records `[lowest, until)` lie in. */
export function rangeCount(lowest: number, until: number): number {
  return lowest === until
    ? 0
    : Math.floor((until - 1) / RANGE_RECORDS) - Math.floor(lowest / RANGE_RECORDS) + 1;
}

/** The sums of the ranges that records `[lowest, until)` lie in, as far as they do. */
export function rangeSums(lowest: number, checksums: Uint32Array): Uint32Array {
  const sums = new Uint32Array(rangeCount(lowest, lowest + checksums.length));
  const first = Math.floor(lowest / RANGE_RECORDS);
  for (let range = 0, at = 0; range < sums.length; range += 1) {
    const until = Math.min((first + range + 1) * RANGE_RECORDS - lowest, checksums.length);
    let sum = 0;
    for (; at < until; at += 1) sum = (sum + mixed(checksums[at] as number)) | 0;
    // A typed array keeps the low 32 bits.
    sums[range] = sum;
  }
  return sums;
}
