import type { Call, NotedEntry, NotedHardState, SaveCall } from '../model/call.js';
import { lastIndex, termAt, type LogState } from '../model/model-log.js';
import type { Random } from '../random.js';

/**
 * What a Raft server might ask next of a log in this state, all saves that were accepted included. Entries of up to
 * 60 KB do not fit behind one another in segments of 64 KiB, so that files change often.
 */
export function nextSave(random: Random, state: LogState): SaveCall {
  const { hardState } = state;
  if (hardState.term === 0) return { name: 'save', hardState: nextTerm(random, hardState) };
  switch (random.between(0, 11)) {
    case 0:
      return { name: 'save', hardState: nextTerm(random, hardState) };
    case 1:
      return conflict(random, state);
    case 2:
      return truncation(random, state);
    case 3:
      return { name: 'save', hardState: { commit: random.between(hardState.commit, lastIndex(state)) } };
    case 4:
    case 5: {
      const entries = newEntries(random, lastIndex(state) + 1, random.between(2, 24), hardState.term);
      return {
        name: 'save',
        entries,
        hardState: { commit: random.between(hardState.commit, lastIndex(state)) },
      };
    }
    case 6:
      return repeated(random, state);
    default:
      return { name: 'save', entries: newEntries(random, lastIndex(state) + 1, 1, hardState.term) };
  }
}

/** A call that waits until no save is under way, so that there is one order of all. Null: there is nothing to do. */
export function nextRare(random: Random, state: LogState): Call | null {
  const last = lastIndex(state);
  const { snapshot, hardState, firstIndex } = state;
  if (hardState.term === 0) return null;
  const held = snapshot?.index ?? 0;
  const content = { id: newId(random), bytes: random.one([0, 100, 5_000, 70_000]) };
  switch (random.between(0, 5)) {
    case 0: {
      const isInLog = random.chance(0.4) && Math.max(held + 1, firstIndex) <= last;
      const index = isInLog
        ? random.between(Math.max(held + 1, firstIndex), last)
        : last + random.between(1, 9);
      return { name: 'install', index, term: termAt(state, index) ?? hardState.term, ...content };
    }
    case 1:
    case 2:
      return held < firstIndex ? null : { name: 'compact', upTo: random.between(firstIndex, held) };
    default: {
      const least = Math.max(held + 1, firstIndex);
      return least > last ? null : { name: 'snapshot', index: random.between(least, last), ...content };
    }
  }
}

function nextTerm(random: Random, { term }: NotedHardState): Partial<NotedHardState> {
  return { term: term + random.between(1, 3), vote: random.one([null, 'node-1', 'node-2']) };
}

function conflict(random: Random, state: LogState): SaveCall {
  const term = state.hardState.term + 1;
  const index = anUncommitted(random, state);
  return {
    name: 'save',
    entries: newEntries(random, index, random.between(1, 5), term),
    hardState: { term, vote: random.one([null, 'node-3']) },
  };
}

function truncation(random: Random, state: LogState): SaveCall {
  const truncateFrom = anUncommitted(random, state);
  if (random.chance(0.5)) return { name: 'save', truncateFrom };
  return { name: 'save', truncateFrom, entries: newEntries(random, truncateFrom, 1, state.hardState.term) };
}

/** Entries that are held already, with new ones behind them: nothing of what is there may change. */
function repeated(random: Random, state: LogState): SaveCall {
  const again = state.entries.slice(-random.between(1, 4));
  const news = newEntries(random, lastIndex(state) + 1, 1, state.hardState.term);
  return { name: 'save', entries: [...again, ...news] };
}

/** An index behind the commit index and the snapshot, at most one above the last. */
function anUncommitted(random: Random, state: LogState): number {
  const fixed = Math.max(state.hardState.commit, state.firstIndex - 1, state.snapshot?.index ?? 0);
  const last = lastIndex(state);
  return random.between(Math.max(fixed + 1, last - 8), Math.max(fixed + 1, last + 1));
}

function newEntries(random: Random, from: number, count: number, term: number): NotedEntry[] {
  return Array.from({ length: count }, (_, at) => ({
    index: from + at,
    term,
    kind: random.one([0, 0, 0, 1, 255]),
    id: newId(random),
    bytes: count === 1 ? random.one([0, 16, 120, 120, 256, 256, 700, 4_000, 60_000]) : random.between(0, 600),
  }));
}

function newId(random: Random): number {
  return random.seed();
}
