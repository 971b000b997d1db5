import { countVote, startElection } from './election.js';
import type { PreVoteRequest, PreVoteResponse } from './messages.js';
import { voteOutcome } from './quorum.js';
import { becomeFollower, becomePreCandidate } from './roles.js';
import { send } from './send.js';
import type { Server } from './server.js';

/** Dissertation §9.6: asks whether an election would be won, before the term is raised. */
export function startPreVote(server: Server): void {
  becomePreCandidate(server);
  const term = server.term + 1;
  const { lastIndex, lastTerm } = server.log;
  for (const to of server.configuration.voters) {
    if (to !== server.id) send(server, { type: 'pre-vote', to, term, lastIndex, lastTerm });
  }
  countVote(server, server.id, true);
  decide(server);
}

/** Answers what it would do, and changes nothing. A later term than its own asks about an election yet to come. */
export function handlePreVoteRequest(server: Server, message: PreVoteRequest): void {
  const mayVote = message.term > server.term && !server.options.storage.unfitToVote;
  const granted = mayVote && server.log.isUpToDate(message.lastIndex, message.lastTerm);
  // A grant speaks of the term asked about; a refusal tells the asker this server's own, which it may have missed.
  send(server, {
    type: 'pre-vote-response',
    to: message.from,
    term: granted ? message.term : server.term,
    granted,
  });
}

export function handlePreVoteResponse(server: Server, message: PreVoteResponse): void {
  if (server.role !== 'pre-candidate') return;
  // An answer to an earlier question says nothing about this one.
  if (message.granted && message.term !== server.term + 1) return;
  countVote(server, message.from, message.granted);
  decide(server);
}

function decide(server: Server): void {
  const outcome = voteOutcome(server.configuration.voters, server.votes);
  if (outcome === 'won') startElection(server, false);
  if (outcome === 'lost') becomeFollower(server, server.term, null);
}
