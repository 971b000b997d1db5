import { SnapshotRecord } from '../generated/keelson/examples/kv/v1/state.js';

/** Records gathered into one chunk: fewer, larger pieces cost less on their way to the disk. */
const CHUNK_BYTES = 64 * 1024;
const LENGTH_BYTES = 4;

/** Records as bytes, each behind its length, in chunks of a bounded size; read only as fast as they are taken. */
export async function* writeRecords(records: Iterable<SnapshotRecord>): AsyncGenerator<Uint8Array> {
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  for (const record of records) {
    const body = SnapshotRecord.encode(record).finish();
    const length = new Uint8Array(LENGTH_BYTES);
    new DataView(length.buffer).setUint32(0, body.length, true);
    gathered.push(length, body);
    gatheredBytes += length.length + body.length;
    if (gatheredBytes < CHUNK_BYTES) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    gatheredBytes = 0;
  }
  if (gatheredBytes > 0) yield Buffer.concat(gathered);
}

/** The records in `data`, however it is cut into chunks. Throws if it ends inside one. */
export async function* readRecords(data: AsyncIterable<Uint8Array>): AsyncGenerator<SnapshotRecord> {
  let pending: Uint8Array = new Uint8Array(0);
  for await (const chunk of data) {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let offset = 0;
    for (;;) {
      const body = bodyAt(pending, offset);
      if (body === null) break;
      yield SnapshotRecord.decode(body);
      offset += LENGTH_BYTES + body.length;
    }
    // A copy, so that one record at the end does not hold the whole chunk.
    pending = pending.slice(offset);
  }
  if (pending.length > 0)
    throw new Error(`the snapshot ends inside a record, ${pending.length} bytes into it`);
}

function bodyAt(bytes: Uint8Array, offset: number): Uint8Array | null {
  if (bytes.length - offset < LENGTH_BYTES) return null;
  const bodyBytes = new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(0, true);
  const from = offset + LENGTH_BYTES;
  return bytes.length - from < bodyBytes ? null : bytes.slice(from, from + bodyBytes);
}
