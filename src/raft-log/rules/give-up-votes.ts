import { LIMITS } from '../../format/limits.js';
import type { HardState } from '../contract.js';

/** What a log stands at that may have forgotten votes and entries. */
export interface GivenUpVotes {
  readonly hardState: HardState;
  readonly unfitUntil: number;
}

/**
 * A log that may have voted in any term up to `highestTerm` stands one above it, without a vote, and gives none until its
 * commit has reached `unfitUntil`. Above the last term there is none: a log that may have voted in that one never votes
 * again.
 */
export function giveUpVotes(highestTerm: number, commit: number, unfitUntil: number): GivenUpVotes {
  if (highestTerm === LIMITS.integerMax)
    return { hardState: { term: highestTerm, vote: null, commit }, unfitUntil: Infinity };
  return { hardState: { term: highestTerm + 1, vote: null, commit }, unfitUntil };
}
