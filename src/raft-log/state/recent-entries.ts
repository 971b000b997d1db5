import { entryKindOffset } from '../../format/raft-records.js';
import { viewOf } from '../../format/integers.js';
import { RECORD_HEADER_BYTES, recordBytesAt } from '../../format/record.js';
import type { ReadEntry } from '../contract.js';
import { addEntries, type Memory } from './entry-records.js';

/** The window is kept in so many pieces, of which the oldest goes when there is no more room. */
const PIECES = 8;
/** The first piece; each later one is as large as all before it, up to its share: a log that holds little takes little. */
const FIRST_PIECE_BYTES = 8 * 1024;
/** So many bytes are copied word by word sooner than by way of an array over them. */
const COPIED_BY_WORDS = 512;
/** What the place of one frame is counted for, so that frames of tiny entries stay within the bound too. */
const FRAME_BYTES = 32;

/** Entries of one frame: where their records stand in a piece, one behind the other. */
interface Frame {
  readonly from: number;
  /** Lower than when it was written where its end was dropped since. */
  until: number;
  readonly offset: number;
  readonly lowTerm: number;
}

interface Piece extends Memory {
  /** Never empty while the piece is in the window. */
  readonly frames: Frame[];
  used: number;
}

/** Records of one frame that are to be copied out in one go. */
interface Stretch {
  readonly piece: Piece;
  readonly from: number;
  readonly until: number;
  readonly lowTerm: number;
}

/**
 * A bounded window of the newest durable entries, encoded as they were written: what can be read without a disk, and
 * without a turn of the event loop.
 *
 * Invariant: it holds a range of indexes without holes, each entry as the durable log holds it, or did before the log
 * began behind it: below the log's first index nobody asks. Whatever becomes durable is told here in the same step, what it
 * drops from the end of the log included; what does not join empties the window.
 */
export class RecentEntries {
  readonly #bytesMax: number;
  readonly #pieceBytes: number;
  /** In order of index, within each and across them. */
  #pieces: Piece[] = [];
  /** Memory of a piece that went, for the next one. */
  #spare: Piece | null = null;
  #heldBytes = 0;
  #until = 1;

