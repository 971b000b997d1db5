import type { Entry, HardState } from '../../../src/raft-log/contract.js';
import { invariant } from '../invariant.js';
import type { Message, SnapshotHead } from '../messages.js';
import type { ResolvedOptions } from '../options.js';
import { RecentEntries } from './recent-entries.js';
import { SaveQueue, type Offer } from '../host/save-queue.js';
import type { RaftStorage } from '../host/storage.js';

/** The server's log as the algorithm sees it: what is on disk, and in front of it what is on its way there. */
export class LogView {
  readonly #storage: RaftStorage;
  readonly #recentBytesMax: number;
  readonly #recent: RecentEntries;
  readonly #saves: SaveQueue;
  #commit: number;
  /** How far the commit index was safe on disk when a snapshot began to replace the log. */
  #commitBeforeSnapshot = 0;

  constructor({ storage, recentBytesMax, savesUnderWayMax }: ResolvedOptions, hardState: HardState) {
    this.#storage = storage;
    this.#recentBytesMax = recentBytesMax;
    this.#recent = new RecentEntries(storage.lastIndex + 1);
    this.#saves = new SaveQueue(storage.lastIndex, hardState, savesUnderWayMax);
    this.#commit = hardState.commit;
  }

  get commit(): number {
    return this.#commit;
  }

  get firstIndex(): number {
    const snapshot = this.#saves.snapshot;
    return snapshot === null ? this.#storage.firstIndex : snapshot.index + 1;
  }

  get lastIndex(): number {
    return this.#recent.lastIndex;
  }

  get lastTerm(): number {
    return this.term(this.lastIndex) ?? 0;
  }

  get durableIndex(): number {
    return this.#saves.durableIndex;
  }

  /** Entries from here on are in memory; those below must be asked for in `ready().reads`. */
  get inMemoryFrom(): number {
    return this.#recent.from;
  }

  /** A snapshot has replaced the log in memory and is not durable yet. */
  get awaitsSnapshot(): boolean {
    return this.#saves.snapshot !== null;
  }

  /** Term of the entry at `index`; null if it is compacted away or beyond the end. */
  term(index: number): number | null {
    if (index >= this.#recent.from) return this.#recent.term(index);
    const snapshot = this.#saves.snapshot;
    if (snapshot !== null) return index === snapshot.index ? snapshot.term : null;
    return index < this.#storage.firstIndex - 1 ? null : this.#storage.term(index);
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Entries `[from, until)` from memory, cut to `bytesMax` but at least one. */
  inMemory(from: number, until: number, bytesMax?: number): readonly Entry[] {
    return this.#recent.slice(from, until, bytesMax);
  }

  /** Raft paper §5.4.1: whether a log that ends so is at least as up to date as this one. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /**
   * The highest index at or below `index` whose term is at most `term`. No entry above it can match a log whose
   * entry at `index` is of `term`, since terms never fall along a log: so backing up skips a whole term a round.
   */
  lastIndexWithTermAtMost(index: number, term: number): { readonly index: number; readonly term: number } {
    for (let at = index; at > 0; at -= 1) {
      const own = this.term(at);
      if (own === null) return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  /**
   * Figure 2, AppendEntries 3 and 4: entries that are already here are skipped, the first that differs replaces all
   * from its index on, the rest is appended. A late or repeated message thus never drops a newer suffix.
   */
  append(entries: readonly Entry[]): void {
    const firstNew = entries.findIndex((entry) => !this.matches(entry.index, entry.term));
    const from = entries[firstNew]?.index;
    if (from === undefined) return;
    invariant(
      from > this.#commit,
      `entry ${String(from)} is committed (commit ${String(this.#commit)}) and was to be replaced`,
    );
    if (from <= this.lastIndex) this.#saves.truncated(from);
    this.#recent.replaceFrom(entries.slice(firstNew));
  }

  /** The commit index only rises (figure 2). */
  commitTo(index: number): void {
    if (index <= this.#commit) return;
    invariant(
      index <= this.lastIndex,
      `commit ${String(index)} is beyond the last entry ${String(this.lastIndex)}: this log lost what it acknowledged`,
    );
    this.#commit = index;
  }

  /** Figure 13, rule 7: the whole log gives way to the snapshot. */
  replaceBy(snapshot: SnapshotHead): void {
    this.#commitBeforeSnapshot = Math.min(this.#commit, this.durableIndex);
    this.#saves.replaced(snapshot);
    this.#recent.reset(snapshot.index + 1);
    this.#commit = snapshot.index;
  }

  hasWork(hardState: HardState): boolean {
    return this.#saves.hasWork(this.lastIndex, hardState);
  }

  get canOffer(): boolean {
    return this.#saves.canOffer;
  }

  offer(hardState: HardState, toSelf: readonly Message[]): Offer & { readonly entries: readonly Entry[] } {
    const offer = this.#saves.offer(this.lastIndex, hardState, this.#storage.unfitToVote, toSelf);
    const isEmpty = offer.entriesUntil === offer.entriesFrom;
    return { ...offer, entries: isEmpty ? [] : this.#recent.slice(offer.entriesFrom, offer.entriesUntil) };
  }

  saveInFlight(id: number): { readonly isLarge: boolean } | null {
    return this.#saves.inFlight(id);
  }

  persisted(id: number): { readonly snapshot: SnapshotHead | null; readonly toSelf: readonly Message[] } {
    const done = this.#saves.persisted(id);
    this.#recent.evict(this.durableIndex, this.#recentBytesMax);
    return done;
  }

  /**
   * The saves on their way were refused and exist nowhere: the log is again what the disk holds. To the others this
   * looks like a crash that lost what was not durable, which is always allowed, for nothing of it was acknowledged.
   */
  revert(): void {
    this.#commit = this.awaitsSnapshot
      ? this.#commitBeforeSnapshot
      : Math.min(this.#commit, this.durableIndex);
    this.#recent.reset(this.#storage.lastIndex + 1);
    this.#saves.giveUp(this.#storage.lastIndex);
  }
}
