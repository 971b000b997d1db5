import { KeelsonError, orAborted, throwIfAborted } from '../../errors/index.js';
import type { TermRun } from '../../format/seal.js';
import { closedError } from '../../wal/inside.js';
import type { AcceptedState } from '../state/accepted-state.js';
import type { ReadEntry } from '../contract.js';
import type { FrameStore } from '../log-store.js';
import type { Cuts } from '../rules/cuts.js';
import type { DurableState } from '../state/durable-state.js';
import { judgeRange } from '../rules/judge-range.js';
import type { LogView } from '../rules/log-view.js';
import { entriesIn } from '../state/queued-save.js';
import { readEntry } from './read-entry.js';

type ReadView = Pick<LogView, 'firstIndex' | 'lastIndex'> & { readonly cuts: Cuts };

/** What is to be read: entries `[from, until)`. */
export interface ReadRange {
  readonly from: number;
  readonly until: number;
  /** Bounds the data of the entries, and what is read ahead of need. */
  readonly bytesMax: number;
  /** Abandons the read with `KEELSON_ABORTED`. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Reads entries of the durable log, and of the accepted one. What one call returns is one log's: where a conflict
 * replaces entries between two reads of the disk, old ones are never followed by new ones.
 */
export class EntryReader {
  readonly #log: FrameStore;
  readonly #durable: DurableState;
  readonly #accepted: AcceptedState;
  readonly #dir: string;
  /** Reads of the disk under way. */
  #readCount = 0;
  #isClosed = false;
  #onIdle: () => void = () => undefined;

  constructor(log: FrameStore, durable: DurableState, accepted: AcceptedState, dir: string) {
    this.#log = log;
    this.#durable = durable;
    this.#accepted = accepted;
    this.#dir = dir;
  }

  /** Lets no read begin any more; resolves when none is under way, so that files may be closed. */
  close(): Promise<void> {
    this.#isClosed = true;
    if (this.#readCount === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Entries of the durable log, until the next passes `bytesMax`; at least one of a range that is not empty. */
  durable(range: ReadRange): Promise<ReadEntry[]> {
    return collect(this.#durable, range, (at) => this.#readChunk(at, range));
  }

  /** Entries of the accepted log, likewise. */
  accepted(range: ReadRange): Promise<ReadEntry[]> {
    return collect(this.#accepted, range, (at) => {
      const stretch = this.#accepted.stretch(at, range.until);
      if (stretch.save === undefined) return this.#readChunk(at, { ...range, until: stretch.until });
      return entriesIn(stretch.save, at, stretch.until, range.bytesMax);
    });
  }

  /** Entries of the durable log, in chunks of about what one read of the disk brings. */
  chunks(range: ReadRange): AsyncGenerator<ReadEntry[], void, undefined> {
    const { from, until } = range;
    return chunksOf(this.#durable, from, until, (at) => this.#readChunk(at, range));
  }

  /** One read of the disk, from `at` on. One that is abandoned goes on until the disk answers, and is waited for by close. */
  async #readChunk(at: number, range: ReadRange): Promise<ReadEntry[]> {
    throwIfAborted('the read', range.signal);
    if (this.#isClosed) throw closedError(this.#dir);
    return orAborted('the read', range.signal, this.#readDisk(at, range));
  }

  async #readDisk(from: number, { until, bytesMax }: ReadRange): Promise<ReadEntry[]> {
    // The terms as they are now: a conflict that becomes durable meanwhile changes them, but not what is read.
    const runs = this.#durable.termRuns(from, until);
    this.#readCount += 1;
    try {
      const records = await this.#log.read(from, until, bytesMax);
      let run = 0;
      return records.map((record) => {
        while (run + 1 < runs.length && (runs[run + 1] as TermRun).index <= record.number) run += 1;
        return readEntry(record, (runs[run] as TermRun).term);
      });
    } catch (error) {
      // R10: the writer beside a log that only reads may have used the segment again.
      if (await this.#log.wasDropped(from)) throw dropped(from, this.#dir, error);
      throw error;
    } finally {
      this.#readCount -= 1;
      if (this.#readCount === 0) this.#onIdle();
    }
  }
}

/** Streams what `read` brings, chunk by chunk; ends with an error where what it brought is no more what the log holds. */
async function* chunksOf(
  view: ReadView,
  from: number,
  until: number,
  read: (at: number) => ReadEntry[] | Promise<ReadEntry[]>,
): AsyncGenerator<ReadEntry[], void, undefined> {
  const cutsBefore = view.cuts.count;
  for (let at = from; at < until;) {
    judgeRange(view, at, until);
    if (view.cuts.lowestSince(cutsBefore) < at) throw replaced(at - 1);
    const chunk = await read(at);
    at += chunk.length;
    yield chunk;
  }
}

/** Collects what `read` brings, chunk by chunk; begins anew if what was read is no more what the log holds. */
async function collect(
  view: ReadView,
  { from, until, bytesMax, signal }: ReadRange,
  read: (at: number) => ReadEntry[] | Promise<ReadEntry[]>,
): Promise<ReadEntry[]> {
  throwIfAborted('the read', signal);
  let entries: ReadEntry[] = [];
  let bytes = 0;
  let cutsBefore = view.cuts.count;
  for (let at = from; at < until; at = from + entries.length) {
    // Compaction or a conflict may have moved the log while the last chunk was read.
    if (view.cuts.lowestSince(cutsBefore) < at) {
      entries = [];
      bytes = 0;
      at = from;
      cutsBefore = view.cuts.count;
    }
    judgeRange(view, at, until);
    const chunk = read(at);
    for (const entry of chunk instanceof Promise ? await chunk : chunk) {
      bytes += entry.data.length;
      if (entries.length > 0 && bytes > bytesMax) return entries;
      entries.push(entry);
    }
  }
  return entries;
}

function dropped(index: number, dir: string, cause: unknown): KeelsonError {
  return new KeelsonError(
    'KEELSON_COMPACTED',
    `entry ${String(index)} was compacted since ${dir} was opened for reading. Open it again.`,
    { path: dir, index },
    cause,
  );
}

function replaced(index: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_UNAVAILABLE',
    `entry ${String(index)} was replaced by a conflicting one while the log was streamed. Begin the stream anew.`,
    { argument: 'from', index },
  );
}
