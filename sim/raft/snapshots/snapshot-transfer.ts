import type { SnapshotHead, SnapshotId } from '../messages.js';

/** Heartbeats after which a follower is believed that it lacks what it once said it had. */
const HEARTBEATS_BEHIND_MAX = 3;

/** One piece of a snapshot as the host read it. */
export interface SnapshotPiece {
  /** Which snapshot it is of; the same for all pieces of one reading. */
  readonly snapshot: SnapshotHead;
  /** Where in the data it begins. */
  readonly offset: number;
  /** The bytes. */
  readonly data: Uint8Array;
  /** The data ends with it. */
  readonly isLast: boolean;
}

/**
 * A leader's side of sending one snapshot: pieces are read in order, a few are on their way at once, and those
 * unanswered are kept to be sent again. The host therefore only ever reads on, or from the start.
 */
export class SnapshotTransfer {
  readonly #unansweredMax: number;
  #snapshot: SnapshotHead | null = null;
  #unanswered: SnapshotPiece[] = [];
  #ackedOffset = 0;
  #readOffset = 0;
  #isReadToEnd = false;
  #heardSinceHeartbeat = true;
  /** The last word of the follower was that it wants what it once said it had. */
  #isBehind = false;
  #heartbeatsBehind = 0;
  /** A piece has been asked of the host and not yet come. */
  isReading = false;

  constructor(unansweredMax: number) {
    this.#unansweredMax = unansweredMax;
  }

  /** Whether this is the snapshot on its way. */
  isOf(snapshot: SnapshotId): boolean {
    return this.#snapshot?.index === snapshot.index && this.#snapshot.term === snapshot.term;
  }

  /** Whether who holds everything up to `index` has no use for the rest of it. */
  isCoveredBy(index: number): boolean {
    return this.#snapshot !== null && index >= this.#snapshot.index;
  }

  /** Where the host shall read on; null while enough is on its way or all is read. */
  get nextReadOffset(): number | null {
    const hasRoom = this.#unanswered.length < this.#unansweredMax;
    return hasRoom && !this.isReading && !this.#isReadToEnd ? this.#readOffset : null;
  }

  /** Takes what the host read. Returns the piece to be sent, or null if the follower already has it. */
  read(piece: SnapshotPiece): SnapshotPiece | null {
    this.isReading = false;
    if (piece.offset !== this.#readOffset) return null;
    if (piece.offset > 0 && !this.isOf(piece.snapshot)) {
      // The host's snapshot was replaced in the middle: pieces of two snapshots make none.
      this.#restart();
      return null;
    }
    this.#snapshot = piece.snapshot;
    this.#readOffset = piece.offset + piece.data.length;
    this.#isReadToEnd = piece.isLast;
    // The last piece is sent even when the offset says that all is there: it is what completes the snapshot.
    if (this.#readOffset <= this.#ackedOffset && !piece.isLast) return null;
    this.#unanswered.push(piece);
    return piece;
  }

  /** The follower wants to go on at `offset`. */
  answered(offset: number): void {
    this.#heardSinceHeartbeat = true;
    if (offset === 0 && this.#ackedOffset > 0) {
      this.#restart();
      return;
    }
    this.#isBehind = offset < this.#ackedOffset;
    if (!this.#isBehind) this.#heartbeatsBehind = 0;
    this.#ackedOffset = Math.max(this.#ackedOffset, offset);
    this.#unanswered = this.#unanswered.filter(
      (piece) => piece.isLast || piece.offset + piece.data.length > this.#ackedOffset,
    );
  }

  /**
   * The follower lives. Returns what to send again, which is nothing if it has answered a piece since last time.
   *
   * One answer that asks for less than an earlier one may have been overtaken on its way. If nothing else comes, the
   * earlier one was of a life of the follower that is over, and what it stood for is gone: all over again.
   */
  heartbeatAnswered(): readonly SnapshotPiece[] {
    if (this.#isBehind) this.#heartbeatsBehind += 1;
    if (this.#heartbeatsBehind >= HEARTBEATS_BEHIND_MAX) this.#restart();
    const isStalled = !this.#heardSinceHeartbeat;
    this.#heardSinceHeartbeat = false;
    return isStalled ? this.#unanswered : [];
  }

  /** The follower has nothing of it any more, after a crash for example: all over again. */
  #restart(): void {
    this.#snapshot = null;
    this.#unanswered = [];
    this.#ackedOffset = 0;
    this.#readOffset = 0;
    this.#isReadToEnd = false;
    this.#isBehind = false;
    this.#heartbeatsBehind = 0;
  }
}
