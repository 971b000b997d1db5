import type { Entry } from '../../../src/raft-log/contract.js';
import { dataBytes, headWithin } from './entries.js';
import { invariant } from '../invariant.js';

/**
 * The end of the log, in memory: all that is not durable yet, and before it a bounded run of what is, so that
 * the log on disk need not be asked for what was written a moment ago. It always reaches to the log's end.
 */
export class RecentEntries {
  #from: number;
  #entries: Entry[] = [];
  #bytes = 0;

  constructor(from: number) {
    this.#from = from;
  }

  /** First index held; everything below is on disk only. */
  get from(): number {
    return this.#from;
  }

  /** The log's last index. */
  get lastIndex(): number {
    return this.#from + this.#entries.length - 1;
  }

  /** Term of a held index, else null. */
  term(index: number): number | null {
    return this.#entries[index - this.#from]?.term ?? null;
  }

  /** Entries `[from, until)`, all held, cut to `bytesMax` but at least one. */
  slice(from: number, until: number, bytesMax: number = Infinity): readonly Entry[] {
    invariant(
      from >= this.#from && until <= this.lastIndex + 1,
      'a slice must lie inside the recent entries',
    );
    return headWithin(this.#entries.slice(from - this.#from, until - this.#from), bytesMax);
  }

  /** Puts `entries` behind `entries[0].index - 1`, dropping what was held from there on. */
  replaceFrom(entries: readonly Entry[]): void {
    const from = entries[0]?.index;
    if (from === undefined) return;
    invariant(from <= this.lastIndex + 1, 'entries must join the log');
    if (from <= this.#from) {
      this.reset(from);
    } else {
      this.#bytes -= dataBytes(this.#entries.splice(from - this.#from));
    }
    // Not push(...entries): a long batch would overflow the stack.
    for (const entry of entries) this.#entries.push(entry);
    this.#bytes += dataBytes(entries);
  }

  /** Drops everything; the next entry is `from`. */
  reset(from: number): void {
    this.#from = from;
    this.#entries = [];
    this.#bytes = 0;
  }

  /**
   * Lets go of the oldest durable entries once the bound is passed, down to half of it, so that the cost of moving
   * the array is paid once for many entries.
   */
  evict(durableIndex: number, bytesMax: number): void {
    if (this.#bytes <= bytesMax) return;
    let count = 0;
    for (const entry of this.#entries) {
      if (entry.index > durableIndex || this.#bytes <= bytesMax / 2) break;
      this.#bytes -= entry.data.length;
      count += 1;
    }
    this.#entries.splice(0, count);
    this.#from += count;
  }
}
