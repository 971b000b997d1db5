// A server that may have forgotten its vote must not give a second one in the same term, not even in the last there is.
// Both ends of the terms are tried, and the bounds that a mark may have.
import { describe, expect, it } from 'vitest';
import { giveUpVotes } from '../../src/raft-log/rules/give-up-votes.js';
import { DurableState } from '../../src/raft-log/state/durable-state.js';

const MAX = Number.MAX_SAFE_INTEGER;

describe('giveUpVotes', () => {
  it.each([0, 1, MAX - 1])('stands one above term %d, without a vote, unfit until its mark', (term) => {
    expect(giveUpVotes(term, 3, 7)).toEqual({
      hardState: { term: term + 1, vote: null, commit: 3 },
      unfitUntil: 7,
    });
  });

  it('never votes again behind the last term, above which there is none', () => {
    expect(giveUpVotes(MAX, 3, 7)).toEqual({
      hardState: { term: MAX, vote: null, commit: 3 },
      unfitUntil: Infinity,
    });
  });
});

it('what was given up is not had back by a mark that says less', () => {
  const state = new DurableState(null);
  const hardState = { term: 1, vote: null, commit: 0 };
  for (const unfitUntil of [20, 50, 30])
    state.apply({ keepUntil: 1, entryCount: 0, terms: 0, hardState, unfitUntil });
  expect(state.unfitUntil).toBe(50);
});
