import { KeelsonError, orAborted, throwIfAborted } from '../../errors/index.js';
import { closedError } from '../../errors/log-refusals.js';
import type { AcceptedState } from '../state/accepted-state.js';
import type { ReadEntry } from '../contract.js';
import type { FrameStore } from '../log-store.js';
import type { DurableState } from '../state/durable-state.js';
import { judgeRange } from '../rules/judge-range.js';
import { chunksOf, type ReadView } from './chunks.js';
import { decodeEntries } from './decode-entries.js';
import { EntriesWithin } from './entries-within.js';

/** Entries of one read: small ones take more memory than their bytes, and their terms are made out beforehand. */
const READ_ENTRIES = 4096;

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
  readonly #log: Pick<FrameStore, 'read' | 'wasDropped'>;
  readonly #durable: DurableState;
  readonly #dir: string;
  /** Reads of the disk under way. */
  #readCount = 0;
  #isClosed = false;
  #onIdle: () => void = () => undefined;

  constructor(log: Pick<FrameStore, 'read' | 'wasDropped'>, durable: DurableState, dir: string) {
    this.#log = log;
    this.#durable = durable;
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
    return collect(this.#durable, range, (at, bytesMax) => this.#readChunk(at, { ...range, bytesMax }));
  }

  /** Entries of the accepted log, likewise. */
  accepted(state: AcceptedState, range: ReadRange): Promise<ReadEntry[]> {
    return collect(state, range, (at, bytesMax) => {
      const { save, until } = state.stretch(at, range.until);
      if (save !== undefined) return save.entries(at, until, bytesMax);
      return this.#readChunk(at, { ...range, until, bytesMax });
    });
  }

  /** Entries of the durable log, in chunks of about what one read of the disk brings, or of what `bytesMax` says if that is less. */
  chunks(range: ReadRange): AsyncGenerator<ReadEntry[], void, undefined> {
    const { from, until, signal } = range;
    const check = (): void => {
      this.#checkOpen();
      throwIfAborted('the stream', signal);
    };
    return chunksOf(this.#durable, from, until, check, (at) => this.#readChunk(at, range));
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedError(this.#dir);
  }

  /** One read of the disk, from `at` on. One that is abandoned goes on until the disk answers, and is waited for by close. */
  async #readChunk(at: number, range: ReadRange): Promise<ReadEntry[]> {
    throwIfAborted('the read', range.signal);
    this.#checkOpen();
    return orAborted('the read', range.signal, this.#readDisk(at, range));
  }

  async #readDisk(from: number, range: ReadRange): Promise<ReadEntry[]> {
    const until = Math.min(range.until, from + READ_ENTRIES);
    // The terms as they are now: a conflict that becomes durable meanwhile changes them, but not what is read.
    const runs = this.#durable.termRuns(from, until);
    this.#readCount += 1;
    try {
      return decodeEntries(await this.#log.read(from, until, range.bytesMax), runs);
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

/** Collects what `read` brings, chunk by chunk; begins anew if what was read is no more what the log holds. */
async function collect(
  view: ReadView,
  { from, until, bytesMax, signal }: ReadRange,
  read: (at: number, bytesMax: number) => ReadEntry[] | Promise<ReadEntry[]>,
): Promise<ReadEntry[]> {
  throwIfAborted('the read', signal);
  let found = new EntriesWithin(bytesMax);
  let cutsBefore = view.cuts.count;
  for (let at = from; at < until; at = from + found.entries.length) {
    // Compaction or a conflict may have moved the log while the last chunk was read.
    if (view.cuts.lowestSince(cutsBefore) < at) {
      found = new EntriesWithin(bytesMax);
      at = from;
      cutsBefore = view.cuts.count;
    }
    judgeRange(view, at, until);
    // Of what is left: else a read for one last entry would bring as much as all before.
    const chunk = read(at, found.bytesLeft);
    if (!found.add(chunk instanceof Promise ? await chunk : chunk)) break;
  }
  return found.entries;
}

function dropped(index: number, dir: string, cause: unknown): KeelsonError {
  return new KeelsonError(
    'KEELSON_COMPACTED',
    `entry ${String(index)} was compacted since ${dir} was opened for reading. Open it again.`,
    { path: dir, index },
    cause,
  );
}
