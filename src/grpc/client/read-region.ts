import { entryChecksum } from '../../format/entry-checksum.js';
import { viewOf } from '../../format/integers.js';
import { entryRecordBytes, putEntryRecord } from '../../format/raft-records.js';
import type { GivenEntries } from '../../raft-log/rules/given-entries.js';
import type { RecordRegion } from '../../wal/inside.js';
import type { DurableState } from '../../raft-log/state/durable-state.js';
import { replaced } from '../../raft-log/read/chunks.js';
import { ConnectionLost } from '../calls.js';
import { BATCH_BYTES } from '../limits.js';
import { unpackEntries } from '../wire/entry-batch.js';
import { answeredWithout, type Link } from './link.js';

/** Reads entries from `from` on, at least one, as a read of the disk brings them. */
export function readRegion(
  link: Link,
  durable: DurableState,
  from: number,
  until: number,
  bytesMax: number,
): Promise<RecordRegion> {
  const { calls, name, place } = link.parts;
  const range = { name, from, until, bytesMax: Math.min(bytesMax, BATCH_BYTES) };
  return link.read('the read', undefined, async () => {
    const batches: GivenEntries[] = [];
    let next = from;
    try {
      for await (const { entries } of calls.entries({ ...range, session: link.reader })) {
        if (entries === undefined) throw answeredWithout('entries');
        const batch = unpackEntries(entries, () => answeredWithout('entries that add up'));
        if (batch.from !== next || batch.until > until) throw answeredWithout(`entries from ${next} on`);
        const last = batch.until - 1;
        // Without a session another writes beside it. Entries of one index and term are the same, and so are all before them.
        if (!link.hasSession && batch.term(last) !== durable.term(last)) throw replaced(last);
        batches.push(batch);
        next = batch.until;
      }
    } catch (error) {
      // What came is what the log held; whoever reads on is told why there is no more.
      if (next === from) throw error;
    }
    if (next === from) throw new ConnectionLost('the server sent no entry');
    return regionOf(batches, from, place);
  });
}

/** Entries as they came, from `from` on, laid out as a read of the disk brings them. */
function regionOf(batches: readonly GivenEntries[], from: number, path: string): RecordRegion {
  let count = 0;
  let length = 0;
  for (const batch of batches) {
    count += batch.count;
    for (let index = batch.from; index < batch.until; index += 1)
      length += entryRecordBytes(0, batch.data(index).length);
  }
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  const offsets = new Uint32Array(count);
  let at = 0;
  for (const batch of batches) {
    for (let index = batch.from; index < batch.until; index += 1) {
      const kind = batch.kind(index);
      const data = batch.data(index);
      const checksum = entryChecksum(index, batch.term(index), kind, data);
      offsets[index - from] = at;
      at = putEntryRecord(bytes, view, at, 0, kind, data, checksum);
    }
  }
  return { from, offsets, bytes, fileOffset: 0, path };
}
