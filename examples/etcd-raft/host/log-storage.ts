import type { Entry, RaftLog } from '../../../src/index.js';

/** What is answered instead of a value: raft.ErrCompacted, ErrUnavailable, ErrSnapshotTemporarilyUnavailable. */
export const REFUSED = { compacted: -1, unavailable: -2, temporarilyUnavailable: -3 } as const;

export type Refused = (typeof REFUSED)[keyof typeof REFUSED];

export interface SnapshotHead {
  readonly index: number;
  readonly term: number;
  readonly conf: Uint8Array;
}

/** Bytes of entries read from the disk at once. */
const PAGE_BYTES = 1024 * 1024;
/** Pages that are kept: one for each follower that is far behind, and one for the state machine. */
const PAGES_MAX = 4;

/**
 * The log, for an engine that asks it synchronously. What is in memory is answered at once. What is not is begun to be
 * read, and refused in the two ways that make a leader ask again with the next heartbeat: the entries as compacted, and the
 * snapshot that it then wants as temporarily unavailable.
 */
export class LogStorage {
  /** The configuration as of what is applied: only a snapshot that knows it helps a member that joined since. */
  conf: Uint8Array;
  readonly #log: RaftLog;
  readonly #snapshotWanted: () => void;
  readonly #pages: (readonly Entry[])[] = [];
  readonly #reading = new Map<number, Promise<void>>();
  #isWaitingForPage = false;

  constructor(log: RaftLog, conf: Uint8Array, snapshotWanted: () => void) {
    this.#log = log;
    this.conf = conf;
    this.#snapshotWanted = snapshotWanted;
  }

  get firstIndex(): number {
    return this.#log.firstIndex;
  }

  get lastIndex(): number {
    return this.#log.lastIndex;
  }

  /** Or one of {@link REFUSED}. The durable view, on purpose: what is on its way to the disk the engine remembers itself. */
  term(index: number): number {
    if (index < this.firstIndex - 1) return REFUSED.compacted;
    return index > this.lastIndex ? REFUSED.unavailable : this.#log.term(index);
  }

  entries(from: number, until: number, bytesMax: number): readonly Entry[] | Refused {
    if (from < this.firstIndex) return REFUSED.compacted;
    if (until > this.lastIndex + 1) return REFUSED.unavailable;
    const found = this.#inMemory(from, until, bytesMax);
    if (found !== null) return found;
    this.#isWaitingForPage = true;
    this.load(from).catch(() => undefined); // asked again, it is read again
    return REFUSED.compacted;
  }

  /** The snapshot for a follower that lacks what was compacted. */
  snapshot(): SnapshotHead | Refused {
    const { snapshot } = this.#log;
    const isOfNow = snapshot !== null && Buffer.compare(snapshot.conf, this.conf) === 0;
    if (isOfNow && !this.#isWaitingForPage) return snapshot;
    if (!this.#isWaitingForPage) this.#snapshotWanted();
    this.#isWaitingForPage = false;
    return REFUSED.temporarilyUnavailable;
  }

  /** Whether the entry is held, and only on the disk. */
  isCold(index: number): boolean {
    const isHeld = index >= this.firstIndex && index <= this.lastIndex;
    return isHeld && this.#inMemory(index, index + 1, 1) === null;
  }

  /** Reads a page that begins at an entry. Rejects as `RaftLog.entries`. */
  load(from: number): Promise<void> {
    let reading = this.#reading.get(from);
    if (reading === undefined) {
      reading = this.#read(from).finally(() => this.#reading.delete(from));
      this.#reading.set(from, reading);
    }
    return reading;
  }

  async #read(from: number): Promise<void> {
    const page = await this.#log.entries(from, this.lastIndex + 1, { bytesMax: PAGE_BYTES });
    this.#pages.push(page);
    if (this.#pages.length > PAGES_MAX) this.#pages.shift();
  }

  #inMemory(from: number, until: number, bytesMax: number): readonly Entry[] | null {
    return this.#log.entriesInMemory(from, until, { bytesMax }) ?? this.#inPages(from, until, bytesMax);
  }

  #inPages(from: number, until: number, bytesMax: number): readonly Entry[] | null {
    for (const page of this.#pages) {
      const at = from - (page[0]?.index ?? Infinity);
      // An index and a term name an entry, and all before it: since the page was read others may have taken their place.
      const found = at < 0 ? [] : page.slice(at, at + until - from);
      const last = found.at(-1);
      if (last === undefined || this.term(last.index) !== last.term) continue;
      let bytes = 0;
      const count = found.findIndex(({ data }) => (bytes += data.length) > bytesMax);
      return count < 0 ? found : found.slice(0, Math.max(1, count));
    }
    return null;
  }
}
