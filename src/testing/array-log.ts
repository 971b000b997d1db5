import type { ErrorCode } from '../errors/index.js';
import type { HardState, SaveRequest } from '../raft-log/contract.js';
import { dataOf, kindOf, snapshotAt } from './scene.js';

/**
 * A Raft log as naive as it can be, to hold stores against: an array of terms behind a boundary, changed one
 * entry at a time by the letter of the paper's figure 2. Contents follow from index and term.
 *
 * It shares no code with the judgements of the stores, so that a mistake there is not repeated here.
 */
export class ArrayLog {
  boundary = 0;
  boundaryTerm = 0;
  terms: number[] = [];
  hardState: HardState = { term: 0, vote: null, commit: 0 };
  snapshot: { readonly index: number; readonly term: number } | null = null;

  get lastIndex(): number {
    return this.boundary + this.terms.length;
  }
  get lastTerm(): number {
    return this.termAt(this.lastIndex);
  }
  termAt(index: number): number {
    return index === this.boundary ? this.boundaryTerm : (this.terms[index - this.boundary - 1] ?? NaN);
  }

  clone(): ArrayLog {
    return Object.assign(new ArrayLog(), this, { terms: [...this.terms] });
  }

  /** The log after a save, or the code by which it is refused. */
  save(request: SaveRequest): ArrayLog | ErrorCode {
    const after = this.clone();
    const { truncateFrom, entries = [], hardState = {} } = request;
    if (truncateFrom !== undefined && truncateFrom <= after.lastIndex) {
      if (truncateFrom <= Math.max(this.boundary, this.snapshot?.index ?? 0)) return 'KEELSON_COMPACTED';
      if (truncateFrom <= this.hardState.commit) return 'KEELSON_COMMITTED_TRUNCATION';
      after.#cut(truncateFrom);
    } else if (truncateFrom !== undefined && truncateFrom > after.lastIndex + 1) {
      return 'KEELSON_UNAVAILABLE';
    }
    if (entries[0] !== undefined && entries[0].index > after.lastIndex + 1) return 'KEELSON_INDEX_GAP';
    let fell = false;
    let highest = 0;
    for (const { index, term } of entries) {
      if (index <= this.boundary) continue;
      if (index <= after.lastIndex) {
        if (after.termAt(index) === term) continue;
        if (index <= this.hardState.commit) return 'KEELSON_COMMITTED_TRUNCATION';
        after.#cut(index);
      }
      if (term < after.lastTerm) fell = true;
      highest = Math.max(highest, term);
      after.terms.push(term);
    }
    if (fell) return 'KEELSON_TERM_REGRESSION';
    const refusal = after.#change(hardState);
    if (refusal !== null) return refusal;
    return highest > after.hardState.term ? 'KEELSON_TERM_REGRESSION' : after;
  }

  /** The log after a snapshot of its own. */
  createSnapshot(index: number): ArrayLog | ErrorCode {
    if (this.snapshot !== null && index <= this.snapshot.index) return 'KEELSON_SNAPSHOT_OUT_OF_DATE';
    if (index > this.lastIndex) return 'KEELSON_UNAVAILABLE';
    const after = this.clone();
    after.snapshot = { index, term: this.termAt(index) };
    after.hardState = { ...this.hardState, commit: Math.max(this.hardState.commit, index) };
    return after;
  }

  /** The log after a leader's snapshot. */
  installSnapshot(index: number, term: number): ArrayLog | ErrorCode {
    if (this.snapshot?.index === index && this.snapshot.term === term) return this;
    if (this.snapshot !== null && index <= this.snapshot.index) return 'KEELSON_SNAPSHOT_OUT_OF_DATE';
    const isHeld = index <= this.lastIndex && this.termAt(index) === term;
    if (!isHeld && index <= this.hardState.commit) return 'KEELSON_COMMITTED_TRUNCATION';
    if (term > this.hardState.term) return 'KEELSON_TERM_REGRESSION';
    const after = this.clone();
    if (!isHeld) {
      after.boundary = index;
      after.boundaryTerm = term;
      after.terms = [];
    }
    after.snapshot = { index, term };
    after.hardState = { ...this.hardState, commit: Math.max(this.hardState.commit, index) };
    return after;
  }

  /** The log after a compaction. */
  compact(upTo: number): ArrayLog | ErrorCode {
    if (upTo <= this.boundary) return this;
    if (upTo > (this.snapshot?.index ?? 0)) return 'KEELSON_UNAVAILABLE';
    const after = this.clone();
    after.boundaryTerm = this.termAt(upTo);
    after.terms = this.terms.slice(upTo - this.boundary);
    after.boundary = upTo;
    return after;
  }

  /** What `portraitOf` must show of a store in this state. */
  portrait(): unknown {
    const indexes = this.terms.map((_, offset) => this.boundary + 1 + offset);
    const meta = this.snapshot === null ? null : { ...this.snapshot, ...snapshotBytes(this.snapshot.index) };
    return {
      firstIndex: this.boundary + 1,
      lastIndex: this.lastIndex,
      lastTerm: this.lastTerm,
      hardState: this.hardState,
      snapshot: meta === null ? null : { ...meta, data: [...dataOf(meta.index, 99)] },
      snapshotMeta: meta,
      terms: [this.boundaryTerm, ...this.terms],
      entries: indexes.map((index) => {
        const term = this.termAt(index);
        return { index, term, kind: kindOf(index, term), data: [...dataOf(index, term)] };
      }),
    };
  }

  #cut(from: number): void {
    this.terms.length = from - this.boundary - 1;
  }

  #change(change: Partial<HardState>): ErrorCode | null {
    const before = this.hardState;
    const term = change.term ?? before.term;
    if (term < before.term) return 'KEELSON_TERM_REGRESSION';
    const vote = 'vote' in change ? (change.vote ?? null) : term > before.term ? null : before.vote;
    if (term === before.term && before.vote !== null && vote !== before.vote) return 'KEELSON_VOTE_CONFLICT';
    const isCovered = this.snapshot !== null && (change.commit ?? 0) <= this.snapshot.index;
    const commit = change.commit === undefined || isCovered ? before.commit : change.commit;
    if (commit < before.commit) return 'KEELSON_COMMIT_REGRESSION';
    if (commit > before.commit && commit > this.lastIndex) return 'KEELSON_UNAVAILABLE';
    this.hardState = { term, vote, commit };
    return null;
  }
}

function snapshotBytes(index: number): { conf: number[]; bytes: number } {
  const { conf, data } = snapshotAt(index);
  return { conf: [...conf], bytes: data.length };
}
