import { KeelsonError } from '../../errors/index.js';
import type { HardState } from '../contract.js';
import type { LogView } from './log-view.js';
import type { GivenHardState } from './requests.js';

/**
 * The hard state after a change: fields left out stay, and a higher term without a vote has voted for nobody.
 *
 * A commit at or below the snapshot counts as left out: the record of a snapshot raises the commit index by
 * itself, so a host that had its own, lower one in hand meanwhile takes nothing back.
 *
 * @param coveredUntil - index of the snapshot that is accepted when the change counts, -1 if there is none.
 */
export function mergeHardState(before: HardState, change: GivenHardState, coveredUntil: number): HardState {
  const term = change.term ?? before.term;
  const vote = change.vote !== undefined ? change.vote : term > before.term ? null : before.vote;
  const isCommitLeftOut = change.commit === undefined || change.commit <= coveredUntil;
  return { term, vote, commit: isCommitLeftOut ? before.commit : change.commit };
}

/** True if both hold the same. */
export function isSameHardState(a: HardState, b: HardState): boolean {
  return a.term === b.term && a.vote === b.vote && a.commit === b.commit;
}

/**
 * The interlocks of the hard state: refuses a change that no correct Raft makes.
 *
 * @param view - the log before the save; whether it is fit to vote is judged on that state.
 * @param lastIndexAfter - `lastIndex` as it is after the save.
 * @throws `KEELSON_TERM_REGRESSION`, `KEELSON_VOTE_CONFLICT`, `KEELSON_UNFIT_TO_VOTE`,
 *   `KEELSON_COMMIT_REGRESSION`, `KEELSON_UNAVAILABLE` (commit beyond the log), tried in this order.
 */
export function judgeHardState(view: LogView, after: HardState, lastIndexAfter: number): void {
  const before = view.hardState;
  judgeTermChange(before, after);
  judgeVote(view, after);
  judgeCommit(before, after, lastIndexAfter);
}

function judgeTermChange(before: HardState, after: HardState): void {
  if (after.term >= before.term) return;
  throw new KeelsonError(
    'KEELSON_TERM_REGRESSION',
    `hardState.term would go back from ${String(before.term)} to ${String(after.term)}; nothing was changed. A term never falls: look for a stale message or a second writer of this state.`,
    { argument: 'hardState.term', term: after.term, found: after.term, expected: before.term },
  );
}

function judgeVote(view: LogView, after: HardState): void {
  const before = view.hardState;
  const isNewTerm = after.term > before.term;
  if (!isNewTerm && after.vote === before.vote) return;
  if (!isNewTerm && before.vote !== null) {
    throw new KeelsonError(
      'KEELSON_VOTE_CONFLICT',
      `hardState.vote in term ${String(before.term)} is ${JSON.stringify(before.vote)} and would become ${JSON.stringify(after.vote)}; nothing was changed. A server votes once in a term: refuse the request for its vote.`,
      { argument: 'hardState.vote', term: before.term, found: after.vote, expected: before.vote },
    );
  }
  if (after.vote !== null && before.commit < view.unfitUntil) {
    throw new KeelsonError(
      'KEELSON_UNFIT_TO_VOTE',
      `the vote for ${JSON.stringify(after.vote)} in term ${String(after.term)} is refused: this log gave up entries that it may have acknowledged and must not help to elect until its commit, now ${String(before.commit)}, has reached ${String(view.unfitUntil)}; nothing was changed. Let it follow a leader until then.`,
      { argument: 'hardState.vote', term: after.term, found: before.commit, expected: view.unfitUntil },
    );
  }
}

function judgeCommit(before: HardState, after: HardState, lastIndexAfter: number): void {
  if (after.commit < before.commit) {
    throw new KeelsonError(
      'KEELSON_COMMIT_REGRESSION',
      `hardState.commit would go back from ${String(before.commit)} to ${String(after.commit)}; nothing was changed. What is committed stays committed: leave commit out where it has not risen.`,
      { argument: 'hardState.commit', index: after.commit, found: after.commit, expected: before.commit },
    );
  }
  if (after.commit > before.commit && after.commit > lastIndexAfter) {
    throw new KeelsonError(
      'KEELSON_UNAVAILABLE',
      `hardState.commit would be ${String(after.commit)}, beyond the last entry ${String(lastIndexAfter)} of this save; nothing was changed. Save the entries first, or commit at most ${String(lastIndexAfter)}.`,
      { argument: 'hardState.commit', index: after.commit, found: after.commit, expected: lastIndexAfter },
    );
  }
}
