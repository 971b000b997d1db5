import { KeelsonError } from '../../errors/index.js';
import { checksum } from '../../format/checksum.js';
import { Bell } from '../bell.js';
import type { SnapshotPiece } from '../generated/keelson/v1/raft_log.js';
import { PIECE_BYTES } from '../limits.js';

/** Pieces that were handed over are kept so far back, for a connection that breaks: more than can be under way on one. */
const KEPT_BYTES = 2_097_152;
/** So much may wait to be handed over. */
const AHEAD_BYTES = 524_288;

interface Kept {
  readonly offset: number;
  readonly piece: SnapshotPiece;
}

/** The data of a snapshot on its way out, of which the end is kept, so that it can go on where a connection broke. */
export class OutgoingUpload {
  #kept: Kept[] = [];
  #bytes = 0;
  /** The connection was given everything before. */
  #cursor = 0;
  #isWhole = false;
  readonly #more = new Bell();
  readonly #room = new Bell();

  /** Bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a copy of the data; resolved: there is room for more. */
  async push(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; at += PIECE_BYTES) {
      const own = Uint8Array.from(data.subarray(at, at + PIECE_BYTES));
      this.#kept.push({ offset: this.#bytes, piece: { data: own, checksum: checksum(own) } });
      this.#bytes += own.length;
    }
    this.#more.ring();
    while (this.#bytes - this.#cursor > AHEAD_BYTES) await this.#room.next();
  }

  /** There is no more. */
  end(): void {
    this.#isWhole = true;
    this.#more.ring();
  }

  /** The pieces from `offset` on, where the other side stands. */
  async *pieces(offset: number): AsyncGenerator<SnapshotPiece, void> {
    this.#cursor = offset;
    for (;;) {
      const next = this.#at(this.#cursor);
      if (next !== null) {
        this.#cursor += next.data.length;
        this.#forget();
        this.#room.ring();
        yield next;
      } else if (this.#isWhole) {
        return;
      } else {
        await this.#more.next();
      }
    }
  }

  #at(offset: number): SnapshotPiece | null {
    if (offset === this.#bytes) return null;
    const found = this.#kept.find((one) => one.offset === offset);
    if (found === undefined) throw tooFarBack(offset, this.#kept[0]?.offset ?? this.#bytes);
    return found.piece;
  }

  #forget(): void {
    while ((this.#kept[0]?.offset ?? Infinity) < this.#cursor - KEPT_BYTES) this.#kept.shift();
  }
}

/** The server lost more of an upload than can have been under way. */
function tooFarBack(found: number, expected: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_ABORTED',
    `the upload of a snapshot broke off, and its server has ${found} bytes of it, expected at least ${expected}; the snapshot was not made. Take it again.`,
    { found, expected, fate: 'not-persisted' },
  );
}
