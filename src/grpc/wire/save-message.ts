import type { Entry, HardStateChange, SaveRequest } from '../../raft-log/contract.js';
import type { HardStateChange as HardStateMessage, Save } from '../generated/keelson/v1/raft_log.js';
import { unpackEntries } from './entry-batch.js';

/** A save as the log takes it. */
export function saveOf({ truncateFrom, entries, hardState, stable }: Save): SaveRequest {
  return {
    ...(truncateFrom === undefined ? {} : { truncateFrom }),
    // The log takes them as they were read here.
    ...(entries === undefined ? {} : { entries: unpackEntries(entries) as unknown as Entry[] }),
    ...(hardState === undefined ? {} : { hardState: hardStateChangeOf(hardState) }),
    ...(stable.length === 0
      ? {}
      : { stable: Object.fromEntries(stable.map(({ key, value }) => [key, value ?? null])) }),
  };
}

/** A change of the hard state, likewise. */
export function hardStateChangeOf({ term, vote, clearsVote, commit }: HardStateMessage): HardStateChange {
  return {
    ...(term === undefined ? {} : { term }),
    ...(clearsVote ? { vote: null } : vote === undefined ? {} : { vote }),
    ...(commit === undefined ? {} : { commit }),
  };
}

/** A change of the hard state as it travels. */
export function hardStateMessage({ term, vote, commit }: HardStateChange): HardStateMessage {
  return { term, vote: vote ?? undefined, clearsVote: vote === null, commit };
}
