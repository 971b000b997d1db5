import { entryChecksum } from '../../src/format/entry-checksum.js';
import type { Entry, HardState } from '../../src/raft-log/contract.js';
import type { LogView } from '../../src/raft-log/rules/log-view.js';

/** The data that every entry of these tests has, unless it says otherwise. */
export const DATA: Uint8Array = Uint8Array.of(1, 2, 3);

/** An entry with {@link DATA}. */
export function entry(index: number, term: number, data: Uint8Array = DATA): Entry {
  return { index, term, data };
}

/** Entries from `from` on, with these terms. */
export function entriesOf(from: number, ...terms: number[]): Entry[] {
  return terms.map((term, offset) => entry(from + offset, term));
}

/** How a {@link logOfTerms} differs from a fit log without a snapshot. */
export interface LogState {
  readonly hardState?: Partial<HardState>;
  readonly boundary?: { readonly index: number; readonly term: number };
  readonly snapshot?: { readonly index: number; readonly term: number };
  readonly unfitUntil?: number;
  /** Entries whose checksums are no longer in memory. */
  readonly forgotten?: readonly number[];
}

/** A view of a log whose entries, from the boundary on, have these terms. Its term is 9 unless given. */
export function logOfTerms(terms: readonly number[], state: LogState = {}): LogView {
  const boundary = state.boundary ?? { index: 0, term: 0 };
  const term = (index: number): number => {
    const found = index === boundary.index ? boundary.term : terms[index - boundary.index - 1];
    if (found === undefined)
      throw new Error(`a judgement asked for the term of ${String(index)}, which is not held`);
    return found;
  };
  const lastIndex = boundary.index + terms.length;
  return {
    firstIndex: boundary.index + 1,
    lastIndex,
    lastTerm: term(lastIndex),
    hardState: { term: 9, vote: null, commit: 0, ...state.hardState },
    snapshot: state.snapshot ?? null,
    stable: new Map(),
    unfitUntil: state.unfitUntil ?? 0,
    term,
    checksum: (index) =>
      state.forgotten?.includes(index) === true ? undefined : entryChecksum(index, term(index), 0, DATA),
  };
}
