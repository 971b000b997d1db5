import { isLeaderRecent } from './election.js';
import type { Message } from '../messages.js';
import { handlePreVoteRequest } from './pre-vote.js';
import { becomeFollower } from './roles.js';
import { send } from '../replicate/send.js';
import type { Server } from '../host/server.js';

/**
 * Figure 2, all servers: compares the message's term with the own. A later term makes a follower, an earlier one
 * makes the message void. Returns whether the message shall be handled.
 */
export function acceptTerm(server: Server, message: Message): boolean {
  if (message.term < server.term) {
    answerLate(server, message);
    return false;
  }
  if (message.term === server.term) return true;
  const asksForVote = message.type === 'vote' || message.type === 'pre-vote';
  if (asksForVote && isLeaderRecent(server, message)) return false;
  // These two speak of a term that nobody has entered yet (dissertation §9.6).
  if (message.type === 'pre-vote') return true;
  if (message.type === 'pre-vote-response' && message.granted) return true;
  becomeFollower(server, message.term, isFromLeader(message) ? message.from : null);
  return true;
}

/** Only a leader sends these, and there is one a term. */
export function isFromLeader(message: Message): boolean {
  return message.type === 'append' || message.type === 'heartbeat' || message.type === 'snapshot-chunk';
}

/**
 * Whoever still lives in an earlier term is told the present one. Without this a server that came back with a higher
 * term could neither follow, for it drops the leader's messages, nor win a pre-vote, for the others hear their leader.
 */
function answerLate(server: Server, message: Message): void {
  if (message.type === 'pre-vote') handlePreVoteRequest(server, message);
  else if (isFromLeader(message)) {
    send(server, { type: 'append-response', to: message.from, index: 0, rejected: null });
  }
}
