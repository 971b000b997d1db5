import type { ErrorCode } from '../../src/errors/codes.js';
import type { HardState, HardStateChange } from '../../src/raft-log/contract.js';
import {
  firstIndexOf,
  isSameHardState,
  isSameStable,
  lastIndexOf,
  type LogState,
  type ModelEntry,
  termAt,
  withEntries,
} from './log-state.js';

/** A save as the model sees it. */
export interface ModelSave {
  readonly truncateFrom?: number;
  readonly entries?: readonly ModelEntry[];
  readonly hardState?: HardStateChange;
  /** Small values that change; null for one that goes. */
  readonly stable?: ReadonlyMap<string, Uint8Array | null>;
  /** Nothing of the log is asked: it is refused with this code. */
  readonly mustFail?: ErrorCode;
  /** It may be refused with this code, and else does what is said above. */
  readonly mayFail?: ErrorCode;
}

/** What the contract says of a save: the state after it, or the codes with which it may be refused. */
export type SaveOutcome =
  | { readonly refused: null; readonly state: LogState; readonly isEmpty: boolean }
  | { readonly refused: ErrorCode };

/**
 * The contract of `save`, told a second time and from scratch: truncation, then the entries by figure 2 of the
 * Raft paper, then the hard state, then the interlocks. It shares no code with the store, which it judges.
 */
export function applySave(before: LogState, save: ModelSave): SaveOutcome {
  const refused = (code: ErrorCode): SaveOutcome => ({ refused: code });
  if (save.mustFail !== undefined) return refused(save.mustFail);
  const covered = Math.max(before.boundary.index, before.snapshot?.index ?? 0);
  let end = lastIndexOf(before) + 1;
  const { truncateFrom } = save;
  if (truncateFrom !== undefined && truncateFrom !== end) {
    if (truncateFrom > end) return refused('KEELSON_UNAVAILABLE');
    if (truncateFrom <= covered) return refused('KEELSON_COMPACTED');
    if (truncateFrom <= before.hardState.commit) return refused('KEELSON_COMMITTED_TRUNCATION');
    end = truncateFrom;
  }
  const entries = save.entries ?? [];
  const first = entries[0];
  if (first !== undefined && first.index > end) return refused('KEELSON_INDEX_GAP');
  const fresh = entries.findIndex((entry) => isNew(before, entry, end));
  let added: readonly ModelEntry[] = [];
  if (fresh >= 0) {
    added = entries.slice(fresh);
    const from = added[0]?.index ?? end;
    if (from < end && from <= before.hardState.commit) return refused('KEELSON_COMMITTED_TRUNCATION');
    if (from < end && from <= covered) return refused('KEELSON_COMPACTED');
    end = Math.min(end, from);
  }
  const { boundary, entries: merged, entriesHash, snapshot } = withEntries(before, end, added);
  const hardState = mergeHardState(before, save.hardState);
  const stable = mergeStable(before.stable, save.stable);
  const state = { boundary, entries: merged, entriesHash, hardState, snapshot, stable };
  const fault = interlock(before, state, termAt(before, end - 1) ?? boundary.term, added);
  if (fault !== null) return refused(fault);
  if (isTooLarge(before.stable, stable)) return refused('KEELSON_TOO_LARGE');
  const isEmpty =
    end > lastIndexOf(before) &&
    added.length === 0 &&
    isSameHardState(hardState, before.hardState) &&
    isSameStable(stable, before.stable);
  return { refused: null, state: isEmpty ? before : state, isEmpty };
}

/** True for the first entry that the log does not hold, or holds with another term. */
function isNew(before: LogState, entry: ModelEntry, end: number): boolean {
  if (entry.index >= end) return true;
  return entry.index >= firstIndexOf(before) && termAt(before, entry.index) !== entry.term;
}

function mergeHardState(before: LogState, change: HardStateChange | undefined): HardState {
  if (change === undefined) return before.hardState;
  const { hardState: old, snapshot } = before;
  const term = change.term ?? old.term;
  const vote = change.vote !== undefined ? change.vote : term > old.term ? null : old.vote;
  const isStale = change.commit !== undefined && snapshot !== null && change.commit <= snapshot.index;
  return { term, vote, commit: isStale ? old.commit : (change.commit ?? old.commit) };
}

function mergeStable(before: LogState['stable'], change: ModelSave['stable']): LogState['stable'] {
  if (change === undefined) return before;
  const after = new Map(before);
  for (const [key, value] of change) {
    if (value === null) after.delete(key);
    else after.set(key, Buffer.from(value).toString('hex'));
  }
  return after;
}

function isTooLarge(before: LogState['stable'], after: LogState['stable']): boolean {
  let bytes = 0;
  for (const [key, value] of after) bytes += Buffer.byteLength(key) + value.length / 2;
  return !isSameStable(before, after) && (after.size > 32 || bytes > 4096);
}

function interlock(
  before: LogState,
  after: LogState,
  termBefore: number,
  added: readonly ModelEntry[],
): ErrorCode | null {
  let floor = termBefore;
  for (const { term } of added) {
    if (term < floor) return 'KEELSON_TERM_REGRESSION';
    floor = term;
  }
  const { hardState: old } = before;
  const { hardState } = after;
  if (hardState.term < old.term) return 'KEELSON_TERM_REGRESSION';
  if (hardState.term === old.term && old.vote !== null && hardState.vote !== old.vote)
    return 'KEELSON_VOTE_CONFLICT';
  if (hardState.commit < old.commit) return 'KEELSON_COMMIT_REGRESSION';
  if (hardState.commit > lastIndexOf(after)) return 'KEELSON_UNAVAILABLE';
  return floor > hardState.term && added.length > 0 ? 'KEELSON_TERM_REGRESSION' : null;
}

/** The state with a snapshot taken of it, or installed while it holds `(index, term)`: no entry is dropped. */
export function withSnapshot(before: LogState, snapshot: NonNullable<LogState['snapshot']>): LogState {
  const commit = Math.max(before.hardState.commit, snapshot.index);
  const { boundary, entries, entriesHash, stable } = before;
  const { term, vote } = before.hardState;
  return { boundary, entries, entriesHash, hardState: { term, vote, commit }, snapshot, stable };
}

/** The state that a snapshot replaces whole. */
export function replacedBy(
  before: LogState,
  snapshot: NonNullable<LogState['snapshot']>,
  hardState: HardState,
): LogState {
  const { index, term } = snapshot;
  const commit = Math.max(before.hardState.commit, hardState.commit, index);
  return {
    boundary: { index, term },
    entries: [],
    entriesHash: 0,
    hardState: { term: hardState.term, vote: hardState.vote, commit },
    snapshot,
    stable: before.stable,
  };
}
