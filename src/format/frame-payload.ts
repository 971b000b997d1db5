import { innerSeed } from './checksum.js';
import { entryChecksum } from './entry-checksum.js';
import { EntrySums } from './entry-sums.js';
import type { FrameHeader } from './frame-header.js';
import { viewOf } from './integers.js';
import { controlChecksum, entryKindOffset, RAFT_RECORD_KINDS, termDistanceAt } from './raft-records.js';
import {
  RECORD_HEADER_BYTES,
  RESERVED_KIND_FROM,
  recordBytesAt,
  recordChecksumAt,
  recordKindAt,
} from './record.js';
import { foldRecordHeader } from './records-checksum.js';

/**
 * What a frame's header vouches for: the headers of its records, by one sum over them, and through the checksum in each of
 * those every record. So each byte is summed once, a large entry by its own checksum alone, and a frame is an atom (D1) that
 * is whole if its header, that sum and every record's own checksum hold.
 */

/** Below so many the records of a frame are summed one by one at once. */
const TOGETHER_FROM = 4;

/**
 * Null if what stands in `bytes` from `at` on is the payload that the header speaks of; else why not, in words for a
 * person. Bytes of what a recycled file held before pass only if they are the very same.
 *
 * @param view over `bytes`
 */
export function payloadFault(
  header: FrameHeader,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  salt: number,
): string | null {
  const { recordCount, payloadBytes } = header;
  const until = at + payloadBytes;
  if (until > bytes.length) return 'it is cut short';
  if (recordCount >= TOGETHER_FROM && isWhole(header, bytes, view, at, salt)) return null;
  let sum = innerSeed(salt);
  let offset = at;
  for (let position = 0; position < recordCount; position += 1) {
    const bodyFrom = offset + RECORD_HEADER_BYTES;
    // D9: every length is held against the payload before anybody follows it.
    if (bodyFrom > until || view.getUint32(offset, true) > until - bodyFrom)
      return `record ${position + 1} of ${recordCount} does not fit in it`;
    const next = offset + recordBytesAt(view, offset);
    const found = ownChecksum(header, position, bytes, recordKindAt(view, offset), bodyFrom, next);
    if (found !== recordChecksumAt(view, offset))
      return `the checksum of record ${position + 1} of ${recordCount} does not match`;
    sum = foldRecordHeader(sum, view, offset);
    offset = next;
  }
  if (offset !== until) return 'its records do not fill the frame';
  return sum === header.recordsChecksum ? null : 'the checksum of its record headers does not match';
}

/** The same question where nothing is amiss, as it almost always is: all entries are summed in one go. */
function isWhole(header: FrameHeader, bytes: Uint8Array, view: DataView, at: number, salt: number): boolean {
  const { recordCount, payloadBytes, lowTerm, recordsChecksum } = header;
  const until = at + payloadBytes;
  const firstIndex = header.until - recordCount;
  const sums = new EntrySums(bytes, view, at);
  let sum = innerSeed(salt);
  let offset = at;
  for (let position = 0; position < recordCount; position += 1) {
    const bodyFrom = offset + RECORD_HEADER_BYTES;
    if (bodyFrom > until || view.getUint32(offset, true) > until - bodyFrom) return false;
    const next = offset + recordBytesAt(view, offset);
    const kind = recordKindAt(view, offset);
    const index = firstIndex + position;
    if (kind === RAFT_RECORD_KINDS.entry) {
      const kindAt = entryKindOffset(bytes, bodyFrom, next);
      if (kindAt < 0 || index < 0) return false;
      const term = lowTerm + termDistanceAt(bytes, bodyFrom, next);
      sums.add(offset, kindAt + 1, next, index, term, bytes[kindAt] as number);
    } else if (ownChecksum(header, position, bytes, kind, bodyFrom, next) !== recordChecksumAt(view, offset))
      return false;
    sum = foldRecordHeader(sum, view, offset);
    offset = next;
  }
  return offset === until && sum === recordsChecksum && sums.fit();
}

/** True if `payload` is what the header says was written. */
export function payloadMatches(header: FrameHeader, payload: Uint8Array, salt: number): boolean {
  return (
    payload.length === header.payloadBytes && payloadFault(header, payload, viewOf(payload), 0, salt) === null
  );
}

/** The checksum that a record must have: by what it means, not by where it stands. NaN where no entry stands. */
function ownChecksum(
  { firstLsn, until, recordCount, lowTerm }: FrameHeader,
  position: number,
  bytes: Uint8Array,
  kind: number,
  bodyFrom: number,
  bodyUntil: number,
): number {
  if (kind === RAFT_RECORD_KINDS.entry) {
    const kindAt = entryKindOffset(bytes, bodyFrom, bodyUntil);
    const index = until - recordCount + position;
    // A frame under a valid header of ours has no such record; one that somebody made up may.
    if (kindAt < 0 || index < 0) return Number.NaN;
    const term = lowTerm + termDistanceAt(bytes, bodyFrom, bodyUntil);
    return entryChecksum(index, term, bytes[kindAt] as number, bytes.subarray(kindAt + 1, bodyUntil));
  }
  const body = bytes.subarray(bodyFrom, bodyUntil);
  return kind < RESERVED_KIND_FROM
    ? entryChecksum(firstLsn + position, 0, kind, body)
    : controlChecksum(kind, body);
}
