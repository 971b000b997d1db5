/** Cuts that are remembered one by one; whoever asks for older ones is told that all was cut. */
const KEPT = 64;

/**
 * Where entries of a log were dropped from its end, in order: a read that takes several steps asks whether what it has
 * read so far is still what the log holds. Terms alone do not say it: a caller may truncate, and append others of the
 * same term.
 */
export class Cuts {
  #count = 0;
  /** Lowest index that each of the last cuts dropped. */
  #recent: readonly number[] = [];

  /** How many there were. */
  get count(): number {
    return this.#count;
  }

  /** Everything from `index` on was dropped. */
  note(index: number): void {
    this.#count += 1;
    this.#recent = [...this.#recent.slice(1 - KEPT), index];
  }

  /** The lowest index that was dropped since there were `count` cuts; Infinity if nothing was. */
  lowestSince(count: number): number {
    const since = this.#count - count;
    if (since === 0) return Infinity;
    if (since > this.#recent.length) return 0;
    return this.#recent.slice(-since).reduce((lowest, index) => Math.min(lowest, index), Infinity);
  }
}
