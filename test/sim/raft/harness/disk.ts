import type { Entry, HardState } from '../../../../src/raft-log/contract.js';
import type { RaftStorage, ReadySave, SnapshotHead } from '../../../../sim/raft/index.js';

/** A snapshot as the test disk keeps it. */
export interface StoredSnapshot extends SnapshotHead {
  readonly data: Uint8Array;
}

/** What one server's disk holds: only whole saves that are done. A crash does not touch it. */
export class Disk implements RaftStorage {
  hardState: HardState = { term: 0, vote: null, commit: 0 };
  snapshot: StoredSnapshot | null = null;
  unfitUntil = 0;
  #firstIndex = 1;
  #boundaryTerm = 0;
  #entries: Entry[] = [];

  get firstIndex(): number {
    return this.#firstIndex;
  }

  get lastIndex(): number {
    return this.#firstIndex + this.#entries.length - 1;
  }

  get unfitToVote(): boolean {
    return this.hardState.commit < this.unfitUntil;
  }

  term(index: number): number {
    if (index === this.#firstIndex - 1) return this.#boundaryTerm;
    const entry = this.#entries[index - this.#firstIndex];
    if (entry === undefined) throw new RangeError(`no term of ${String(index)} on the disk`);
    return entry.term;
  }

  entry(index: number): Entry | undefined {
    return this.#entries[index - this.#firstIndex];
  }

  /** Entries `[from, until)`, or null if they are compacted away. */
  entries(from: number, until: number): readonly Entry[] | null {
    if (from < this.#firstIndex) return null;
    return this.#entries.slice(from - this.#firstIndex, until - this.#firstIndex);
  }

  save(save: ReadySave, snapshotData: Uint8Array | null): void {
    if (save.snapshot !== undefined)
      this.#install({ ...save.snapshot, data: snapshotData ?? new Uint8Array(0) });
    if (save.truncateFrom !== undefined) this.#entries.length = save.truncateFrom - this.#firstIndex;
    for (const entry of save.entries) {
      if (entry.index !== this.lastIndex + 1) {
        throw new RangeError(`entry ${String(entry.index)} does not join ${String(this.lastIndex)}`);
      }
      this.#entries.push(entry);
    }
    if (save.hardState !== undefined) this.#setHardState(save.hardState);
  }

  /** Keeps the state machine's own snapshot and drops what it covers. */
  compact(snapshot: StoredSnapshot): void {
    this.#boundaryTerm = this.term(snapshot.index);
    this.#entries.splice(0, snapshot.index - this.#firstIndex + 1);
    this.#firstIndex = snapshot.index + 1;
    this.snapshot = snapshot;
    // As Keelson does: a lower commit rises with the snapshot's record.
    this.hardState = { ...this.hardState, commit: Math.max(this.hardState.commit, snapshot.index) };
  }

  #install(snapshot: StoredSnapshot): void {
    this.snapshot = snapshot;
    this.#firstIndex = snapshot.index + 1;
    this.#boundaryTerm = snapshot.term;
    this.#entries = [];
    this.hardState = { ...this.hardState, commit: Math.max(this.hardState.commit, snapshot.index) };
  }

  /** Refuses what Keelson's interlocks refuse: a Raft that is right never asks for it. */
  #setHardState(next: HardState): void {
    const held = this.hardState;
    const saysWhat = `${JSON.stringify(held)} -> ${JSON.stringify(next)}`;
    if (next.term < held.term) throw new RangeError(`term falls: ${saysWhat}`);
    if (next.term === held.term && held.vote !== null && next.vote !== held.vote) {
      throw new RangeError(`second vote in one term: ${saysWhat}`);
    }
    const isVoteNew = next.vote !== null && (next.term > held.term || next.vote !== held.vote);
    if (isVoteNew && this.unfitToVote) throw new RangeError(`an unfit store votes: ${saysWhat}`);
    if (next.commit > this.lastIndex) throw new RangeError(`commit beyond the log: ${saysWhat}`);
    if (next.commit < held.commit) throw new RangeError(`commit falls: ${saysWhat}`);
    this.hardState = next;
  }
}
