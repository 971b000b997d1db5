import { rm } from 'node:fs/promises';
import { openRaftLog, type Entry, type RaftLog, type RaftLogOptions } from '../../src/index.js';
import {
  KEY,
  type CoatyEntry,
  type CoatyHardState,
  type CoatySnapshot,
  type RaftPersistency,
} from './library.js';

/**
 * What @coaty/consensus.raft keeps, on a `RaftLog`: entries, hard state and snapshot, each under a key whose content every
 * call overwrites. The library persists what belongs together by one call after the other, entries first, and a crash may
 * come between them. So what makes no sense without a later call is held back for it. No promise is broken by that: the
 * library sends nothing before the last of these calls has resolved.
 *
 * One object is one member, whatever `id` and `cluster` the library names.
 */
export class KeelsonPersistency implements RaftPersistency {
  readonly #options: RaftLogOptions;
  #opening: Promise<RaftLog> | null = null;
  /** Entries behind a hole, which only the snapshot that comes with them can close. */
  #beyond: readonly CoatyEntry[] = [];
  /** What the library calls committed, which may lie behind that hole as well. */
  #commit = 0;

  constructor(options: RaftLogOptions) {
    this.#options = options;
  }

  /** Resolved: on stable storage, but for what is held back. */
  async persistData(data: unknown, key: string): Promise<void> {
    const log = await this.#open();
    if (key === KEY.entries) await this.#persistEntries(log, data as readonly CoatyEntry[]);
    else if (key === KEY.hardState) await this.#persistHardState(log, data as CoatyHardState);
    else if (key === KEY.snapshot) await this.#persistSnapshot(log, data as CoatySnapshot);
    else throw new Error(`no place for what the library persists as ${key}`);
  }

  /** Null where the log holds nothing of the kind. */
  async getPersistedData(key: string): Promise<unknown> {
    const log = await this.#open();
    if (key === KEY.entries) return entriesOf(log);
    if (key === KEY.hardState) return hardStateOf(log);
    if (key === KEY.snapshot) return snapshotOf(log);
    return null;
  }

  async close(eraseAllData: boolean): Promise<void> {
    const log = await this.#opening;
    this.#opening = null;
    await log?.close();
    if (eraseAllData) await rm(this.#options.dir, { recursive: true, force: true });
  }

  /** The list is the whole log behind the snapshot: only its difference to the log is written. */
  async #persistEntries(log: RaftLog, list: readonly CoatyEntry[]): Promise<void> {
    const hole = list.findIndex(({ index }, at) => index > (list[at - 1]?.index ?? log.lastIndex) + 1);
    const joined = hole < 0 ? list : list.slice(0, hole);
    this.#beyond = hole < 0 ? [] : list.slice(hole);
    const boundary = log.snapshot?.index ?? 0;
    const fresh = joined.slice(joined.findLastIndex((entry) => isHeld(log, entry)) + 1);
    const lastIndex = joined.at(-1)?.index ?? (hole < 0 ? boundary : log.lastIndex);
    await log.save({
      // A list that is shorter and says nothing else: otherwise the first entry of another term drops those behind it.
      ...(fresh.length === 0 && lastIndex < log.lastIndex ? { truncateFrom: lastIndex + 1 } : {}),
      entries: fresh.map(encoded),
      hardState: {
        // The hard state of that term comes in the next call. Nothing is promised in it yet, so it has no vote.
        term: Math.max(log.hardState.term, fresh.at(-1)?.term ?? 0),
        commit: Math.max(log.hardState.commit, Math.min(this.#commit, lastIndex)),
      },
    });
    const upTo = Math.min(boundary, (list[0]?.index ?? lastIndex + 1) - 1);
    if (upTo >= log.firstIndex) await log.compact(upTo);
  }

  async #persistHardState(log: RaftLog, { term, vote, commit }: CoatyHardState): Promise<void> {
    this.#commit = commit;
    await log.save({
      hardState: { term, vote: vote === '' ? null : vote, commit: Math.min(commit, log.lastIndex) },
    });
  }

  /** Its own snapshot, or a leader's: the log holds the entry of the one, and not of the other. */
  async #persistSnapshot(log: RaftLog, { data, metadata }: CoatySnapshot): Promise<void> {
    const { index, term, confState } = metadata;
    const snapshot = { index, conf: bytesOf(confState), data: bytesOf(data) };
    if (isHeld(log, metadata)) await log.createSnapshot(snapshot);
    else await log.installSnapshot({ ...snapshot, term });
    if (this.#beyond.length > 0) await this.#persistEntries(log, this.#beyond);
  }

  #open(): Promise<RaftLog> {
    this.#opening ??= openRaftLog(this.#options);
    return this.#opening;
  }
}

/** By what Raft calls log matching, so are then all before it. */
function isHeld(log: RaftLog, { index, term }: { readonly index: number; readonly term: number }): boolean {
  return index < log.firstIndex - 1 || (index <= log.lastIndex && log.term(index) === term);
}

async function entriesOf(log: RaftLog): Promise<readonly CoatyEntry[] | null> {
  if (log.lastIndex === 0) return null;
  const entries = await log.entries(log.firstIndex, log.lastIndex + 1);
  return entries.map(({ index, term, kind, data }) => ({ index, term, type: kind, data: valueOf(data) }));
}

function hardStateOf({ hardState: { term, vote, commit } }: RaftLog): CoatyHardState | null {
  return term === 0 ? null : { term, vote: vote ?? '', commit };
}

async function snapshotOf(log: RaftLog): Promise<CoatySnapshot | null> {
  await using opened = await log.openSnapshot();
  if (opened === null) return null;
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened.data) chunks.push(chunk);
  const { index, term, conf } = opened.meta;
  return { data: valueOf(Buffer.concat(chunks)), metadata: { index, term, confState: valueOf(conf) } };
}

function encoded({ index, term, type, data }: CoatyEntry): Entry {
  return { index, term, kind: type, data: bytesOf(data) };
}

function bytesOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function valueOf(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString());
}
