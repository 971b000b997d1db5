import { handleAppend, handleAppendResponse } from './replicate/append-entries.js';
import { handleTimeoutNow } from './elect/campaign.js';
import { handleVoteRequest, handleVoteResponse } from './elect/election.js';
import { handleHeartbeat, handleHeartbeatResponse } from './replicate/heartbeat.js';
import { invariant } from './invariant.js';
import type { Message } from './messages.js';
import { handlePreVoteRequest, handlePreVoteResponse } from './elect/pre-vote.js';
import { handleReadIndexRequest, handleReadIndexResponse } from './reads/read-index.js';
import { becomeFollower } from './elect/roles.js';
import type { Server } from './host/server.js';
import { handleSnapshotChunk } from './snapshots/snapshot-receiving.js';
import { handleSnapshotResponse } from './snapshots/snapshot-sending.js';
import { acceptTerm, isFromLeader } from './elect/terms.js';

/** Takes one message of a peer, or of this server to itself. */
export function stepMessage(server: Server, message: Message): void {
  if (message.to !== server.id || !acceptTerm(server, message)) return;
  if (isFromLeader(message)) hearLeader(server, message);
  switch (message.type) {
    case 'pre-vote':
      handlePreVoteRequest(server, message);
      break;
    case 'pre-vote-response':
      handlePreVoteResponse(server, message);
      break;
    case 'vote':
      handleVoteRequest(server, message);
      break;
    case 'vote-response':
      handleVoteResponse(server, message);
      break;
    case 'append':
      handleAppend(server, message);
      break;
    case 'heartbeat':
      handleHeartbeat(server, message);
      break;
    case 'snapshot-chunk':
      handleSnapshotChunk(server, message);
      break;
    case 'timeout-now':
      handleTimeoutNow(server, message);
      break;
    case 'read-index-response':
      handleReadIndexResponse(server, message);
      break;
    case 'append-response':
    case 'heartbeat-response':
    case 'snapshot-response':
    case 'read-index':
      if (server.role === 'leader') stepLeader(server, message);
      break;
  }
}

type ToLeader = Extract<
  Message,
  { readonly type: 'append-response' | 'heartbeat-response' | 'snapshot-response' | 'read-index' }
>;

function stepLeader(server: Server, message: ToLeader): void {
  switch (message.type) {
    case 'append-response':
      handleAppendResponse(server, message);
      break;
    case 'heartbeat-response':
      handleHeartbeatResponse(server, message);
      break;
    case 'snapshot-response':
      handleSnapshotResponse(server, message);
      break;
    case 'read-index':
      handleReadIndexRequest(server, message);
      break;
  }
}

/** §5.2: a candidate that hears of a leader of its own term follows it; a follower waits anew. */
function hearLeader(server: Server, message: Message): void {
  invariant(
    server.role !== 'leader',
    `two leaders in term ${String(server.term)}: ${server.id} and ${message.from}`,
  );
  if (server.role !== 'follower') becomeFollower(server, server.term, message.from);
  invariant(
    server.leader === null || server.leader === message.from,
    `two leaders in term ${String(server.term)}: ${String(server.leader)} and ${message.from}`,
  );
  server.leader = message.from;
  server.electionElapsedTicks = 0;
}