  /** @param bytesMax what the window may take; with 0 it never holds anything */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#pieceBytes = Math.ceil(bytesMax / PIECES);
  }

  get #from(): number {
    return this.#pieces[0]?.frames[0]?.from ?? this.#until;
  }

  /** The log keeps nothing from `index` on. */
  truncateFrom(index: number): void {
    if (index >= this.#until) return;
    this.#until = index;
    for (;;) {
      const piece = this.#pieces[this.#pieces.length - 1];
      if (piece === undefined) return;
      const { frames } = piece;
      while (frames.length > 0 && (frames[frames.length - 1] as Frame).from >= index) frames.pop();
      const last = frames[frames.length - 1];
      if (last !== undefined) {
        last.until = Math.min(last.until, index);
        return;
      }
      this.#retire(this.#pieces.pop() as Piece);
    }
  }

  /**
   * The log keeps its entries below `from`, and holds `[from, until)` behind them, whose records stand in
   * `[recordsFrom, recordsUntil)` of `memory`, one behind the other.
   */
  push(
    from: number,
    until: number,
    lowTerm: number,
    memory: Memory,
    recordsFrom: number,
    recordsUntil: number,
  ): void {
    if (this.#bytesMax === 0) return;
    this.truncateFrom(from);
    const bytes = recordsUntil - recordsFrom;
    const needed = bytes + FRAME_BYTES;
    if (from !== this.#until || needed > this.#bytesMax) this.#clear();
    this.#until = until;
    if (from === until || needed > this.#bytesMax) return;
    const piece = this.#pieceFor(needed);
    copyInto(piece, piece.used, memory, recordsFrom, recordsUntil);
    piece.frames.push({ from, until, offset: piece.used, lowTerm });
    piece.used += bytes;
  }

  #pieceFor(needed: number): Piece {
    const newest = this.#pieces[this.#pieces.length - 1];
    if (
      newest !== undefined &&
      newest.used + newest.frames.length * FRAME_BYTES + needed <= newest.bytes.length
    )
      return newest;
    const grown = Math.max(FIRST_PIECE_BYTES, this.#heldBytes);
    const capacity = Math.max(Math.min(this.#pieceBytes, grown), needed);
    let free = this.#spare;
    this.#spare = null;
    while (this.#pieces.length > 0 && this.#heldBytes + capacity > this.#bytesMax)
      free = this.#release(this.#pieces.shift() as Piece);
    // New memory costs more than what is copied into it.
    const piece = free !== null && isOfSize(free, capacity) ? free : newPiece(capacity);
    this.#heldBytes += piece.bytes.length;
    this.#pieces.push(piece);
    return piece;
  }

  #retire(piece: Piece): void {
    this.#release(piece);
    if (piece.bytes.length <= this.#pieceBytes) this.#spare = piece;
  }

  /** It is held no more, and empty. */
  #release(piece: Piece): Piece {
    this.#heldBytes -= piece.bytes.length;
    piece.frames.length = 0;
    piece.used = 0;
    return piece;
  }

  #clear(): void {
    this.#pieces = [];
    this.#heldBytes = 0;
  }

  /**
   * Entries `[from, until)`, until their data passes `bytesMax`, at least one; null if any of the range is not held. Their
   * data share one buffer, which is the caller's own.
   */
  read(from: number, until: number, bytesMax: number): ReadEntry[] | null {
    if (from < this.#from || until > this.#until) return null;
    const stretches = from === until ? [] : this.#stretches(from, until, bytesMax);
    const bytes = new Uint8Array(stretches.reduce((sum, stretch) => sum + stretch.until - stretch.from, 0));
    const memory = { bytes, view: viewOf(bytes) };
    const entries: ReadEntry[] = [];
    let at = 0;
    for (const { piece, from: start, until: end, lowTerm } of stretches) {
      bytes.set(piece.bytes.subarray(start, end), at);
      addEntries(entries, memory, at, at + end - start, from + entries.length, lowTerm);
      at += end - start;
    }
    return entries;
  }

  /** Where the entries stand of which {@link read} speaks. */
  #stretches(from: number, until: number, bytesMax: number): Stretch[] {
    const found: Stretch[] = [];
    let index = from;
    let end = until;
    let dataBytes = 0;
    let pieceAt = lastBelow(this.#pieces, from, firstOf);
    let frameAt = lastBelow((this.#pieces[pieceAt] as Piece).frames, from, (frame) => frame.from);
    while (index < end) {
      const piece = this.#pieces[pieceAt] as Piece;
      const frame = piece.frames[frameAt] as Frame;
      const { view, bytes } = piece;
      let at = frame.offset;
      for (let skipped = frame.from; skipped < index; skipped += 1) at += recordBytesAt(view, at);
      const start = at;
      for (const frameUntil = Math.min(end, frame.until); index < frameUntil; index += 1) {
        const next = at + recordBytesAt(view, at);
        dataBytes += next - entryKindOffset(bytes, at + RECORD_HEADER_BYTES, next) - 1;
        if (dataBytes > bytesMax && index > from) {
          end = index;
          break;
        }
        at = next;
      }
      if (at > start) found.push({ piece, from: start, until: at, lowTerm: frame.lowTerm });
      frameAt += 1;
      if (frameAt < piece.frames.length) continue;
      pieceAt += 1;
      frameAt = 0;
    }
    return found;
  }
}

function copyInto(to: Memory, offset: number, from: Memory, start: number, until: number): void {
  if (until - start > COPIED_BY_WORDS) {
    to.bytes.set(from.bytes.subarray(start, until), offset);
    return;
  }
  const ahead = offset - start;
  let at = start;
  for (; at + 4 <= until; at += 4) to.view.setUint32(at + ahead, from.view.getUint32(at, true), true);
  for (; at < until; at += 1) to.bytes[at + ahead] = from.bytes[at] as number;
}

function newPiece(capacity: number): Piece {
  const bytes = new Uint8Array(capacity);
  return { bytes, view: viewOf(bytes), frames: [], used: 0 };
}

/** True if the piece has room for so much, and not much to spare. */
function isOfSize({ bytes }: Piece, capacity: number): boolean {
  return bytes.length >= capacity && bytes.length < capacity + capacity / PIECES;
}

function firstOf({ frames }: Piece): number {
  return (frames[0] as Frame).from;
}

/** Position of the last of `sorted` that begins at or below `index`; the first one does. */
function lastBelow<T>(sorted: readonly T[], index: number, firstIndex: (one: T) => number): number {
  let low = 0;
  let high = sorted.length;
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if (firstIndex(sorted[middle] as T) <= index) low = middle;
    else high = middle;
  }
  return low;
}
