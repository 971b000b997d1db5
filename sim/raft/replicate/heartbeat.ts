import type { Heartbeat, HeartbeatResponse } from '../messages.js';
import { answerRound } from '../reads/read-index.js';
import { replicateTo } from './replication.js';
import { send } from './send.js';
import type { Server } from '../host/server.js';
import { resendSnapshot } from '../snapshots/snapshot-sending.js';

/** §5.2: authority is kept by heartbeats. */
export function broadcastHeartbeat(server: Server): void {
  for (const to of server.peers) {
    const match = server.progress.get(to)?.match ?? 0;
    // No log is compared here, so no more may be called committed than the follower surely holds.
    const commit = Math.min(match, server.log.commit);
    send(server, { type: 'heartbeat', to, commit, round: server.reads.round });
  }
}

export function handleHeartbeat(server: Server, message: Heartbeat): void {
  // A server whose log was refused by a full disk may hold less than it once did in memory, never less than it acked.
  // One that knows that it lost its tail may hold less than that: it is told of the rest again with the entries.
  const { log, options } = server;
  log.commitTo(options.storage.unfitToVote ? Math.min(message.commit, log.lastIndex) : message.commit);
  send(server, { type: 'heartbeat-response', to: message.from, round: message.round });
}

export function handleHeartbeatResponse(server: Server, message: HeartbeatResponse): void {
  const progress = server.progress.get(message.from);
  if (progress === undefined) return;
  progress.isActive = true;
  progress.isProbing = false;
  // It lives but has not answered a full window: something was lost, and one append finds out what.
  if (progress.inflights.isFull) progress.inflights.freeOne();
  if (progress.state === 'snapshot') resendSnapshot(server, message.from, progress);
  else if (progress.match < server.log.lastIndex || progress.state === 'probe') {
    replicateTo(server, message.from, 'always');
  }
  answerRound(server, message.from, message.round);
}
