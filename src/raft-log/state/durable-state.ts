import type { SnapshotMeta } from '../snapshot-contract.js';
import { KeelsonError } from '../../errors/index.js';
import type { NamedSnapshot } from '../../snapshot/index.js';
import {
  decodeBoundary,
  decodeHardState,
  decodeRaftPreamble,
  decodeSnapshotName,
  decodeUnfit,
  encodeRaftPreamble,
  RAFT_RECORD_KINDS,
  entryTermDistance,
  type SnapshotName,
} from '../../format/raft-records.js';
import type { FrameHeader } from '../../format/frame-header.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import type { Superblock } from '../../format/superblock.js';
import type { FrameRecords } from '../../format/frame-records.js';
import { OPTIONAL_KIND_FROM, type RawRecord } from '../../format/record.js';
import { decodeStable, NO_VALUES, withChange, type StableChange } from '../../format/stable-values.js';
import type { WalLayer } from '../../wal/inside.js';
import type { RunsOfTerms, SealedSegment } from '../../format/seal.js';
import type { RecoveryReport } from '../../wal/report/recovery-report.js';
import type { HardState } from '../contract.js';
import { Cuts } from '../rules/cuts.js';
import type { Joins, SnapshotsAtOpen } from '../snapshots/snapshots-at-open.js';
import { frozenHardState } from './own-copies.js';
import { TermRuns } from './term-runs.js';

/** What a durable frame did to the log. */
export interface FrameEffect {
  /** The log keeps what is below; `lastIndex + 1` if nothing was dropped. */
  readonly keepUntil: number;
  /** Terms of the entries appended from `keepUntil` on: one for all, or one each. */
  readonly entryCount: number;
  readonly terms: number | readonly number[];
  readonly hardState: HardState;
  readonly snapshot?: NamedSnapshot;
  /** The log was replaced: empty behind this boundary. */
  readonly resetTo?: { readonly index: number; readonly term: number };
  readonly compactedTo?: number;
  readonly stable?: StableChange;
  readonly unfitUntil?: number;
}

const FRESH_HARD_STATE: HardState = Object.freeze({ term: 0, vote: null, commit: 0 });

/**
 * The durable state of a Raft log: what reads show, and the meaning that replay gives to the wal's records.
 * Memory: 16 bytes a change of term, whatever the number of entries.
 */
export class DurableState implements WalLayer {
  readonly storeKind = 'raft';
  fallback: RecoveryReport['snapshotFallback'] = null;
  hardState: HardState = FRESH_HARD_STATE;
  /** The newest snapshot as the log names it. Its meta is read from its file. */
  snapshotName: SnapshotName | null = null;
  snapshotMeta: SnapshotMeta | null = null;
  /** The other snapshots that are kept, newest first. */
  olderSnapshots: readonly NamedSnapshot[] = [];
  unfitUntil = 0;
  /** The small values; never changed, but replaced. */
  stable: ReadonlyMap<string, Uint8Array> = NO_VALUES;
  readonly cuts: Cuts = new Cuts();
  #runs = new TermRuns();
  #boundary = { index: 0, term: 0 };
  readonly #snapshots: SnapshotsAtOpen | null;
  #lineage: Uint8Array = new Uint8Array();

  /** @param snapshots - null for a replay alone, whose snapshots nobody asks for */
  constructor(snapshots: SnapshotsAtOpen | null) {
    this.#snapshots = snapshots;
  }

  get firstIndex(): number {
    return this.#boundary.index + 1;
  }

