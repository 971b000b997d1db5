import { countVote, startElection } from './election.js';
import type { PreVoteRequest, PreVoteResponse } from '../messages.js';
import { voteOutcome } from '../replicate/quorum.js';
import { becomeFollower, becomePreCandidate } from './roles.js';
import { send } from '../replicate/send.js';
import type { Server } from '../host/server.js';

/** Dissertation §9.6: asks whether an election would be won, before the term is raised. */
export function startPreVote(server: Server): void {
  becomePreCandidate(server);
  const term = server.term + 1;
  const { lastIndex, lastTerm, commit } = server.log;
  const commitTerm = server.log.term(commit) ?? 0;
  for (const to of server.configuration.voters) {
    if (to === server.id) continue;
    send(server, { type: 'pre-vote', to, term, lastIndex, lastTerm, commit, commitTerm });
  }
  countVote(server, server.id, true);
  decide(server);
}

/** Answers what it would do, and does none of it. A later term than its own asks about an election yet to come. */
export function handlePreVoteRequest(server: Server, message: PreVoteRequest): void {
  if (message.term > server.term) learnCommit(server, message);
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

/**
 * A configuration counts once it is applied, so whoever has the longest log may not know that by its last entries it is
 * a voter. It refuses all the others, who need it, and would not campaign itself: for ever, where the leader that could
 * have told it is gone. What the asker knows to be committed is so in every log that holds it (log matching).
 */
function learnCommit({ log }: Server, { commit = 0, commitTerm = 0 }: PreVoteRequest): void {
  if (log.matches(commit, commitTerm)) log.commitTo(commit);
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
