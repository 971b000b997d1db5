import type { HardState } from '../../../../src/index.js';
import type { Random } from '../../../../sim/index.js';
import type { PlannedEntries, PlannedSave } from '../announcement.js';
import type { Text } from '../text.js';

const CANDIDATES = ['n1', 'n2', 'n3'];
/** Uncommitted entries above which commit is made to follow. */
const UNCOMMITTED_MAX = 2_000;

/** An entry of which it matters only whether it carries a line. */
export interface TailEntry {
  readonly isLine: boolean;
}

/**
 * What comes next: drawn at random, but always what a correct Raft might ask of its log. Leaders change, terms
 * rise, votes are given, uncommitted suffixes are written anew, commit follows. Lines dropped in a conflict are
 * proposed again, so the committed entries are the text in order, whatever happened on the way.
 */
export class Proposals {
  readonly #random: Random;
  readonly #text: Text;
  #hardState: HardState;
  #lastIndex: number;
  #nextLine: number;
  /** Term of the leader whose entries are written; behind the hard state's until the new one's no-op. */
  #leaderTerm: number;
  /** Of each uncommitted entry, from commit + 1 on, whether it carries a line. */
  #uncommitted: boolean[];

  constructor(
    random: Random,
    text: Text,
    start: {
      readonly hardState: HardState;
      readonly lastIndex: number;
      readonly lastTerm: number;
      readonly nextLine: number;
      readonly uncommitted: readonly TailEntry[];
    },
  ) {
    this.#random = random;
    this.#text = text;
    this.#hardState = start.hardState;
    this.#lastIndex = start.lastIndex;
    this.#leaderTerm = start.lastTerm;
    this.#nextLine = start.nextLine;
    this.#uncommitted = start.uncommitted.map((entry) => entry.isLine);
  }

  next(): PlannedSave {
    const draw = this.#random.fraction();
    if (draw < 0.02 || this.#hardState.term === 0) return this.#vote();
    if (draw < 0.05) return this.#newLeader();
    if (draw < 0.15) return { hardState: this.#advanceCommit() };
    return this.#append();
  }

  /** A term begins, and a vote is given in it; nobody has won yet. */
  #vote(): PlannedSave {
    const term = this.#hardState.term + 1 + this.#random.below(2);
    const vote = this.#random.chance(0.9) ? this.#random.pick(CANDIDATES) : null;
    this.#hardState = { ...this.#hardState, term, vote };
    return { hardState: vote === null ? { term } : { term, vote } };
  }

  /** A leader that held less than we do: one frame with its term, and our uncommitted suffix written anew. */
  #newLeader(): PlannedSave {
    const { hardState } = this.#vote();
    const { commit } = this.#hardState;
    const first = commit + 1 + this.#random.below(this.#lastIndex - commit + 1);
    const isExplicit = first <= this.#lastIndex && this.#random.chance(0.3);
    this.#dropFrom(first);
    const entries = this.#entries();
    return {
      ...(isExplicit ? { truncateFrom: first } : {}),
      entries,
      ...(hardState === undefined ? {} : { hardState }),
    };
  }

  #append(): PlannedSave {
    const entries = this.#entries();
    if (this.#random.chance(0.5) && this.#uncommitted.length <= UNCOMMITTED_MAX) return { entries };
    return { entries, hardState: this.#advanceCommit() };
  }

  /** The next lines of the text, behind a no-op if the term is new. */
  #entries(): PlannedEntries {
    const { term } = this.#hardState;
    const first = this.#lastIndex + 1;
    const hasNoOp = term > this.#leaderTerm;
    const line = this.#nextLine;
    const lineCount = this.#text.fitting(line, this.#batchSize());
    this.#leaderTerm = term;
    this.#lastIndex += lineCount + (hasNoOp ? 1 : 0);
    this.#nextLine += lineCount;
    if (hasNoOp) this.#uncommitted.push(false);
    for (let n = 0; n < lineCount; n++) this.#uncommitted.push(true);
    return { first, term, hasNoOp, line, lineCount };
  }

  #batchSize(): number {
    const draw = this.#random.fraction();
    if (draw < 0.3) return 1;
    return draw < 0.97 ? 2 + this.#random.below(63) : 65 + this.#random.below(960);
  }

  #dropFrom(index: number): void {
    const dropped = this.#uncommitted.splice(index - this.#hardState.commit - 1);
    this.#nextLine -= dropped.filter((isLine) => isLine).length;
    this.#lastIndex = index - 1;
  }

  /** Commit moves up, and leaves some entries uncommitted for the next leader to drop. */
  #advanceCommit(): { commit: number } {
    const { commit } = this.#hardState;
    const target = Math.max(commit, this.#lastIndex - this.#random.below(300));
    this.#uncommitted.splice(0, target - commit);
    this.#hardState = { ...this.#hardState, commit: target };
    return { commit: target };
  }
}
