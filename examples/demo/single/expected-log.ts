import type { HardState } from '../../../src/index.js';
import { NO_OP_KIND, type PlannedSave } from './announcement.js';
import type { Text } from './text.js';

/** Stands for a line where an entry has none. */
const NO_OP = -1;

export interface ExpectedEntry {
  readonly term: number;
  readonly kind: number;
  readonly data: Uint8Array;
}

/**
 * What a log must hold after some saves, worked out from their announcements and the text alone: arrays, and
 * the conflict rule of the Raft paper's figure 2 in its plainest form. It keeps what was compacted too.
 */
export class ExpectedLog {
  #hardState: HardState = { term: 0, vote: null, commit: 0 };
  /** Of entry `i` at `i - 1`: its term, and the number of its line. */
  #terms: number[] = [];
  #lines: number[] = [];

  get hardState(): HardState {
    return this.#hardState;
  }

  get lastIndex(): number {
    return this.#terms.length;
  }

  term(index: number): number {
    return index === 0 ? 0 : this.#terms[index - 1]!;
  }

  /** Number of the line that entry `index` carries, or null for a no-op. */
  line(index: number): number | null {
    const line = this.#lines[index - 1]!;
    return line === NO_OP ? null : line;
  }

  entry(index: number, text: Text): ExpectedEntry {
    const line = this.line(index);
    const term = this.term(index);
    if (line === null) return { term, kind: NO_OP_KIND, data: new Uint8Array(0) };
    return { term, kind: 0, data: text.line(line) };
  }

  apply({ truncateFrom, entries, hardState }: PlannedSave): void {
    if (truncateFrom !== undefined) this.#truncateFrom(truncateFrom);
    if (entries !== undefined) {
      // Entries that are written anew are always of a newer term, so the first is where the conflict begins.
      this.#truncateFrom(entries.first);
      if (entries.hasNoOp) this.#push(entries.term, NO_OP);
      for (let n = 0; n < entries.lineCount; n++) this.#push(entries.term, entries.line + n);
    }
    if (hardState === undefined) return;
    const isNewTerm = hardState.term !== undefined && hardState.term > this.#hardState.term;
    this.#hardState = { ...this.#hardState, ...(isNewTerm ? { vote: null } : {}), ...hardState };
  }

  clone(): ExpectedLog {
    const copy = new ExpectedLog();
    copy.#hardState = this.#hardState;
    copy.#terms = this.#terms.slice();
    copy.#lines = this.#lines.slice();
    return copy;
  }

  #truncateFrom(index: number): void {
    this.#terms.length = Math.min(this.#terms.length, index - 1);
    this.#lines.length = this.#terms.length;
  }

  #push(term: number, line: number): void {
    this.#terms.push(term);
    this.#lines.push(line);
  }
}

/** How many entries a save carries. */
export function entryCount({ entries }: PlannedSave): number {
  return entries === undefined ? 0 : entries.lineCount + (entries.hasNoOp ? 1 : 0);
}