  get lastIndex(): number {
    return Math.max(this.#runs.lastIndex, this.#boundary.index);
  }

  get lastTerm(): number {
    return this.term(this.lastIndex);
  }

  /** Term of an index in `firstIndex - 1 .. lastIndex`. */
  term(index: number): number {
    return index === this.#boundary.index ? this.#boundary.term : this.#runs.termAt(index);
  }

  boundary(): number {
    return this.#boundary.index;
  }

  /** The entry in front of the first, of which the term is known still. */
  get boundaryEntry(): { readonly index: number; readonly term: number } {
    return this.#boundary;
  }

  /** Every snapshot that is kept, newest first. */
  get snapshots(): readonly NamedSnapshot[] {
    const { snapshotName: ref, snapshotMeta: meta } = this;
    return ref === null || meta === null ? [] : [{ ref, meta }, ...this.olderSnapshots];
  }

  /** A state of its own, over which a log may go on that has the same snapshots. */
  copy(): DurableState {
    const copy = new DurableState(this.#snapshots);
    const { hardState, snapshotName, snapshotMeta, olderSnapshots, unfitUntil, stable } = this;
    Object.assign(copy, { hardState, snapshotName, snapshotMeta, olderSnapshots, unfitUntil, stable });
    copy.#runs = this.#runs.clone();
    copy.#boundary = this.#boundary;
    return copy;
  }

  /** From now on no more than `count` snapshots are kept. */
  keepSnapshots(count: number): void {
    this.olderSnapshots = this.olderSnapshots.slice(0, count - 1);
  }

  /** Applies a frame of ours that has become durable. */
  apply(effect: FrameEffect): void {
    const { keepUntil, entryCount, terms, resetTo, snapshot, compactedTo } = effect;
    if (resetTo !== undefined) this.cuts.note(0);
    else if (keepUntil <= this.lastIndex) this.cuts.note(keepUntil);
    if (resetTo !== undefined) {
      this.#runs.reset(resetTo.index, resetTo.term);
      this.#boundary = resetTo;
    } else {
      this.#runs.truncateFrom(keepUntil);
    }
    if (typeof terms === 'number') this.#runs.appendRun(keepUntil, keepUntil + entryCount, terms);
    else terms.forEach((term, at) => this.#runs.append(keepUntil + at, term));
    this.hardState = effect.hardState;
    if (effect.unfitUntil !== undefined) this.#giveUpVotes(effect.unfitUntil);
    if (effect.stable !== undefined) this.stable = withChange(this.stable, effect.stable);
    if (snapshot !== undefined) {
      this.olderSnapshots = this.snapshots;
      this.snapshotName = snapshot.ref;
      this.snapshotMeta = snapshot.meta;
    }
    if (compactedTo !== undefined) this.#compactTo({ index: compactedTo, term: this.term(compactedTo) });
  }

  /** What was given up is not had back by what says less. */
  #giveUpVotes(until: number): void {
    this.unfitUntil = Math.max(this.unfitUntil, until);
  }

  #compactTo(boundary: { index: number; term: number }): void {
    this.#boundary = boundary;
    if (boundary.index > this.#runs.lastIndex) this.#runs.reset(boundary.index, boundary.term);
    else this.#runs.dropThrough(boundary.index);
  }

  restart(): void {
    this.hardState = FRESH_HARD_STATE;
    this.snapshotName = null;
    this.snapshotMeta = null;
    this.fallback = null;
    this.unfitUntil = 0;
    this.stable = NO_VALUES;
    this.#runs = new TermRuns();
    this.#boundary = { index: 0, term: 0 };
  }

  restorePreamble(
    { state, end, firstLsn }: Pick<SegmentHeader, 'state' | 'end' | 'firstLsn'>,
    isFirst: boolean,
  ): void {
    const preamble = decodeRaftPreamble(state);
    if (preamble === null) throw unknownRecord(firstLsn, 'the preamble of its segment');
    this.hardState = frozenHardState(preamble.hardState);
    this.snapshotName = preamble.snapshot;
    this.#giveUpVotes(preamble.unfitUntil);
    this.stable = preamble.stable;
    this.#boundary = preamble.boundary;
    if (isFirst) this.#runs.reset(end.lastIndex, end.lastTerm);
  }

  adoptSealed({ lowest, resets, until, runs }: SealedSegment): void {
    this.#dropFrom(lowest, resets);
    for (let at = 0; at < runs.length; at += 2)
      this.#runs.appendRun(runs[at] as number, runs[at + 2] ?? until, runs[at + 1] as number);
  }

  /** What lies below the oldest known index is compacted by the end of replay, so its terms do not matter. */
  #dropFrom(from: number, resets: boolean): void {
    if (resets || from <= this.#runs.boundaryIndex) this.#runs.reset(from - 1, 0);
    else this.#runs.truncateFrom(from);
  }

  replay(frame: FrameHeader, records: FrameRecords): void {
    const { from, until, resets, lowTerm, lastTerm, firstLsn } = frame;
    this.#dropFrom(from, resets);
    if (resets) {
      this.#runs.reset(from - 1, lastTerm);
      this.#boundary = { index: from - 1, term: lastTerm };
    }
    const entriesFrom = records.count - (until - from);
    records.rewind();
    for (let at = 0; records.next(); at += 1) {
      if (at < entriesFrom) this.#replayControl(records, firstLsn + at);
      else this.#replayEntry(records, from + (at - entriesFrom), lowTerm, firstLsn + at);
    }
  }

  #replayEntry(record: FrameRecords, index: number, lowTerm: number, lsn: number): void {
    const termDistance = entryTermDistance(record);
    if (Number.isNaN(termDistance)) throw unknownRecord(lsn, `a record of kind ${record.kind}`);
    this.#runs.append(index, lowTerm + termDistance);
  }

  #replayControl(record: RawRecord, lsn: number): void {
    switch (record.kind) {
      case RAFT_RECORD_KINDS.hardState: {
        const decoded = decodeHardState(record.body);
        if (decoded === null) throw unknownRecord(lsn, 'a hard state');
        this.hardState = frozenHardState(decoded.hardState);
        return;
      }
      case RAFT_RECORD_KINDS.truncation:
        return;
      case RAFT_RECORD_KINDS.snapshot: {
        const decoded = decodeSnapshotName(record.body);
        if (decoded === null) throw unknownRecord(lsn, 'a snapshot');
        this.snapshotName = decoded.name;
        return;
      }
      case RAFT_RECORD_KINDS.compaction: {
        const boundary = decodeBoundary(record.body);
        if (boundary === null) throw unknownRecord(lsn, 'a compaction');
        this.#compactTo(boundary);
        return;
      }
      case RAFT_RECORD_KINDS.stable: {
        const change = decodeStable(record.body);
        if (change === null) throw unknownRecord(lsn, 'a set of small values');
        this.stable = withChange(this.stable, change);
        return;
      }
      case RAFT_RECORD_KINDS.unfit: {
        const until = decodeUnfit(record.body);
        if (until === null) throw unknownRecord(lsn, 'a mark of unfitness');
        this.#giveUpVotes(until);
        return;
      }
      default:
        // R9: what is marked optional may be skipped by who does not know it, all else refuses.
        if (record.kind < OPTIONAL_KIND_FROM) throw unknownRecord(lsn, `a record of kind ${record.kind}`);
    }
  }

