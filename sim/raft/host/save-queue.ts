import type { HardState } from '../../../src/raft-log/contract.js';
import type { Message, SnapshotHead } from '../messages.js';

/** What the host is asked to write, in one atomic save. */
export interface Offer {
  readonly id: number;
  readonly truncateFrom: number | null;
  /** Entries `[entriesFrom, entriesUntil)`. */
  readonly entriesFrom: number;
  readonly entriesUntil: number;
  readonly hardState: HardState | null;
  readonly snapshot: SnapshotHead | null;
  readonly mustSync: boolean;
}

/** An offer that the host has taken and not yet reported durable. */
interface Save {
  readonly id: number;
  /** What is durable once it is done; falls when a later truncation takes some of it back. */
  lastIndex: number;
  readonly hardState: HardState | null;
  readonly snapshot: SnapshotHead | null;
  /** It needs more room than a hard state does. */
  readonly isLarge: boolean;
  /** Acknowledgements to this server itself, which wait for the save like those to others. */
  readonly toSelf: readonly Message[];
}

/**
 * Knows what is durable, what is on its way to the disk and what still has to be offered to the host.
 * Several saves may be on their way; they become durable in order.
 */
export class SaveQueue {
  readonly #underWayMax: number;
  #durableIndex: number;
  #offeredIndex: number;
  #truncateFrom: number | null = null;
  #snapshot: SnapshotHead | null = null;
  #inFlight: Save[] = [];
  #nextId = 1;
  /** The hard state that is durable, that some save on its way makes durable, and that the host saw last. */
  #durable: HardState;
  #synced: HardState;
  #seen: HardState;

  constructor(lastIndex: number, hardState: HardState, underWayMax: number) {
    this.#underWayMax = underWayMax;
    this.#durableIndex = lastIndex;
    this.#offeredIndex = lastIndex;
    this.#durable = hardState;
    this.#synced = hardState;
    this.#seen = hardState;
  }

  /** Highest index of which all up to it is durable and still part of the log. */
  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** A snapshot that is to replace the log and is not durable yet. */
  get snapshot(): SnapshotHead | null {
    return this.#snapshot;
  }

  /**
   * False while as many saves are under way as may be, and while a snapshot is being installed: what follows must join
   * it, so it is held back.
   */
  get canOffer(): boolean {
    return (
      this.#inFlight.length < this.#underWayMax && this.#inFlight.every((save) => save.snapshot === null)
    );
  }

  /**
   * Entries from `from` on have been replaced in memory. What a save on its way promised beyond is no longer
   * of this log: the same index may become durable twice, with two terms, and only the second counts.
   */
  truncated(from: number): void {
    if (from <= this.#offeredIndex) this.#truncateFrom = Math.min(this.#truncateFrom ?? from, from);
    this.#cap(from - 1);
  }

  /** The whole log is replaced by `snapshot`. */
  replaced(snapshot: SnapshotHead): void {
    this.#cap(0);
    this.#offeredIndex = snapshot.index;
    this.#truncateFrom = null;
    this.#snapshot = snapshot;
  }

  /** Whether an offer would hold anything that the host must or may write. */
  hasWork(lastIndex: number, hardState: HardState): boolean {
    const isDue = this.#snapshot !== null || this.#truncateFrom !== null || lastIndex > this.#offeredIndex;
    return isDue || !equal(hardState, this.#seen);
  }

  /** Hands out all that is not on its way yet. `toSelf` is given back when that is durable. */
  offer(lastIndex: number, hardState: HardState, commitMatters: boolean, toSelf: readonly Message[]): Offer {
    const snapshot = this.#snapshot;
    if (snapshot !== null) {
      // No commit index may pass the log's end as this save leaves it; the rest follows with the entries.
      hardState = { ...hardState, commit: Math.min(hardState.commit, snapshot.index) };
    }
    const entriesFrom = this.#offeredIndex + 1;
    const entriesUntil = snapshot === null ? lastIndex + 1 : entriesFrom;
    const truncateFrom = this.#truncateFrom;
    const isVoteNew = hardState.term !== this.#synced.term || hardState.vote !== this.#synced.vote;
    const isCommitDue = commitMatters && hardState.commit !== this.#synced.commit;
    const mustSync =
      snapshot !== null || truncateFrom !== null || entriesUntil > entriesFrom || isVoteNew || isCommitDue;
    // A commit index alone may be left unwritten by the host, but what is written with entries is whole: a server
    // that holds a change of the configuration also knows, after a crash, that the change before it was committed.
    const offered = equal(hardState, mustSync ? this.#synced : this.#seen) ? null : hardState;

    this.#seen = hardState;
    if (mustSync) this.#synced = hardState;
    this.#offeredIndex = entriesUntil - 1;
    this.#truncateFrom = null;
    const id = this.#nextId++;
    this.#inFlight.push({
      id,
      lastIndex: this.#offeredIndex,
      hardState: mustSync ? offered : null,
      snapshot,
      isLarge: snapshot !== null || entriesUntil > entriesFrom,
      toSelf,
    });
    return { id, truncateFrom, entriesFrom, entriesUntil, hardState: offered, snapshot, mustSync };
  }

  /** Everything offered up to `id` is durable. Returns the snapshot that now is, and what waited for it. */
  persisted(id: number): { readonly snapshot: SnapshotHead | null; readonly toSelf: readonly Message[] } {
    const done = this.#inFlight.filter((save) => save.id <= id);
    this.#inFlight = this.#inFlight.filter((save) => save.id > id);
    let snapshot: SnapshotHead | null = null;
    for (const save of done) {
      if (save.hardState !== null) this.#durable = save.hardState;
      if (save.snapshot !== null) snapshot = save.snapshot;
      this.#durableIndex = Math.max(this.#durableIndex, save.lastIndex);
    }
    if (snapshot !== null) this.#snapshot = null;
    return { snapshot, toSelf: done.flatMap((save) => save.toSelf) };
  }

  /** A save on its way, neither durable nor given up. */
  inFlight(id: number): { readonly isLarge: boolean } | null {
    return this.#inFlight.find((save) => save.id === id) ?? null;
  }

  /** Nothing that is on its way will ever exist, nor what was to be offered; the log ends at `lastIndex`. */
  giveUp(lastIndex: number): void {
    this.#inFlight = [];
    this.#snapshot = null;
    this.#truncateFrom = null;
    this.#durableIndex = lastIndex;
    this.#offeredIndex = lastIndex;
    this.#synced = this.#durable;
    this.#seen = this.#durable;
  }

  #cap(lastIndex: number): void {
    this.#durableIndex = Math.min(this.#durableIndex, lastIndex);
    this.#offeredIndex = Math.min(this.#offeredIndex, lastIndex);
    for (const save of this.#inFlight) save.lastIndex = Math.min(save.lastIndex, lastIndex);
  }
}

function equal(a: HardState, b: HardState): boolean {
  return a.term === b.term && a.vote === b.vote && a.commit === b.commit;
}
