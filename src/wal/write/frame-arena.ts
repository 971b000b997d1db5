import { viewOf } from '../../format/integers.js';

/** Enough for single entries; what saves in batches grows it within its first few groups. */
const FIRST_BYTES = 4 * 1024;
/** An arena that grew beyond this is not kept: one huge save must not hold its memory for ever. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

/**
 * One stretch of memory in which frames are encoded, one behind the other, so that a group is written by one
 * call and copied by none.
 */
export class FrameArena {
  #bytes: Uint8Array = new Uint8Array(FIRST_BYTES);
  #view: DataView = viewOf(this.#bytes);
  #run: Uint8Array = this.#bytes;
  #runOf: Uint8Array = this.#bytes;
  #runStart = 0;
  #used = 0;

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get view(): DataView {
    return this.#view;
  }

  /** Sets `length` bytes aside; returns where they begin. May move the arena: read `bytes` and `view` again. */
  reserve(length: number): number {
    const from = this.#used;
    if (from + length > this.#bytes.length) this.#grow(from + length);
    this.#used = from + length;
    return from;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#used));
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }

  /** The bytes of a group; made anew only where they are others than those of the one before. */
  run(start: number, bytes: number): Uint8Array {
    if (this.#runOf !== this.#bytes || this.#runStart !== start || this.#run.length !== bytes) {
      this.#run = this.#bytes.subarray(start, start + bytes);
      this.#runOf = this.#bytes;
      this.#runStart = start;
    }
    return this.#run;
  }

  /** Gives back what was reserved last, from `from` on. */
  giveBack(from: number): void {
    this.#used = from;
  }

  /** Empties it for the next turn. */
  reset(): void {
    this.#used = 0;
    if (this.#bytes.length <= KEPT_BYTES_MAX) return;
    this.#bytes = new Uint8Array(FIRST_BYTES);
    this.#view = viewOf(this.#bytes);
  }
}
