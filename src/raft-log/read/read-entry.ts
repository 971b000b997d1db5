import { KeelsonError } from '../../errors/index.js';
import { entryChecksum } from '../../format/entry-checksum.js';
import { readEntryRecord } from '../../format/raft-records.js';
import type { LocatedRecord } from '../../wal/inside.js';
import type { ReadEntry } from '../contract.js';

/**
 * The entry that a record holds, held against its own checksum with the index and term that the log says it
 * has: what was written there, or an error, never other bytes. Its data is the caller's own.
 */
export function readEntry(located: LocatedRecord, term: number): ReadEntry {
  const { number: index, record, path, offset } = located;
  const decoded = readEntryRecord(record);
  if (decoded === null)
    throw corruptEntry(path, offset, index, `a record of kind ${record.kind}, expected an entry`);
  const { kind, data } = decoded;
  const found = entryChecksum(index, term, kind, data);
  if (found !== record.checksum) {
    throw corruptEntry(path, offset, index, `entry checksum ${hex(found)}, expected ${hex(record.checksum)}`);
  }
  return { index, term, kind, data: data.slice() };
}

/** R12: damage met by the read that needed the entry. */
export function corruptEntry(path: string, offset: number, index: number, reason: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_CORRUPT',
    `${path} is damaged at byte ${offset}: ${reason}; entry ${index} cannot be read. Nothing was changed. See docs/errors.md for what to do`,
    { path, offset, index, entries: { from: index, until: index + 1 } },
  );
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
