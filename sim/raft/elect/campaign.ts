import { startElection } from './election.js';
import type { TimeoutNow } from '../messages.js';
import { startPreVote } from './pre-vote.js';
import type { Server } from '../host/server.js';

/** Why a server does not campaign, or null if it may. */
export function reasonNotToCampaign(server: Server): string | null {
  if (server.role === 'leader') return 'it leads';
  if (!mayLead(server)) return 'it is not a voter';
  if (server.options.storage.unfitToVote) return 'it is unfit to vote';
  // A leader must be able to write the entry that opens its term.
  if (server.storageState !== 'open') return 'its log takes no entries';
  if (server.log.awaitsSnapshot) return 'it is installing a snapshot';
  // The configuration is as of what is applied. Who knows of committed entries not yet applied may be about to
  // ask an electorate that is two changes old, whose majorities need not meet today's.
  if (server.applying.applied < server.log.commit) return 'it has committed entries to apply';
  return null;
}

/**
 * A voter, or a server that knows that it was removed. The latter may be the only one that knows: the others may still
 * wait for its vote, which it must refuse while its log is longer. So it is elected once more, by their votes alone,
 * brings them its log and steps down (dissertation §4.2.2). Later its log is out of date and it wins nothing.
 */
function mayLead(server: Server): boolean {
  const { configuration, id, isVoter } = server;
  return isVoter || (configuration.voters.length > 0 && !configuration.learners.includes(id));
}

/** Asks for votes, with a pre-vote first. Returns why not, or null. */
export function campaign(server: Server): string | null {
  const reason = reasonNotToCampaign(server);
  if (reason === null) startPreVote(server);
  return reason;
}

/** Dissertation §3.10: the leader hands over. No pre-vote: the leader has seen to it that the log is complete. */
export function handleTimeoutNow(server: Server, message: TimeoutNow): void {
  const isFromLeader = server.role === 'follower' && server.leader === message.from;
  if (isFromLeader && reasonNotToCampaign(server) === null) startElection(server, true);
}
