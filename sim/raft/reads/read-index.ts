import { hasCommittedInTerm } from '../replicate/commit.js';
import type { ReadIndexRequest, ReadIndexResponse } from '../messages.js';
import { quorumValue } from '../replicate/quorum.js';
import { send } from '../replicate/send.js';
import type { Server } from '../host/server.js';

/** Takes a read of this server's own client. Returns why not, or null. */
export function requestRead(server: Server, context: string): 'no-leader' | 'overloaded' | null {
  if (server.leader === null) return 'no-leader';
  if (server.forwardedReads.size >= server.options.readsWaitingMax) return 'overloaded';
  const requestId = server.nextRequestId();
  server.forwardedReads.set(requestId, context);
  if (server.role === 'leader') server.reads.add({ from: server.id, requestId });
  else send(server, { type: 'read-index', to: server.leader, requestId });
  return null;
}

/** A follower forwards its clients' reads (dissertation §6.4). One too many is dropped: the client tries again. */
export function handleReadIndexRequest(server: Server, message: ReadIndexRequest): void {
  if (server.reads.count >= server.options.readsWaitingMax) return;
  server.reads.add({ from: message.from, requestId: message.requestId });
}

export function handleReadIndexResponse(server: Server, message: ReadIndexResponse): void {
  finishRead(server, message.requestId, message.index);
}

/**
 * Dissertation §6.4, steps 1 to 3: once an entry of its own term is committed, the leader notes its commit index for
 * all reads that wait, and asks the others whether it still leads. Returns whether a round was started.
 */
export function startReadRound(server: Server): boolean {
  if (server.role !== 'leader' || !server.reads.isWaiting || !hasCommittedInTerm(server)) return false;
  server.reads.startRound(server.log.commit);
  answerRound(server, server.id, server.reads.round);
  return true;
}

/** A server's answer to a heartbeat of `round`. A majority's answers prove that this server led when it began. */
export function answerRound(server: Server, from: string, round: number): void {
  server.reads.answered(from, round);
  const proven = quorumValue(server.configuration.voters.map((id) => server.reads.answeredRound(id)));
  for (const read of server.reads.takeProven(proven)) {
    if (read.from === server.id) finishRead(server, read.requestId, read.index);
    else
      send(server, {
        type: 'read-index-response',
        to: read.from,
        requestId: read.requestId,
        index: read.index,
      });
  }
}

/** An answer that was not asked for in this life, and under this leader, is nobody's. */
function finishRead(server: Server, requestId: string, index: number): void {
  const context = server.forwardedReads.get(requestId);
  if (context === undefined) return;
  server.forwardedReads.delete(requestId);
  server.outbox.readStates.push({ context, index });
}
