import type { Call, InstallCall, NotedEntry, NotedHardState, SaveCall } from './call.js';

export interface ModelSnapshot {
  readonly index: number;
  readonly term: number;
  readonly id: number;
  readonly bytes: number;
}

/** All that a log holds, as plain data; notes and files carry it. */
export interface LogState {
  readonly firstIndex: number;
  /** Term of `firstIndex - 1`. */
  readonly boundaryTerm: number;
  readonly entries: readonly NotedEntry[];
  readonly hardState: NotedHardState;
  readonly snapshot: ModelSnapshot | null;
}

export const EMPTY_LOG: LogState = {
  firstIndex: 1,
  boundaryTerm: 0,
  entries: [],
  hardState: { term: 0, vote: null, commit: 0 },
  snapshot: null,
};

export function lastIndex({ firstIndex, entries }: LogState): number {
  return firstIndex + entries.length - 1;
}

/** Of an index from `firstIndex - 1` to the last; else undefined. */
export function termAt(state: LogState, index: number): number | undefined {
  if (index === state.firstIndex - 1) return state.boundaryTerm;
  return state.entries[index - state.firstIndex]?.term;
}

/** The log after a call: the contract as a reader understands it, in the plainest words. */
export function after(state: LogState, call: Call): LogState {
  switch (call.name) {
    case 'save':
      return afterSave(state, call);
    case 'snapshot':
      return {
        ...state,
        hardState: raised(state.hardState, call.index),
        snapshot: snapshotOf(call, termAt(state, call.index) ?? -1),
      };
    case 'install':
      return afterInstall(state, call);
    case 'compact':
      if (call.upTo < state.firstIndex) return state;
      return {
        ...state,
        firstIndex: call.upTo + 1,
        boundaryTerm: termAt(state, call.upTo) ?? -1,
        entries: state.entries.slice(call.upTo + 1 - state.firstIndex),
      };
  }
}

function afterSave(state: LogState, { truncateFrom, entries = [], hardState = {} }: SaveCall): LogState {
  let kept = state.entries;
  if (truncateFrom !== undefined) kept = kept.slice(0, truncateFrom - state.firstIndex);
  for (const [at, entry] of entries.entries()) {
    const place = entry.index - state.firstIndex;
    if (place < 0 || kept[place]?.term === entry.term) continue;
    kept = [...kept.slice(0, place), ...entries.slice(at)];
    break;
  }
  const isNewTerm = (hardState.term ?? 0) > state.hardState.term;
  return {
    ...state,
    entries: kept,
    hardState: { ...state.hardState, ...(isNewTerm ? { vote: null } : {}), ...hardState },
  };
}

function afterInstall(state: LogState, call: InstallCall): LogState {
  const hardState = raised(state.hardState, call.index);
  const snapshot = snapshotOf(call, call.term);
  if (termAt(state, call.index) === call.term) return { ...state, hardState, snapshot };
  return { firstIndex: call.index + 1, boundaryTerm: call.term, entries: [], hardState, snapshot };
}

function raised(hardState: NotedHardState, commit: number): NotedHardState {
  return { ...hardState, commit: Math.max(hardState.commit, commit) };
}

function snapshotOf({ index, id, bytes }: Omit<ModelSnapshot, 'term'>, term: number): ModelSnapshot {
  return { index, term, id, bytes };
}
