import type { OpenedSnapshot } from '../../../src/raft-log/snapshot-contract.js';
import type { RaftLog } from '../../../src/raft-log/contract.js';
import type { SnapshotRead } from '../host/outbox.js';
import type { SnapshotPiece } from './snapshot-transfer.js';

/**
 * The host's side of {@link SnapshotRead}: the snapshots being read for followers, one reader each, which goes on where its
 * last piece ended.
 */
export class OutgoingSnapshots {
  readonly #log: RaftLog;
  readonly #readers: Map<string, PieceReader> = new Map<string, PieceReader>();

  constructor(log: RaftLog) {
    this.#log = log;
  }

  /**
   * The next piece, or null if there is none to be had: no snapshot, or another reading than the one under way. With
   * `index`, of the snapshot of that index; else of the newest.
   */
  async read(read: Omit<SnapshotRead, 'term'> & { readonly index?: number }): Promise<SnapshotPiece | null> {
    const { to, offset, bytesMax, index } = read;
    if (offset === 0) {
      await this.#close(to);
      const opened = await this.#log.openSnapshot(index === undefined ? {} : { index });
      if (opened === null) return null;
      this.#readers.set(to, new PieceReader(opened));
    }
    const reader = this.#readers.get(to);
    if (reader?.offset !== offset) return null;
    const piece = await reader.next(bytesMax);
    if (piece.isLast) await this.#close(to);
    return piece;
  }

  /** Resolved: no reader holds a file open any more. */
  async closeAll(): Promise<void> {
    for (const to of [...this.#readers.keys()]) await this.#close(to);
  }

  async #close(to: string): Promise<void> {
    const reader = this.#readers.get(to);
    this.#readers.delete(to);
    await reader?.close();
  }
}

/** Cuts a snapshot's data, which comes in chunks of the store's own size, into pieces of the size asked for. */
class PieceReader {
  readonly #opened: OpenedSnapshot;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  offset = 0;

  constructor(opened: OpenedSnapshot) {
    this.#opened = opened;
    this.#chunks = opened.data[Symbol.asyncIterator]();
  }

  async next(bytesMax: number): Promise<SnapshotPiece> {
    const { index, term, conf, bytes } = this.#opened.meta;
    const wanted = Math.min(bytesMax, bytes - this.offset);
    while (this.#rest.length < wanted) {
      const next = await this.#chunks.next();
      if (next.done === true)
        throw new Error(`the snapshot ended ${String(wanted - this.#rest.length)} bytes early`);
      this.#rest = Buffer.concat([this.#rest, next.value]);
    }
    const data = this.#rest.subarray(0, wanted);
    this.#rest = this.#rest.subarray(wanted);
    const { offset } = this;
    this.offset += wanted;
    return { snapshot: { index, term, conf }, offset, data, isLast: this.offset === bytes };
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
