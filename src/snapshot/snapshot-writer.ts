import { syncData } from '../disk/told-calls.js';
import { foldChecksum } from '../format/checksum.js';
import { changeFailed } from '../disk/disk-failure.js';
import { writeFully, type DiskFile } from '../disk/index.js';
import {
  chunkChecksum,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  fileChecksumOf,
  headerChecksumOf,
  putChunkHeader,
  SNAPSHOT_CHUNK_HEADER_BYTES,
  type SnapshotHeader,
} from '../format/snapshot-file.js';
import { invalid } from './write-request.js';

/**
 * A sync after this many bytes, so that no sync of the log, on the same disk, waits for more. Measured while one of 128 MiB is
 * taken beside one saver (ext4): of its saves 99 in a hundred take 1.5 times as long as alone, with 8 MiB 7 times.
 */
const SYNC_EVERY_BYTES = 128 * 1024;

/** Room for a chunk to begin with. It doubles while the chunk fills: a small snapshot takes little memory. */
const FIRST_BYTES = 4096;

const NEXT = { fate: 'Nothing of it counts.', then: 'take the snapshot again' };

/**
 * Lays a snapshot's bytes into a new, empty file: {@link begin}, {@link add} as often as there are pieces,
 * {@link finish}. Holds one chunk in memory, whatever the size of the pieces. Calls must not overlap.
 *
 * Errors: `KEELSON_NO_SPACE`, `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`. After one the file is worthless
 * and must be abandoned (D5: it holds nothing live).
 */
export class SnapshotWriter {
  readonly #file: DiskFile;
  readonly #header: SnapshotHeader;
  /** The chunk being filled, behind room for its own header, so that both go out in one write. */
  #chunk: Uint8Array;
  readonly #chunkBytesMax: number;
  #filledBytes = 0;
  #position = 0;
  #unsyncedBytes = 0;
  #headerChecksum = 0;
  #chunkCount = 0;
  #dataBytes = 0;
  #chain = 0;

  constructor(file: DiskFile, header: SnapshotHeader, chunkBytes: number) {
    this.#file = file;
    this.#header = header;
    this.#chunkBytesMax = SNAPSHOT_CHUNK_HEADER_BYTES + chunkBytes;
    this.#chunk = new Uint8Array(Math.min(FIRST_BYTES, this.#chunkBytesMax));
  }

  async begin(): Promise<void> {
    const header = encodeSnapshotHeader(this.#header);
    this.#headerChecksum = headerChecksumOf(header);
    await this.#write(header);
  }

  /** Copies all of `piece`; when resolved, its buffer may be reused. `betweenChunks` may throw to stop. */
  async add(piece: Uint8Array, betweenChunks: () => void): Promise<void> {
    let taken = 0;
    const { length } = piece;
    while (taken < length) {
      // Transferred or resized while a chunk of it was written, it would end here as if it had never been longer.
      if (piece.length !== length) throw invalid('data', `${piece.length} bytes now`, `the ${length} it had`);
      const start = SNAPSHOT_CHUNK_HEADER_BYTES + this.#filledBytes;
      this.#makeRoom(start + length - taken);
      const part = piece.subarray(taken, taken + this.#chunk.length - start);
      this.#chunk.set(part, start);
      this.#filledBytes += part.length;
      taken += part.length;
      if (start + part.length === this.#chunkBytesMax) {
        await this.#writeChunk();
        betweenChunks();
      }
    }
  }

  /** Writes the rest and the footer, and syncs. Resolved: the data is on stable storage, its name is not. */
  async finish(): Promise<{ readonly checksum: number; readonly dataBytes: number }> {
    if (this.#filledBytes > 0) await this.#writeChunk();
    const footer = encodeSnapshotFooter({
      chunkCount: this.#chunkCount,
      dataBytes: this.#dataBytes,
      chain: this.#chain,
      headerChecksum: this.#headerChecksum,
    });
    await this.#write(footer);
    await this.#sync();
    return { checksum: fileChecksumOf(footer), dataBytes: this.#dataBytes };
  }

  /** The chunk has room for so many bytes, or is as large as one may be. */
  #makeRoom(wantedBytes: number): void {
    const chunk = this.#chunk;
    const wanted = Math.min(wantedBytes, this.#chunkBytesMax);
    if (wanted <= chunk.length) return;
    this.#chunk = new Uint8Array(Math.min(this.#chunkBytesMax, Math.max(wanted, 2 * chunk.length)));
    this.#chunk.set(chunk);
  }

  async #writeChunk(): Promise<void> {
    const bytes = this.#chunk.subarray(0, SNAPSHOT_CHUNK_HEADER_BYTES + this.#filledBytes);
    const data = bytes.subarray(SNAPSHOT_CHUNK_HEADER_BYTES);
    const sum = chunkChecksum(this.#header.identity, this.#chunkCount, data);
    putChunkHeader(bytes, data.length, sum);
    await this.#write(bytes);
    this.#chain = foldChecksum(this.#chain, sum);
    this.#chunkCount += 1;
    this.#dataBytes += data.length;
    this.#filledBytes = 0;
    if (this.#unsyncedBytes >= SYNC_EVERY_BYTES) await this.#sync();
  }

  async #write(bytes: Uint8Array): Promise<void> {
    try {
      await writeFully(this.#file, bytes, this.#position);
    } catch (error) {
      throw changeFailed('a snapshot', { path: this.#file.path }, error, NEXT);
    }
    this.#position += bytes.length;
    this.#unsyncedBytes += bytes.length;
  }

  async #sync(): Promise<void> {
    await syncData(this.#file, 'a snapshot', NEXT);
    this.#unsyncedBytes = 0;
  }
}
