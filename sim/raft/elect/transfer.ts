import type { NodeId } from '../members/configuration.js';
import { replicateTo } from '../replicate/replication.js';
import { send } from '../replicate/send.js';
import type { Server } from '../host/server.js';

/** Dissertation §3.10, begins to hand over: no new proposals until `to` leads or an election timeout has passed. */
export function startTransfer(server: Server, to: NodeId): 'not-leader' | 'not-a-voter' | 'is-leader' | null {
  if (server.role !== 'leader') return 'not-leader';
  if (to === server.id) return 'is-leader';
  if (!server.configuration.voters.includes(to)) return 'not-a-voter';
  server.transferee = to;
  server.electionElapsedTicks = 0;
  if (!finishTransfer(server, to)) replicateTo(server, to, 'if-entries');
  return null;
}

/** Once its log is complete, the new leader need not wait for anybody's silence. Returns whether it was told so. */
export function finishTransfer(server: Server, to: NodeId): boolean {
  const isComplete = server.progress.get(to)?.match === server.log.lastIndex;
  if (server.transferee !== to || !isComplete) return false;
  send(server, { type: 'timeout-now', to });
  return true;
}

/** It did not come to pass in time: this server goes on leading. */
export function abandonTransfer(server: Server): void {
  server.transferee = null;
}
