import { foldChecksum } from '../format/checksum.js';
import { chunkChecksum, getChunkHeader, SNAPSHOT_CHUNK_HEADER_BYTES } from '../format/snapshot-file.js';
import { LIMITS } from '../format/limits.js';
import { corrupt, readExactly, type JudgedSnapshotFile } from './snapshot-file-reader.js';

/**
 * The data of one snapshot, chunk by chunk, each verified before it is handed out; the last only after the
 * chain over all of them was held against the footer. Chunks are fresh and belong to whoever gets them.
 * One chunk is in memory at a time, and nothing is read ahead. The caller closes the file.
 *
 * Errors: `KEELSON_CORRUPT` with the offset, `KEELSON_READ_FAILED`.
 */
export async function* verifiedChunks(
  judged: JudgedSnapshotFile,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  const { footer } = judged;
  let position = judged.chunksFrom;
  let leftBytes = footer.dataBytes;
  let chain = 0;
  for (let number = 0; number < footer.chunkCount; number += 1) {
    const { data, sum } = await readChunk(judged, number, position, leftBytes);
    position += SNAPSHOT_CHUNK_HEADER_BYTES + data.length;
    leftBytes -= data.length;
    chain = foldChecksum(chain, sum);
    // Before the last chunk goes out, so that nobody holds all data of a file that is then refused.
    if (number === footer.chunkCount - 1) checkEnd(judged, position, chain);
    yield data;
  }
  if (footer.chunkCount === 0) checkEnd(judged, position, chain);
  return undefined;
}

/** Reads and verifies one chunk; its length is held against the limit and the footer before memory is taken (D9). */
async function readChunk(
  { file, header }: JudgedSnapshotFile,
  number: number,
  position: number,
  leftBytes: number,
): Promise<{ readonly data: Uint8Array<ArrayBuffer>; readonly sum: number }> {
  const place = new Uint8Array(SNAPSHOT_CHUNK_HEADER_BYTES);
  await readExactly(file, place, position);
  const { length, checksum: sum } = getChunkHeader(place);
  const lengthMax = Math.min(LIMITS.snapshotChunkBytes, leftBytes);
  if (length < 1 || length > lengthMax) {
    throw corrupt(
      file.path,
      position,
      `length of chunk ${String(number)}`,
      length,
      `1..${String(lengthMax)}`,
    );
  }
  const data = new Uint8Array(length);
  await readExactly(file, data, position + SNAPSHOT_CHUNK_HEADER_BYTES);
  const expected = chunkChecksum(header.identity, number, data);
  if (sum !== expected) {
    throw corrupt(file.path, position + 4, `checksum of chunk ${String(number)}`, sum, expected);
  }
  return { data, sum };
}

function checkEnd({ file, footer, chunksUntil }: JudgedSnapshotFile, position: number, chain: number): void {
  if (position !== chunksUntil) {
    throw corrupt(file.path, position, 'end of the chunks', position, chunksUntil);
  }
  if (footer.chain !== chain) {
    throw corrupt(file.path, chunksUntil + 16, 'checksum of all chunks', footer.chain, chain);
  }
}
