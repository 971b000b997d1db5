/**
 * At stake: the judge's law. Were it to allow too much, a lost entry would pass; too little, a sound log would be
 * accused. Tried on notes written by hand, cut at each place.
 */
import { describe, expect, test } from 'vitest';
import type { Call } from '../../lab/powercut/model/call.js';
import { after, EMPTY_LOG, lastIndex, termAt, type LogState } from '../../lab/powercut/model/model-log.js';
import type { Note } from '../../lab/powercut/model/note.js';
import { NO_PAST, pastAtCut, possibleStates } from '../../lab/powercut/model/past.js';

const term = (value: number): Call => ({ name: 'save', hardState: { term: value } });
const entry = (index: number, of: number): Call => ({
  name: 'save',
  entries: [{ index, term: of, kind: 0, id: index * 100 + of, bytes: 10 }],
});
const NOTES: readonly Note[] = [
  { at: 10, what: 'opened', kept: 0, more: false },
  { at: 10, what: 'asked', seq: 0, call: term(1) },
  { at: 12, what: 'answered', seq: 0 },
  { at: 12, what: 'asked', seq: 1, call: entry(1, 1) },
  { at: 12, what: 'asked', seq: 2, call: entry(2, 1) },
  { at: 14, what: 'answered', seq: 1 },
  { at: 15, what: 'opening' },
  { at: 20, what: 'opened', kept: 1, more: true },
  { at: 21, what: 'asked', seq: 3, call: entry(3, 1) },
  { at: 23, what: 'refused', seq: 3, code: 'KEELSON_NO_SPACE' },
];

/** The lengths that a log may have at a cut, the least that is owed first. */
function lengths(cutAt: number): number[] {
  return [...possibleStates(pastAtCut(NO_PAST, NOTES, cutAt))].map(({ state }) => lastIndex(state));
}

describe('what a disk may hold', () => {
  test.each([
    [9, [0]],
    [11, [0, 0]],
    [12, [0, 1, 2]],
    [13, [0, 1, 2]],
    [14, [1, 2]],
    [19, [1, 2]],
    [22, [2, 3]],
    [23, [2]],
  ])('at cut %i: logs of %j entries', (cutAt, expected) => {
    expect(lengths(cutAt)).toEqual(expected);
  });
});

describe('the model', () => {
  const start: LogState = [term(2), entry(1, 1), entry(2, 1), entry(3, 2)].reduce(after, EMPTY_LOG);

  test('an entry of another term takes the place of all from there', () => {
    const state = after(start, entry(2, 2));
    expect([lastIndex(state), termAt(state, 2)]).toEqual([2, 2]);
  });

  test('one of the same term changes nothing, and keeps what is behind', () => {
    expect(after(start, entry(2, 1))).toEqual(start);
  });

  test('a higher term takes the vote back, unless it brings one', () => {
    const voted = after(start, { name: 'save', hardState: { vote: 'a' } });
    expect(after(voted, term(3)).hardState).toEqual({ term: 3, vote: null, commit: 0 });
    expect(after(voted, { name: 'save', hardState: { term: 3, vote: 'b' } }).hardState.vote).toBe('b');
  });

  test('a snapshot raises commit, and only a compaction moves the first index', () => {
    const taken = after(start, { name: 'snapshot', index: 2, id: 5, bytes: 3 });
    expect([taken.firstIndex, taken.hardState.commit, taken.snapshot?.term]).toEqual([1, 2, 1]);
    const compacted = after(taken, { name: 'compact', upTo: 2 });
    expect([compacted.firstIndex, compacted.boundaryTerm, lastIndex(compacted)]).toEqual([3, 1, 3]);
  });

  test('an install keeps a log that holds its index, and replaces any other', () => {
    const kept = after(start, { name: 'install', index: 3, term: 2, id: 1, bytes: 0 });
    expect([kept.firstIndex, lastIndex(kept)]).toEqual([1, 3]);
    const replaced = after(start, { name: 'install', index: 9, term: 2, id: 1, bytes: 0 });
    expect([replaced.firstIndex, lastIndex(replaced), replaced.boundaryTerm]).toEqual([10, 9, 2]);
  });
});
