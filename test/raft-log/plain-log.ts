import type {
  CreateSnapshotRequest,
  Entry,
  HardState,
  InstallSnapshotRequest,
  RaftLog,
  SaveRequest,
} from '../../src/raft-log/contract.js';

/** A snapshot as the model holds it. */
interface PlainSnapshot {
  readonly index: number;
  readonly term: number;
  readonly conf: string;
  readonly data: string;
}

/**
 * A Raft log as a plain value: what a log on a disk is held against. Changes give a new value, and take only what a
 * correct host asks for; what must be refused is tried elsewhere.
 */
export class PlainLog {
  readonly boundary: { readonly index: number; readonly term: number };
  /** From `boundary.index + 1` on. */
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
  readonly snapshot: PlainSnapshot | null;
  #portrait: string | undefined;

  constructor(
    boundary: { readonly index: number; readonly term: number } = { index: 0, term: 0 },
    entries: readonly Entry[] = [],
    hardState: HardState = { term: 0, vote: null, commit: 0 },
    snapshot: PlainSnapshot | null = null,
  ) {
    this.boundary = boundary;
    this.entries = entries;
    this.hardState = hardState;
    this.snapshot = snapshot;
  }

  get firstIndex(): number {
    return this.boundary.index + 1;
  }

  get lastIndex(): number {
    return this.boundary.index + this.entries.length;
  }

  get lastTerm(): number {
    return this.termAt(this.lastIndex);
  }

  termAt(index: number): number {
    return index === this.boundary.index ? this.boundary.term : this.#at(index).term;
  }

  #at(index: number): Entry {
    return this.entries[index - this.firstIndex] as Entry;
  }

  /** Entries `[from, until)`. */
  slice(from: number, until: number): readonly Entry[] {
    return this.entries.slice(from - this.firstIndex, until - this.firstIndex);
  }

  /** Raft paper, figure 2, one entry at a time. */
  save({ truncateFrom, entries = [], hardState = {} }: SaveRequest): PlainLog {
    let held =
      truncateFrom === undefined ? [...this.entries] : [...this.slice(this.firstIndex, truncateFrom)];
    for (const entry of entries) {
      const at = entry.index - this.firstIndex;
      if (at < 0) continue;
      if (held[at]?.term === entry.term) continue;
      held = [...held.slice(0, at), entry];
    }
    const term = hardState.term ?? this.hardState.term;
    const vote = hardState.vote ?? (term > this.hardState.term ? null : this.hardState.vote);
    const asked = hardState.commit ?? 0;
    const commit =
      asked > (this.snapshot?.index ?? -1) && 'commit' in hardState ? asked : this.hardState.commit;
    return new PlainLog(this.boundary, held, { term, vote, commit }, this.snapshot);
  }

  createSnapshot({ index, conf, data }: CreateSnapshotRequest): PlainLog {
    const snapshot = { index, term: this.termAt(index), conf: hex(conf), data: hex(data as Uint8Array) };
    return new PlainLog(this.boundary, this.entries, this.#committedTo(index), snapshot);
  }

  installSnapshot({ index, term, conf, data, hardState = {} }: InstallSnapshotRequest): PlainLog {
    const changed = this.save({ hardState });
    const snapshot = { index, term, conf: hex(conf), data: hex(data as Uint8Array) };
    const commit = changed.#committedTo(index);
    const isHeld = index >= this.boundary.index && index <= this.lastIndex && this.termAt(index) === term;
    return isHeld
      ? new PlainLog(this.boundary, this.entries, commit, snapshot)
      : new PlainLog({ index, term }, [], commit, snapshot);
  }

  compact(upTo: number): PlainLog {
    if (upTo <= this.boundary.index) return this;
    const boundary = { index: upTo, term: this.termAt(upTo) };
    return new PlainLog(boundary, this.slice(upTo + 1, this.lastIndex + 1), this.hardState, this.snapshot);
  }

  #committedTo(index: number): HardState {
    return { ...this.hardState, commit: Math.max(this.hardState.commit, index) };
  }

  /** All that can be seen of the log, as one string: two logs are the same if their portraits are. */
  get portrait(): string {
    this.#portrait ??= portraitText(this.boundary, this.entries, this.hardState, this.snapshot);
    return this.#portrait;
  }
}

function portraitText(
  boundary: { readonly index: number; readonly term: number },
  entries: readonly Entry[],
  hardState: HardState,
  snapshot: PlainSnapshot | null,
): string {
  const { term, vote, commit } = hardState;
  const shown = entries.map((entry) => `${entry.index}:${entry.term}:${entry.kind ?? 0}:${hex(entry.data)}`);
  return JSON.stringify([boundary.index, boundary.term, term, vote, commit, snapshot, shown]);
}

/** The portrait of an open log, by every read that the durable view offers. Throws where two of them disagree. */
export async function portraitOf(log: RaftLog): Promise<string> {
  const { firstIndex, lastIndex, lastTerm, hardState } = log;
  const entries = await log.entries(firstIndex, lastIndex + 1);
  const boundary = { index: firstIndex - 1, term: log.term(firstIndex - 1) };
  entries.forEach((entry, at) => {
    if (entry.index !== firstIndex + at) throw new Error(`entry ${entry.index} stands at ${firstIndex + at}`);
    if (log.term(entry.index) !== entry.term)
      throw new Error(`term of ${entry.index} is ${log.term(entry.index)}`);
  });
  if (entries.length !== lastIndex - firstIndex + 1)
    throw new Error(`${entries.length} entries up to ${lastIndex}`);
  if (lastTerm !== (entries.at(-1)?.term ?? boundary.term)) throw new Error(`last term ${lastTerm}`);
  return portraitText(boundary, entries, hardState, await snapshotOf(log));
}

async function snapshotOf(log: RaftLog): Promise<PlainSnapshot | null> {
  const opened = await log.openSnapshot();
  if (opened === null) {
    if (log.snapshot !== null) throw new Error('a snapshot is told of, but none can be opened');
    return null;
  }
  const { index, term, conf, bytes } = opened.meta;
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened.data) chunks.push(chunk);
  const data = Buffer.concat(chunks);
  const told = log.snapshot;
  if (told?.index !== index || told.term !== term || told.bytes !== bytes || hex(told.conf) !== hex(conf))
    throw new Error(`the log tells of snapshot ${String(told?.index)}, but opens ${index}`);
  if (data.length !== bytes) throw new Error(`the snapshot has ${data.length} bytes, expected ${bytes}`);
  return { index, term, conf: hex(conf), data: hex(data) };
}

/** Short for what is short, a digest of all bytes for what is long. */
function hex(bytes: Uint8Array): string {
  if (bytes.length <= 16) return Buffer.from(bytes).toString('hex');
  let sum = 0x811c9dc5;
  for (const byte of bytes) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  return `${bytes.length}#${sum.toString(16)}`;
}
