import type { Message, VoteRequest, VoteResponse } from '../messages.js';
import { voteOutcome } from '../replicate/quorum.js';
import { becomeCandidate, becomeFollower, becomeLeader } from './roles.js';
import { send } from '../replicate/send.js';
import type { Server } from '../host/server.js';

/** §5.2. `isTransfer`: the leader asked for it, so voters shall not wait for the leader's silence. */
export function startElection(server: Server, isTransfer: boolean): void {
  becomeCandidate(server);
  const { lastIndex, lastTerm } = server.log;
  for (const to of server.configuration.voters) {
    // The vote for oneself counts, like every other, when it is durable: it comes back when the save is done.
    if (to === server.id) send(server, { type: 'vote-response', to, granted: true });
    else send(server, { type: 'vote', to, lastIndex, lastTerm, transfer: isTransfer });
  }
}

/** Figure 2, RequestVote, receiver; terms have been compared. */
export function handleVoteRequest(server: Server, message: VoteRequest): void {
  const granted = mayVoteFor(server, message) && server.log.isUpToDate(message.lastIndex, message.lastTerm);
  if (granted) {
    server.vote = message.from;
    // Having voted, it gives the candidate time to win.
    server.electionElapsedTicks = 0;
  }
  send(server, { type: 'vote-response', to: message.from, granted });
}

export function handleVoteResponse(server: Server, message: VoteResponse): void {
  if (server.role !== 'candidate') return;
  countVote(server, message.from, message.granted);
  const outcome = voteOutcome(server.configuration.voters, server.votes);
  if (outcome === 'won') becomeLeader(server);
  if (outcome === 'lost') becomeFollower(server, server.term, null);
}

/** The first answer of a server counts; a repeated message changes nothing. */
export function countVote(server: Server, from: string, granted: boolean): void {
  if (!server.votes.has(from)) server.votes.set(from, granted);
}

/**
 * A follower that heard of a leader within the shortest election timeout ignores who asks for its vote: a server that
 * was cut off, or removed, cannot unseat a leader that works (dissertation §4.2.3).
 */
export function isLeaderRecent(server: Server, message: Message): boolean {
  if (message.type === 'vote' && message.transfer) return false;
  return server.leader !== null && server.electionElapsedTicks < server.options.electionTicks;
}

/** One vote a term (§5.2); a server that may have lost what it acknowledged keeps only the vote it has. */
function mayVoteFor(server: Server, message: VoteRequest): boolean {
  if (server.vote === message.from) return true;
  return server.vote === null && server.leader === null && !server.options.storage.unfitToVote;
}
