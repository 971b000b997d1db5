import {
  chunkChecksum,
  foldChecksum,
  getChunkHeader,
  SNAPSHOT_CHUNK_HEADER_BYTES,
} from '../format/snapshot-file.js';
import { LIMITS } from '../format/limits.js';
import { closeQuietly, corrupt, readExactly, type JudgedSnapshotFile } from './snapshot-file-reader.js';

/**
 * The data of one snapshot, chunk by chunk, each verified before it is handed out; the last only after the
 * chain over all of them was held against the footer. Chunks are fresh and belong to whoever gets them.
 * One chunk is in memory at a time, and nothing is read ahead.
 *
 * Can be run through once. Keeps the file open, so that it stays readable when retention takes its name
 * away (on Windows the name then stays, unusable, until this is closed). The file is closed at the end, by an
 * error, and by {@link return}, which `break` in a `for await` calls; who never begins calls it too.
 *
 * Errors of {@link next}: `KEELSON_CORRUPT` with the offset, `KEELSON_READ_FAILED`.
 */
export class SnapshotStream implements AsyncIterableIterator<Uint8Array<ArrayBuffer>, undefined> {
  readonly #judged: JudgedSnapshotFile;
  readonly #chunks: AsyncGenerator<Uint8Array<ArrayBuffer>, undefined>;

  constructor(judged: JudgedSnapshotFile) {
    this.#judged = judged;
    this.#chunks = verifiedChunks(judged);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array<ArrayBuffer>, undefined>> {
    return this.#chunks.next();
  }

  async return(): Promise<IteratorResult<Uint8Array<ArrayBuffer>, undefined>> {
    const result = await this.#chunks.return(undefined);
    // A generator that was never begun ends without running its `finally`.
    await closeQuietly(this.#judged.file);
    return result;
  }
}

async function* verifiedChunks(
  judged: JudgedSnapshotFile,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  const { file, footer } = judged;
  try {
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
  } finally {
    await closeQuietly(file);
  }
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
