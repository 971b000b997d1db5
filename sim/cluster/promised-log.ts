import type { RaftLog } from '../../src/raft-log/contract.js';
import type { RepairedLog } from '../../src/raft-log/repair/repair-plan.js';
import type { ReadySave } from '../raft/index.js';

/** A node's log as terms by index, and what it must never forget. */
export interface PromisedState {
  readonly term: number;
  readonly vote: string | null;
  readonly commit: number;
  /** Nothing is known of indexes below; 0 unless a snapshot replaced the log. */
  readonly boundaryIndex: number;
  readonly boundaryTerm: number;
  /** Terms of the entries behind the boundary. */
  readonly terms: readonly number[];
}

/** A save that was issued and whose fate is not known yet. */
export interface PendingPromise {
  readonly after: PromisedState;
}

const NOTHING: PromisedState = {
  term: 0,
  vote: null,
  commit: 0,
  boundaryIndex: 0,
  boundaryTerm: 0,
  terms: [],
};

/**
 * What one node's disk must hold: the last acknowledged save, and one more state for each save issued since. A
 * crash may leave any of them, whole saves in order. Built from what the Raft asked for, never from what the
 * store says.
 */
export class PromisedLog {
  #kept: PromisedState = NOTHING;
  #pending: PendingPromise[] = [];
  #snapshotIndex = 0;
  #onceKept: PromisedState | null = null;

  /** What surely survives. */
  get kept(): PromisedState {
    return this.#kept;
  }

  /** What survived before its end was given up, by a repair that said so; null as long as nothing was. */
  get onceKept(): PromisedState | null {
    return this.#onceKept;
  }

  /**
   * A repair, which had settled what was there, left this. It may give up the vote, and goes to a higher term then; never
   * falls one, or changes a vote within one.
   */
  giveUp({
    lastIndex,
    hardState: { term, vote, commit },
  }: Pick<RepairedLog, 'lastIndex' | 'hardState'>): void {
    const before = this.#kept;
    if (term < before.term || (term === before.term && vote !== before.vote))
      throw new Error(`a repair left term ${String(term)}, vote ${String(vote)} of ${describeState(before)}`);
    this.#onceKept = before;
    const terms = before.terms.slice(0, Math.max(0, lastIndex - before.boundaryIndex));
    this.#kept = { ...before, term, vote, commit: Math.min(before.commit, commit), terms };
  }

  /** What will be there once all that was issued is durable. */
  get newest(): PromisedState {
    return this.#pending.at(-1)?.after ?? this.#kept;
  }

  get pendingCount(): number {
    return this.#pending.length;
  }

  /** The Raft wants this saved; `writes` false: the host leaves it out, and only reports it in its turn. */
  issue(save: ReadySave, writes: boolean): PendingPromise {
    const pending = { after: writes ? stateAfter(this.newest, save) : this.newest };
    this.#pending.push(pending);
    return pending;
  }

  /** The store said that it is durable. */
  keep(pending: PendingPromise): void {
    if (this.#pending[0] !== pending) throw new Error('saves must be acknowledged in order');
    this.#pending.shift();
    const { commit } = this.#kept;
    this.#kept = { ...pending.after, commit: Math.max(commit, pending.after.commit) };
  }

  /** Refused for want of room: nothing of it exists, nor of what was issued behind it. */
  refuse(pending: PendingPromise): void {
    const at = this.#pending.indexOf(pending);
    if (at >= 0) this.#pending.length = at;
  }

  /** A snapshot of the node's own state is durable; a log that has one is committed up to there. */
  snapshotKept(index: number): void {
    this.#snapshotIndex = Math.max(this.#snapshotIndex, index);
    const { commit } = this.#kept;
    this.#kept = { ...this.#kept, commit: Math.max(commit, index) };
  }

  /**
   * Holds a log that was just opened against the promises; what is found is then itself the promise.
   *
   * @returns how many of the pending saves survived, or null if it is none of the states that may be left.
   */
  settle(log: RaftLog): { readonly survived: number; readonly pending: number } | null {
    const states = [this.#kept, ...this.#pending.map(({ after }) => after)];
    const survived = states.findLastIndex((state) => isStateOf(log, state));
    const found = states[survived];
    const { commit } = log.hardState;
    if (found === undefined || commit < this.#kept.commit) return null;
    if ((log.snapshot?.index ?? 0) < this.#snapshotIndex) return null;
    const pending = this.#pending.length;
    this.#kept = { ...found, commit };
    this.#pending = [];
    return { survived, pending };
  }

  /** The states that may be found, one line each. */
  lines(): string[] {
    return [this.#kept, ...this.#pending.map(({ after }) => after)].map(describeState);
  }
}

/** Term of an index; null if it is not held, or not known. */
export function termAt(state: PromisedState, index: number): number | null {
  if (index === state.boundaryIndex) return state.boundaryTerm;
  return state.terms[index - state.boundaryIndex - 1] ?? null;
}

export function lastIndexOf(state: PromisedState): number {
  return state.boundaryIndex + state.terms.length;
}

export function describeState(state: PromisedState): string {
  const { term, vote, commit, boundaryIndex } = state;
  const last = lastIndexOf(state);
  return `term ${String(term)}, vote ${String(vote)}, commit at least ${String(commit)}; entries behind ${String(boundaryIndex)} to ${String(last)}, last term ${String(termAt(state, last))}`;
}

export function describeLog({ hardState, firstIndex, lastIndex, lastTerm, snapshot }: RaftLog): string {
  const { term, vote, commit } = hardState;
  return `term ${String(term)}, vote ${String(vote)}, commit ${String(commit)}; entries ${String(firstIndex)}..${String(lastIndex)}, last term ${String(lastTerm)}; snapshot at ${String(snapshot?.index ?? 0)}`;
}

function stateAfter(before: PromisedState, save: ReadySave): PromisedState {
  const { snapshot, entries } = save;
  const hardState = save.hardState ?? before;
  const head = {
    term: hardState.term,
    vote: hardState.vote,
    commit: Math.max(before.commit, hardState.commit),
  };
  if (snapshot !== undefined) {
    const commit = Math.max(head.commit, snapshot.index);
    // A log that holds the snapshot's last entry keeps what follows it.
    if (termAt(before, snapshot.index) === snapshot.term) return { ...before, ...head, commit };
    return { ...head, commit, boundaryIndex: snapshot.index, boundaryTerm: snapshot.term, terms: [] };
  }
  const { boundaryIndex, boundaryTerm } = before;
  const from = Math.min(save.truncateFrom ?? Infinity, entries[0]?.index ?? Infinity);
  if (from === Infinity) return { ...before, ...head };
  const terms = before.terms.slice(0, Math.max(0, from - boundaryIndex - 1));
  for (const entry of entries) terms.push(entry.term);
  return { ...head, boundaryIndex, boundaryTerm, terms };
}

function isStateOf(log: RaftLog, state: PromisedState): boolean {
  const { term, vote } = log.hardState;
  if (log.lastIndex !== lastIndexOf(state) || term !== state.term || vote !== state.vote) return false;
  for (let index = Math.max(log.firstIndex - 1, state.boundaryIndex); index <= log.lastIndex; index += 1)
    if (index > 0 && log.term(index) !== termAt(state, index)) return false;
  return true;
}
