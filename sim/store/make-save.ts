import type { Entry, SaveRequest } from '../../src/raft-log/contract.js';
import type { ModelSave } from '../oracle/apply-save.js';
import {
  firstIndexOf,
  lastIndexOf,
  lastTermOf,
  type LogState,
  modelEntry,
  type ModelEntry,
} from '../oracle/log-state.js';
import type { SaveOp, ValueChange, WrongSave } from '../plan/plan.js';
import { subSeed } from '../world/random.js';
import { payloadOf } from './payload.js';

/** A batch beyond a larger limit would cost more than it shows. */
const LARGE_BYTES_MAX = 1_000_000;

/** What a save of a plan comes to, given the state that it follows. */
export function makeSave(
  op: SaveOp,
  state: LogState,
  seed: number,
  batchBytesMax: number = Infinity,
): ModelSave {
  const { hardState } = state;
  const last = lastIndexOf(state);
  const floor = Math.max(hardState.commit, state.boundary.index, state.snapshot?.index ?? 0);
  const make = (from: number, count: number, bytes: number, term: number): ModelEntry[] =>
    makeEntries(from, count, bytes, term, seed);
  const top = Math.max(hardState.term, lastTermOf(state), 1);
  switch (op.kind) {
    case 'append': {
      const { count, raise, climbs = 0 } = op;
      const entries = make(last + 1, count, op.bytes, top + raise).map((entry, at) =>
        climbs === 0 ? entry : modelEntry(entry.index, entry.term + at * climbs, entry.kind, entry.data),
      );
      return withTerm(state, entries, top + raise + (count - 1) * climbs);
    }
    case 'conflict': {
      const from = Math.max(floor + 1, last + 1 - op.depth);
      return withTerm(state, make(from, op.count + 1, op.bytes, top + 1), top + 1);
    }
    case 'resend': {
      const from = Math.max(firstIndexOf(state), last + 1 - op.depth);
      const held = state.entries.slice(from - firstIndexOf(state));
      const more = op.count === 0 ? [] : make(last + 1, op.count, op.bytes, top);
      return withTerm(state, [...held, ...more], Math.max(hardState.term, op.count === 0 ? 0 : top));
    }
    case 'truncate':
      return { truncateFrom: Math.max(floor + 1, last + 1 - op.depth) };
    case 'vote': {
      const term = hardState.term + op.raise;
      // In one term there is one vote.
      const vote = op.raise === 0 && hardState.vote !== null ? hardState.vote : op.candidate;
      return { hardState: { term, vote } };
    }
    case 'commit':
      return { hardState: { commit: hardState.commit + Math.round(op.share * (last - hardState.commit)) } };
    case 'empty':
      return {};
    case 'values':
      return { stable: makeValues(op.values, seed) };
    case 'mixed':
      return {
        ...makeMixed(op, state, make),
        ...(op.values === undefined ? {} : { stable: makeValues(op.values, seed) }),
      };
    case 'wrong':
      return makeWrong(op.which, state, make, batchBytesMax);
  }
}

/** What a new leader's message and a vote may come to in one save, each part given or not. */
function makeMixed(
  op: Extract<SaveOp, { kind: 'mixed' }>,
  state: LogState,
  make: (from: number, count: number, bytes: number, term: number) => ModelEntry[],
): ModelSave {
  const { hardState } = state;
  const floor = Math.max(hardState.commit, state.boundary.index, state.snapshot?.index ?? 0);
  const end = lastIndexOf(state) + 1;
  const from = op.depth === null ? end : Math.max(floor + 1, end - op.depth);
  const term = Math.max(hardState.term, lastTermOf(state), 1) + op.raise;
  const last = from + op.count - 1;
  const isVoteOpen = term > hardState.term || hardState.vote === null;
  return {
    ...(op.depth === null ? {} : { truncateFrom: from }),
    ...(op.count === 0 ? {} : { entries: make(from, op.count, op.bytes, term) }),
    hardState: {
      ...(term > hardState.term ? { term } : {}),
      ...(isVoteOpen ? { vote: op.candidate } : {}),
      ...(op.share === null
        ? {}
        : { commit: hardState.commit + Math.round(op.share * (last - hardState.commit)) }),
    },
  };
}

