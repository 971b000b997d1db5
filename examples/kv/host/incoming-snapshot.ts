import { closeSync, createReadStream, openSync, rmSync, writeSync } from 'node:fs';
import type { SnapshotPiece } from '../../../sim/raft/index.js';

/**
 * Pieces of a snapshot that a leader is sending, gathered in a file until the last is there: in bounded memory, and
 * without holding up the log. The file needs no sync: what a crash leaves of it is thrown away.
 */
export class IncomingSnapshot {
  readonly #path: string;
  #descriptor: number | null = null;
  #failure: Error | null = null;

  constructor(path: string) {
    this.#path = path;
    this.discard();
  }

  /** Keeps a piece. Offset 0 begins anew. A disk that takes no more is told of by {@link data}. */
  keep(piece: SnapshotPiece): void {
    try {
      if (piece.offset === 0) {
        this.discard();
        this.#descriptor = openSync(this.#path, 'w', 0o600);
      }
      if (this.#descriptor === null) return;
      for (let written = 0; written < piece.data.length;) {
        written += writeSync(this.#descriptor, piece.data, written, undefined, piece.offset + written);
      }
    } catch (error) {
      this.discard();
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  /** All pieces, as one stream. Throws if one could not be kept. */
  data(): AsyncIterable<Uint8Array> {
    if (this.#descriptor === null) throw this.#failure ?? new Error('no snapshot has come in');
    // Opened now: what comes next may take the file from under its name before a stream would have opened it.
    return createReadStream(this.#path, {
      fd: openSync(this.#path, 'r'),
      start: 0,
    }) as AsyncIterable<Uint8Array>;
  }

  discard(): void {
    this.#failure = null;
    if (this.#descriptor !== null) closeSync(this.#descriptor);
    this.#descriptor = null;
    rmSync(this.#path, { force: true });
  }
}
