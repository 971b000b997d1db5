import type { TermRun } from '../format/seal.js';
import type { SegmentedLog } from '../wal/segmented-log.js';
import type { AcceptedState } from './accepted-state.js';
import type { Entry } from './contract.js';
import type { DurableState } from './durable-state.js';
import { judgeRange } from './judge-range.js';
import { entriesIn } from './queued-save.js';
import { readEntry } from './read-entry.js';

/** Reads entries of the durable log, and of the accepted one. */
export class EntryReader {
  readonly #log: SegmentedLog;
  readonly #durable: DurableState;
  readonly #accepted: AcceptedState;

  constructor(log: SegmentedLog, durable: DurableState, accepted: AcceptedState) {
    this.#log = log;
    this.#durable = durable;
    this.#accepted = accepted;
  }

  /** Entries `[from, until)` of the durable log, until the next passes `bytesMax`; at least one of a range that is not empty. */
  async durable(from: number, until: number, bytesMax: number): Promise<Entry[]> {
    const entries: Entry[] = [];
    for await (const chunk of this.chunks(from, until, bytesMax))
      if (addUpTo(entries, chunk, bytesMax)) break;
    return entries;
  }

  /** The same, in chunks of about what one read of the disk brings. */
  async *chunks(
    from: number,
    until: number,
    bytesMax: number = Infinity,
  ): AsyncGenerator<Entry[], void, undefined> {
    for (let at = from; at < until;) {
      // Compaction or a conflict may have moved the log while the last chunk was read.
      judgeRange(this.#durable, at, until);
      const chunk = await this.#readChunk(at, until, bytesMax);
      yield chunk;
      at += chunk.length;
    }
  }

  /** One read of the disk; `bytesMax` bounds what is read ahead of need. */
  async #readChunk(from: number, until: number, bytesMax: number): Promise<Entry[]> {
    // The terms as they are now: a conflict that becomes durable meanwhile changes them, but not what is read.
    const runs = this.#durable.termRuns(from, until);
    const records = await this.#log.read(from, until, bytesMax);
    let run = 0;
    return records.map((record) => {
      while (run + 1 < runs.length && (runs[run + 1] as TermRun).index <= record.number) run += 1;
      return readEntry(record, (runs[run] as TermRun).term);
    });
  }

  /** Entries `[from, until)` of the accepted log. */
  async accepted(from: number, until: number, bytesMax: number): Promise<Entry[]> {
    const entries: Entry[] = [];
    for (let at = from; at < until;) {
      judgeRange(this.#accepted, at, until);
      const stretch = this.#accepted.stretch(at, until);
      const { save } = stretch;
      const chunk =
        save === undefined
          ? await this.#readChunk(at, stretch.until, bytesMax)
          : entriesIn(save, at, stretch.until);
      if (addUpTo(entries, chunk, bytesMax)) return entries;
      at += chunk.length;
    }
    return entries;
  }
}

/** Adds entries until the next would pass `bytesMax`; true once it is reached. */
function addUpTo(entries: Entry[], more: readonly Entry[], bytesMax: number): boolean {
  let bytes = entries.reduce((sum, entry) => sum + entry.data.length, 0);
  for (const entry of more) {
    bytes += entry.data.length;
    if (entries.length > 0 && bytes > bytesMax) return true;
    entries.push(entry);
  }
  return false;
}
