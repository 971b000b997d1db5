import { invalidArgument } from '../../errors/arguments.js';
import type { Entry, HardStateChange, SaveRequest } from '../../raft-log/contract.js';
import type { HardStateChange as HardStateMessage, Save } from '../generated/keelson/v1/raft_log.js';
import { unpackEntries } from './entry-batch.js';

type Mutable<T> = { -readonly [Field in keyof T]: T[Field] };

/** What is left out may also be there as undefined. */
type Loose<T> = { readonly [Field in keyof T]: T[Field] | undefined };

// Field by field: to spread an object for each that is there took as long as all else that is done for a small save here.

/** A save as the log takes it. */
export function saveOf({ truncateFrom, entries, hardState, stable }: Save): SaveRequest {
  const save: Mutable<SaveRequest> = {};
  if (truncateFrom !== undefined) save.truncateFrom = truncateFrom;
  // The log takes them as they were read here.
  if (entries !== undefined) save.entries = unpackEntries(entries) as unknown as Entry[];
  if (hardState !== undefined) save.hardState = hardStateChangeOf(hardState);
  if (stable.length > 0)
    save.stable = Object.fromEntries(stable.map(({ key, value }) => [key, value ?? null]));
  return save;
}

/** A change of the hard state, likewise. */
export function hardStateChangeOf({ term, vote, clearsVote, commit }: HardStateMessage): HardStateChange {
  if (clearsVote && vote !== undefined)
    throw invalidArgument('hardState.clearsVote', clearsVote, 'false where there is a vote');
  const change: Mutable<HardStateChange> = {};
  if (term !== undefined) change.term = term;
  if (clearsVote) change.vote = null;
  else if (vote !== undefined) change.vote = vote;
  if (commit !== undefined) change.commit = commit;
  return change;
}

/** A change of the hard state as it travels. */
export function hardStateMessage({ term, vote, commit }: Loose<HardStateChange>): HardStateMessage {
  return { term, vote: vote ?? undefined, clearsVote: vote === null, commit };
}
