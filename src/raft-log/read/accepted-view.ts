import type { AcceptedView, ReadEntry } from '../contract.js';
import { judgeRange, judgeTerm } from '../rules/judge-range.js';
import { inMemoryOptionsOf, readOptionsOf } from '../rules/read-options.js';
import type { AcceptedState } from '../state/accepted-state.js';
import { ownValues } from '../state/own-copies.js';
import type { RecentEntries } from '../state/recent-entries.js';
import { EntriesWithin } from './entries-within.js';
import type { EntryReader } from './entry-reader.js';

/** What is accepted, as a leader may see it. `checkReadable` is asked before the arguments are looked at. */
export function acceptedView(
  state: AcceptedState,
  recent: RecentEntries,
  reader: EntryReader,
  checkReadable: () => void,
): AcceptedView {
  return {
    get lastIndex() {
      return state.lastIndex;
    },
    get lastTerm() {
      return state.lastTerm;
    },
    get hardState() {
      return state.hardState;
    },
    get stable() {
      return ownValues(state.stable);
    },
    term: (index) => {
      checkReadable();
      return judgeTerm(state, index);
    },
    entries: async (from, until, options) => {
      checkReadable();
      const { bytesMax, signal } = readOptionsOf(options);
      judgeRange(state, from, until);
      return reader.accepted(state, { from, until, bytesMax, signal });
    },
    entriesInMemory: (from, until, options) => {
      checkReadable();
      const { bytesMax } = inMemoryOptionsOf(options);
      judgeRange(state, from, until);
      return acceptedInMemory(state, recent, from, until, bytesMax);
    },
  };
}

/** As of {@link EntryReader.accepted}, now; null where any of them is not in memory. */
function acceptedInMemory(
  state: AcceptedState,
  recent: RecentEntries,
  from: number,
  until: number,
  bytesMax: number,
): ReadEntry[] | null {
  const found = new EntriesWithin(bytesMax);
  for (let at = from; at < until; at = from + found.entries.length) {
    const { save, until: end } = state.stretch(at, until);
    const chunk = save === undefined ? recent.read(at, end, bytesMax) : save.entries(at, end, bytesMax);
    if (chunk === null) return null;
    if (!found.add(chunk)) break;
  }
  return found.entries;
}
