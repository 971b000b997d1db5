import { entryChecksum } from '../../format/entry-checksum.js';
import { viewOf } from '../../format/integers.js';
import { entryRecordBytes, putEntryRecord } from '../../format/raft-records.js';
import type { RecordRegion } from '../../wal/inside.js';
import type { Entry } from '../generated/keelson/v1/raft_log.js';

/** Entries as they came, laid out as a read of the disk brings them. */
export function regionOf(entries: readonly Entry[], from: number, path: string): RecordRegion {
  let length = 0;
  for (const { data } of entries) length += entryRecordBytes(0, data.length);
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  const offsets = new Uint32Array(entries.length);
  let at = 0;
  entries.forEach(({ index, term, kind, data }, count) => {
    offsets[count] = at;
    at = putEntryRecord(bytes, view, at, 0, kind, data, entryChecksum(index, term, kind, data));
  });
  return { from, offsets, bytes, fileOffset: 0, path };
}
