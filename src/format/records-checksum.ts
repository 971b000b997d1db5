import { foldChecksum, innerSeed } from './checksum.js';
import { recordBytesAt, recordChecksumAt, recordKindAt } from './record.js';

/** The sum over the headers of the `count` records from `at` on, which are whole. `salt` is that of the segment. */
export function recordsChecksum(view: DataView, at: number, count: number, salt: number): number {
  let sum = innerSeed(salt);
  let offset = at;
  for (let passed = 0; passed < count; passed += 1) {
    sum = foldRecordHeader(sum, view, offset);
    offset += recordBytesAt(view, offset);
  }
  return sum;
}

/** That sum, of the records before, with one more header. */
export function foldRecordHeader(sum: number, view: DataView, at: number): number {
  const lengths = foldChecksum(sum, view.getUint32(at, true));
  return foldChecksum(lengths + recordKindAt(view, at), recordChecksumAt(view, at));
}