function makeValues(values: readonly ValueChange[], seed: number): ReadonlyMap<string, Uint8Array | null> {
  return new Map(
    values.map(({ key, bytes }, at) => [
      `${'\uFEFF'.repeat(key % 2)}value-${key}`,
      bytes === null ? null : payloadOf(subSeed(seed, at), bytes),
    ]),
  );
}

function withTerm(state: LogState, entries: readonly ModelEntry[], term: number): ModelSave {
  return term > state.hardState.term ? { entries, hardState: { term } } : { entries };
}

function makeEntries(from: number, count: number, bytes: number, term: number, seed: number): ModelEntry[] {
  return Array.from({ length: count }, (_, at) => {
    const own = subSeed(seed, at);
    // Sizes differ within a batch, and now and then an entry is a leader's no-op.
    const length = own % 11 === 0 ? 0 : bytes - Math.min(bytes, own % 7);
    return modelEntry(from + at, term, own % 5 === 0 ? own & 0xff : 0, payloadOf(own, length));
  });
}

/** A request that breaks one rule, where the state has what it takes; else one that breaks none. */
function makeWrong(
  which: WrongSave,
  state: LogState,
  make: (from: number, count: number, bytes: number, term: number) => ModelEntry[],
  batchBytesMax: number,
): ModelSave {
  const { term, vote, commit } = state.hardState;
  const last = lastIndexOf(state);
  switch (which) {
    case 'gap':
      return { entries: make(last + 2, 1, 10, Math.max(term, 1)) };
    case 'term-falls':
      return { hardState: { term: Math.max(0, term - 1) } };
    case 'vote-changes':
      return { hardState: { vote: vote === 'a' ? 'b' : vote === null ? null : 'a' } };
    case 'commit-falls':
      return commit > (state.snapshot?.index ?? 0) + 1 ? { hardState: { commit: commit - 1 } } : {};
    case 'cuts-committed':
      return commit > state.boundary.index ? { truncateFrom: commit } : {};
    case 'too-large':
      // An entry of a term that the hard state does not know would be refused for that.
      if (batchBytesMax > LARGE_BYTES_MAX || term === 0) return {};
      return {
        entries: [modelEntry(last + 1, Math.max(term, 1), 0, new Uint8Array(batchBytesMax + 1))],
        mustFail: 'KEELSON_TOO_LARGE',
      };
    case 'mismatch': {
      const held = state.entries[state.entries.length - 1];
      if (held === undefined) return {};
      const data = Uint8Array.from([...held.data, 1]);
      return {
        entries: [modelEntry(held.index, held.term, held.kind, data)],
        mayFail: 'KEELSON_ENTRY_MISMATCH',
      };
    }
  }
}

function copied([key, value]: readonly [string, Uint8Array | null]): [string, Uint8Array | null] {
  return [key, value === null ? null : Uint8Array.from(value)];
}

/** The request that the store is given. Its bytes are its own: they are overwritten once save has returned. */
export function requestOf(save: ModelSave): { request: SaveRequest; scribble: () => void } {
  const { truncateFrom, entries, hardState, stable } = save;
  const own: Entry[] | undefined = entries?.map(({ index, term, kind, data }) => ({
    index,
    term,
    ...(kind === 0 ? {} : { kind }),
    data: Uint8Array.from(data),
  }));
  const values = stable === undefined ? undefined : [...stable].map(copied);
  const request: SaveRequest = {
    ...(truncateFrom === undefined ? {} : { truncateFrom }),
    ...(own === undefined ? {} : { entries: own }),
    ...(hardState === undefined ? {} : { hardState }),
    ...(values === undefined ? {} : { stable: Object.fromEntries(values) }),
  };
  const scribble = (): void => {
    own?.forEach(({ data }) => data.fill(0xee));
    values?.forEach(([, value]) => value?.fill(0xee));
  };
  return { request, scribble };
}