  async judged({ lineage }: Pick<Superblock, 'lineage'>): Promise<void> {
    this.#settleBoundary();
    this.#lineage = lineage;
    if (this.snapshotName === null || this.#snapshots === null) return;
    const found = await this.#snapshots.find(this.snapshotName, this.joins, lineage);
    this.snapshotName = found.ref;
    this.snapshotMeta = found.meta;
    this.fallback = found.fallback;
  }

  /** Finds the other snapshots that are kept, once the log stands: to be called when an open has settled all else. */
  async findOlder(): Promise<void> {
    if (this.snapshotName === null || this.#snapshots === null) return;
    // Of what was compacted no term is known any more; what is above must be of this history.
    const counts = (index: number, term: number): boolean =>
      index < this.#boundary.index || this.joins(index, term);
    this.olderSnapshots = await this.#snapshots.older(this.snapshotName, counts);
  }

  settle(checkFence: () => Promise<void>): Promise<readonly string[]> {
    if (this.#snapshots === null) return Promise.resolve([]);
    return this.#snapshots.settle(this.snapshotName, this.joins, this.#lineage, checkFence);
  }

  readonly joins: Joins = (index, term) =>
    index >= this.#boundary.index && index <= this.lastIndex && this.term(index) === term;

  /** What the snapshot covers is compacted, as far as it is not known: leading segments may be gone that only held that. */
  coverUnknown(): void {
    const name = this.snapshotName;
    const known = this.#runs.boundaryIndex;
    if (name !== null && known > this.#boundary.index && known <= name.index)
      this.#compactTo({ index: name.index, term: name.term });
  }

  /** An empty log behind an index. */
  beginAt(boundary: { readonly index: number; readonly term: number }): void {
    this.restart();
    this.#compactTo({ ...boundary });
  }

  /** Forgets all entries that the snapshot covers; those behind it stay. */
  compactToSnapshot(): void {
    if (this.snapshotName !== null) this.#compactTo({ ...this.snapshotName });
  }

  /** Brings the runs to the boundary that the newest record named: sealed segments may hold more below it. */
  #settleBoundary(): void {
    this.#compactTo(this.#boundary);
    const [known, needed] = [this.#runs.boundaryIndex, this.#boundary.index];
    if (known > needed)
      throw new RangeError(`entries are known from ${String(known + 1)} on, expected ${String(needed + 1)}`);
  }

  preambleState(): Uint8Array {
    const { hardState, snapshotName: snapshot, unfitUntil, stable } = this;
    return encodeRaftPreamble({ hardState, snapshot, boundary: this.#boundary, unfitUntil, stable });
  }

  termRuns(from: number, until: number): RunsOfTerms {
    if (from === until) return new Float64Array(0);
    // The oldest indexes of a segment may be compacted by now; their terms are never asked for again.
    const term = this.term(Math.max(from, this.#boundary.index));
    const more = this.#runs.startingIn(from + 1, until);
    // Of what is compacted the boundary's run is known alone, which goes on.
    const rest = more[1] === term ? more.subarray(2) : more;
    const runs = new Float64Array(2 + rest.length);
    runs[0] = from;
    runs[1] = term;
    runs.set(rest, 2);
    return runs;
  }
}

/** R9: never guessed at. */
function unknownRecord(lsn: number, what: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_INCOMPATIBLE_FORMAT',
    `the record at LSN ${lsn} is ${what} that this release cannot read. Nothing was changed. Open the log with the release that wrote it, or a newer one.`,
    { lsn },
  );
}
