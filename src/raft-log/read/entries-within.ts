import type { ReadEntry } from '../contract.js';

/** Entries that are collected until their data would pass a bound; the first is taken whatever it has. */
export class EntriesWithin {
  readonly #bytesMax: number;
  #bytes = 0;
  #entries: ReadEntry[] = [];

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get entries(): ReadEntry[] {
    return this.#entries;
  }

  /** How much more fits. */
  get bytesLeft(): number {
    return Math.max(0, this.#bytesMax - this.#bytes);
  }

  /** Adds those that fit. False once one did not: no later one counts any more. */
  add(chunk: ReadEntry[]): boolean {
    // The usual read is one chunk, and without a bound.
    if (this.#bytesMax === Infinity && this.#entries.length === 0) {
      this.#entries = chunk;
      return true;
    }
    for (const entry of chunk) {
      this.#bytes += entry.data.length;
      if (this.#entries.length > 0 && this.#bytes > this.#bytesMax) return false;
      this.#entries.push(entry);
    }
    return true;
  }
}
