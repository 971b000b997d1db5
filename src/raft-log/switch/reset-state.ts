import { KeelsonError } from '../../errors/index.js';
import type { HardState } from '../contract.js';
import { giveUpVotes } from '../rules/give-up-votes.js';
import type { ResetPoint } from '../rules/options.js';
import type { OlderLog } from './older-format.js';

/** What a reset gives up. */
export interface GivenUp {
  readonly seen: OlderLog['seen'];
  /** Null if damage keeps it from being known. */
  readonly hardState: OlderLog['hardState'] | null;
  readonly acknowledgedUntil: number;
  readonly unfitUntil: number;
  /** None where they cannot be read. */
  readonly stable: OlderLog['stable'];
  readonly damage: KeelsonError | null;
}

/** What a log that was reset begins with. */
export interface ResetState {
  readonly hardState: HardState;
  readonly unfitUntil: number;
}

/**
 * The hard state of a log that is reset to a point: term and vote are kept where they can be read, else demanded, and
 * commit becomes the point's index. Where entries that may have been acknowledged are given up, the log is unfit to
 * vote until commit has reached the last of them, and stands one term above the highest in which it may have voted.
 *
 * @throws `KEELSON_INVALID_ARGUMENT` (the hard state cannot be read, and none was given), `KEELSON_TERM_REGRESSION`,
 *   `KEELSON_VOTE_CONFLICT` (the one given takes back what the store knows).
 */
export function resetState(resetTo: ResetPoint, known: GivenUp): ResetState {
  const before = known.hardState;
  const given = resetTo.hardState;
  if (before === null && given === null) throw demanded(known.damage);
  if (before !== null && given !== null) judgeSuccessor(before, given);
  const { term, vote } = (given ?? before) as HardState;
  if (term < resetTo.term) {
    throw regression(
      'resetTo.term',
      resetTo.term,
      term,
      `the entry at ${String(resetTo.index)} is of a later term than the hard state's, ${String(term)}. Give the higher one in resetTo.hardState.`,
    );
  }
  const commit = resetTo.index;
  if (known.acknowledgedUntil <= commit)
    return { hardState: { term, vote, commit }, unfitUntil: known.unfitUntil };
  return giveUpVotes(term, commit, Math.max(known.unfitUntil, known.acknowledgedUntil));
}

function demanded(damage: KeelsonError | null): KeelsonError {
  return new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `resetTo.hardState is missing, and the store's own cannot be read: ${damage?.message ?? 'it is damaged.'} Nothing was changed. Give the highest term that this server has seen, and its vote in it.`,
    { argument: 'resetTo.hardState' },
    damage ?? undefined,
  );
}

/** A vote that was cast stays cast, whatever the host of the reset remembers. */
function judgeSuccessor(before: HardState, given: HardState): void {
  if (given.term < before.term) {
    throw regression(
      'resetTo.hardState.term',
      given.term,
      before.term,
      `the store knows of term ${String(before.term)}. Leave hardState out to keep its own.`,
    );
  }
  if (given.term > before.term || before.vote === null || given.vote === before.vote) return;
  throw new KeelsonError(
    'KEELSON_VOTE_CONFLICT',
    `resetTo.hardState.vote is ${JSON.stringify(given.vote)}, but the vote of term ${String(before.term)} went to ${JSON.stringify(before.vote)}; nothing was changed. Leave hardState out to keep it.`,
    { argument: 'resetTo.hardState.vote', term: before.term, found: given.vote, expected: before.vote },
  );
}

function regression(argument: string, found: number, expected: number, why: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_TERM_REGRESSION',
    `${argument} is ${String(found)}: ${why} Nothing was changed.`,
    { argument, term: found, found, expected },
  );
}
