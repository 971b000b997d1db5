import { isKeelsonError } from '../../errors/index.js';
import { entryChecksum } from '../../format/entry-checksum.js';
import { EntrySums } from '../../format/entry-sums.js';
import { viewOf } from '../../format/integers.js';
import { entryKindOffset, RAFT_RECORD_KINDS } from '../../format/raft-records.js';
import {
  isRecordWhole,
  RECORD_HEADER_BYTES,
  recordChecksumAt,
  recordBytesAt,
  recordKindAt,
} from '../../format/record.js';
import type { RunsOfTerms } from '../../format/seal.js';
import type { RecordRegion } from '../../wal/inside.js';
import { malformed } from '../../wal/report/damage.js';
import type { ReadEntry } from '../contract.js';
import { damagedEntry, notAnEntry } from './damaged-entry.js';

/** Below so many the entries are summed one by one at once. */
const TOGETHER_FROM = 4;

/**
 * The entries that stand in a region, each held against its own checksum with the index and the term that the log says it
 * has. Their data are views of the region.
 *
 * One loop, and of each entry nothing is made but what is handed out: how fast a log streams is decided here.
 *
 * @param runs the terms from the first entry of the region on
 */
export function decodeEntries(region: RecordRegion, runs: RunsOfTerms): ReadEntry[] {
  const together = region.offsets.length < TOGETHER_FROM ? null : decodeTogether(region, runs);
  return together ?? decode(region, runs, null);
}

/** Null if there is anything amiss: which entry it is, and what, is told by who looks at each. */
function decodeTogether(region: RecordRegion, runs: RunsOfTerms): ReadEntry[] | null {
  const { offsets, bytes, fileOffset } = region;
  const sums = new EntrySums(bytes, viewOf(bytes), (offsets[0] as number) - fileOffset);
  try {
    const entries = decode(region, runs, sums);
    return sums.fit() ? entries : null;
  } catch (error) {
    if (isKeelsonError(error)) return null;
    throw error;
  }
}

/** @param sums told of the entries in place of looking at the checksum of each */
function decode(region: RecordRegion, runs: RunsOfTerms, sums: EntrySums | null): ReadEntry[] {
  const { from, offsets, bytes, fileOffset, path } = region;
  const { buffer, byteOffset, length } = bytes;
  const view = viewOf(bytes);
  const entries = new Array<ReadEntry>(offsets.length);
  let run = 0;
  let term = runs[1] as number;
  let nextTermAt = runs[2] ?? Infinity;
  for (let at = 0; at < offsets.length; at += 1) {
    const index = from + at;
    if (index === nextTermAt) {
      run += 2;
      term = runs[run + 1] as number;
      nextTermAt = runs[run + 2] ?? Infinity;
    }
    const fileAt = offsets[at] as number;
    const offset = fileAt - fileOffset;
    if (!isRecordWhole(view, offset, length)) throw malformed({ path }, fileAt, index);
    if (recordKindAt(view, offset) !== RAFT_RECORD_KINDS.entry)
      throw notAnEntry(path, fileAt, index, recordKindAt(view, offset));
    const until = offset + recordBytesAt(view, offset);
    const kindAt = entryKindOffset(bytes, offset + RECORD_HEADER_BYTES, until);
    if (kindAt < 0) throw notAnEntry(path, fileAt, index, RAFT_RECORD_KINDS.entry);
    const kind = bytes[kindAt] as number;
    const data = new Uint8Array(buffer, byteOffset + kindAt + 1, until - kindAt - 1);
    const entry = { index, term, kind, data };
    if (sums === null) checkEntry(path, fileAt, recordChecksumAt(view, offset), entry);
    else sums.add(offset, kindAt + 1, until, index, term, kind);
    entries[at] = entry;
  }
  return entries;
}

function checkEntry(path: string, offset: number, expected: number, entry: ReadEntry): void {
  const found = entryChecksum(entry.index, entry.term, entry.kind, entry.data);
  if (found !== expected) throw damagedEntry(path, offset, entry.index, found, expected);
}
