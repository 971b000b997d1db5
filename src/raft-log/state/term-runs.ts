import type { RunsOfTerms } from '../../format/seal.js';

/**
 * The terms of a contiguous range of indexes, as runs: 16 bytes a change of term, whatever the number of
 * entries, so that ten million entries of one leader cost as much as one.
 *
 * The first run begins at the boundary, the index below the first entry, whose term is known too. Indexes
 * handed in must join (`append` at `lastIndex + 1`); this is the caller's duty, judged long before.
 */
export class TermRuns {
  #starts: Float64Array = new Float64Array(8);
  #terms: Float64Array = new Float64Array(8);
  /** Runs live at `[#head, #tail)` of the arrays. There is always one: the boundary's. */
  #head = 0;
  #tail = 1;
  #lastIndex: number;

  constructor(boundaryIndex = 0, boundaryTerm = 0) {
    this.#starts[0] = boundaryIndex;
    this.#terms[0] = boundaryTerm;
    this.#lastIndex = boundaryIndex;
  }

  get boundaryIndex(): number {
    return this.#starts[this.#head] as number;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  /** Term of `lastIndex`. */
  get lastTerm(): number {
    return this.#terms[this.#tail - 1] as number;
  }

  /** Number of runs, the boundary's included. */
  get runCount(): number {
    return this.#tail - this.#head;
  }

  /** Bytes of memory taken. */
  get memoryBytes(): number {
    return this.#starts.byteLength + this.#terms.byteLength;
  }

  /** Adds the entry at `lastIndex + 1`. */
  append(index: number, term: number): void {
    if (index !== this.#lastIndex + 1)
      throw new RangeError(`index ${String(index)} does not join ${String(this.#lastIndex)}`);
    if (term !== this.lastTerm) this.#push(index, term);
    this.#lastIndex = index;
  }

  /** Adds the entries `[index, until)`, all of one term, at the cost of one. */
  appendRun(index: number, until: number, term: number): void {
    if (until === index) return;
    this.append(index, term);
    this.#lastIndex = until - 1;
  }

  /** Forgets everything at and above `index`; the boundary stays. */
  truncateFrom(index: number): void {
    if (index > this.#lastIndex) return;
    if (index <= this.boundaryIndex)
      throw new RangeError(`index ${String(index)} is not above the boundary ${String(this.boundaryIndex)}`);
    this.#tail = this.#runOf(index - 1) + 1;
    this.#lastIndex = index - 1;
  }

  /** Moves the boundary up to `index`, at most `lastIndex`; nothing if it is there already. */
  dropThrough(index: number): void {
    if (index <= this.boundaryIndex) return;
    if (index > this.#lastIndex)
      throw new RangeError(`index ${String(index)} is above the last index ${String(this.#lastIndex)}`);
    this.#head = this.#runOf(index);
    this.#starts[this.#head] = index;
  }

  /** Begins anew: no entries, this boundary. */
  reset(boundaryIndex: number, boundaryTerm: number): void {
    this.#head = 0;
    this.#tail = 1;
    this.#starts[0] = boundaryIndex;
    this.#terms[0] = boundaryTerm;
    this.#lastIndex = boundaryIndex;
  }

  /** Term of an index of `boundaryIndex .. lastIndex`. */
  termAt(index: number): number {
    if (index < this.boundaryIndex || index > this.#lastIndex) {
      throw new RangeError(
        `index ${String(index)} is outside ${String(this.boundaryIndex)}..${String(this.#lastIndex)}`,
      );
    }
    return this.#terms[this.#runOf(index)] as number;
  }

  /** The runs that begin within `[from, until)`, in order, at the cost of these alone. */
  startingIn(from: number, until: number): RunsOfTerms {
    const first = from <= this.boundaryIndex ? this.#head : this.#runOf(from - 1) + 1;
    const end = until <= this.boundaryIndex ? first : this.#runOf(until - 1) + 1;
    const found = new Float64Array(2 * Math.max(0, end - first));
    for (let at = 0; at < found.length; at += 2) {
      found[at] = this.#starts[first + at / 2] as number;
      found[at + 1] = this.#terms[first + at / 2] as number;
    }
    return found;
  }

  /** An independent copy. */
  clone(): TermRuns {
    const copy = new TermRuns();
    copy.#starts = this.#starts.slice();
    copy.#terms = this.#terms.slice();
    copy.#head = this.#head;
    copy.#tail = this.#tail;
    copy.#lastIndex = this.#lastIndex;
    return copy;
  }

  /** Position of the run that holds `index`: the last that does not begin above it. */
  #runOf(index: number): number {
    // Most questions are about the newest term.
    if (index >= (this.#starts[this.#tail - 1] as number)) return this.#tail - 1;
    let low = this.#head;
    let high = this.#tail - 1;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#starts[middle] as number) <= index) low = middle;
      else high = middle;
    }
    return low;
  }

  #push(index: number, term: number): void {
    if (this.#tail === this.#starts.length) this.#makeRoom();
    this.#starts[this.#tail] = index;
    this.#terms[this.#tail] = term;
    this.#tail += 1;
  }

  /** Moves the live runs to the front, into arrays twice as long unless dropped runs left half of them free. */
  #makeRoom(): void {
    const count = this.runCount;
    const capacity = count * 2 <= this.#starts.length ? this.#starts.length : this.#starts.length * 2;
    const starts = new Float64Array(capacity);
    const terms = new Float64Array(capacity);
    starts.set(this.#starts.subarray(this.#head, this.#tail));
    terms.set(this.#terms.subarray(this.#head, this.#tail));
    this.#starts = starts;
    this.#terms = terms;
    this.#head = 0;
    this.#tail = count;
  }
}
