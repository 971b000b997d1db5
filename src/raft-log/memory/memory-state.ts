import type { SnapshotMeta } from '../snapshot-contract.js';
import { entryChecksum } from '../../format/entry-checksum.js';
import { entryRecordBytes } from '../../format/raft-records.js';
import type { HardState } from '../contract.js';
import { Cuts } from '../rules/cuts.js';
import type { GivenEntries } from '../rules/given-entries.js';
import type { SavePlan } from '../rules/judge-save.js';
import type { SnapshotPlan } from '../rules/judge-snapshot.js';
import type { LogView } from '../rules/log-view.js';
import { DEFAULTS } from '../rules/options.js';

/** An entry as the memory log holds it: with its own bytes and their checksum, never changed again. */
export interface HeldEntry {
  readonly index: number;
  readonly term: number;
  readonly kind: number;
  readonly data: Uint8Array;
  readonly checksum: number;
}

/** A snapshot held in memory. */
export interface HeldSnapshot {
  readonly meta: SnapshotMeta;
  readonly chunks: readonly Uint8Array[];
}

/** What fits between two states of a log. */
export type MemoryChange =
  | { readonly kind: 'save'; readonly plan: SavePlan; readonly entries: readonly HeldEntry[] }
  | { readonly kind: 'snapshot'; readonly plan: SnapshotPlan; readonly held: HeldSnapshot }
  | { readonly kind: 'compact'; readonly firstIndex: number };

/** Entries with bytes of their own: the caller may reuse its buffers at once. */
export function holdEntries(given: GivenEntries): HeldEntry[] {
  return Array.from({ length: given.count }, (_, at) => {
    const index = given.from + at;
    const [term, kind, data] = [given.term(index), given.kind(index), new Uint8Array(given.data(index))];
    return { index, term, kind, data, checksum: entryChecksum(index, term, kind, data) };
  });
}

/** The state of a log as plain arrays. */
export class MemoryState implements LogView {
  boundary: { readonly index: number; readonly term: number } = { index: 0, term: 0 };
  entries: HeldEntry[] = [];
  hardState: HardState = Object.freeze({ term: 0, vote: null, commit: 0 });
  heldSnapshot: HeldSnapshot | null = null;
  /** The others that are kept, newest first. */
  olderSnapshots: readonly HeldSnapshot[] = [];
  unfitUntil = 0;
  readonly cuts: Cuts = new Cuts();

  get firstIndex(): number {
    return this.boundary.index + 1;
  }
  get lastIndex(): number {
    return this.boundary.index + this.entries.length;
  }
  get lastTerm(): number {
    return this.entries.at(-1)?.term ?? this.boundary.term;
  }
  get snapshot(): SnapshotMeta | null {
    return this.heldSnapshot === null ? null : this.heldSnapshot.meta;
  }
  get heldSnapshots(): readonly HeldSnapshot[] {
    return this.heldSnapshot === null ? [] : [this.heldSnapshot, ...this.olderSnapshots];
  }

  term(index: number): number {
    return index === this.boundary.index ? this.boundary.term : this.at(index).term;
  }

  checksum(index: number): number {
    return this.at(index).checksum;
  }

  /** The held entry at an index of `firstIndex .. lastIndex`. */
  at(index: number): HeldEntry {
    const entry = this.entries[index - this.firstIndex];
    if (entry === undefined) throw new RangeError(`entry ${index} is not held`);
    return entry;
  }

  /** Carries out a change that was judged against this very state; returns the bytes it freed. */
  apply(change: MemoryChange): number {
    switch (change.kind) {
      case 'save':
        return this.applySave(change.plan, change.entries);
      case 'snapshot':
        return this.applySnapshot(change.plan, change.held);
      case 'compact':
        return this.applyCompaction(change.firstIndex);
    }
  }

  applySave(plan: SavePlan, entries: readonly HeldEntry[]): number {
    if (plan.keepUntil <= this.lastIndex) this.cuts.note(plan.keepUntil);
    this.entries.length = plan.keepUntil - this.firstIndex;
    for (const entry of entries) this.entries.push(entry);
    this.hardState = Object.freeze({ ...plan.hardState });
    return 0;
  }

  applySnapshot(plan: SnapshotPlan, held: HeldSnapshot): number {
    if (!plan.keepsLog) {
      this.cuts.note(0);
      this.entries = [];
      this.boundary = { index: plan.index, term: plan.term };
    }
    this.hardState = Object.freeze({ ...plan.hardState });
    if (plan.isHeld) return 0;
    this.olderSnapshots = this.heldSnapshots.slice(0, DEFAULTS.snapshotsKept - 1);
    this.heldSnapshot = held;
    return 0;
  }

  applyCompaction(firstIndex: number): number {
    const boundary = { index: firstIndex - 1, term: this.term(firstIndex - 1) };
    const dropped = this.entries.splice(0, firstIndex - this.firstIndex);
    this.boundary = boundary;
    return dropped.reduce((sum, entry) => sum + entryRecordBytes(0, entry.data.length), 0);
  }

  /** An empty state of the same class. */
  fresh(): MemoryState {
    return new MemoryState();
  }

  /** A state of its own; entries and snapshots are shared, since neither ever changes. */
  clone(): MemoryState {
    const copy = this.fresh();
    copy.boundary = this.boundary;
    copy.entries = this.entries.slice();
    copy.hardState = this.hardState;
    copy.heldSnapshot = this.heldSnapshot;
    copy.olderSnapshots = this.olderSnapshots;
    copy.unfitUntil = this.unfitUntil;
    return copy;
  }
}
