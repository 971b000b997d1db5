import { campaign } from './campaign.js';
import { broadcastHeartbeat } from '../replicate/heartbeat.js';
import { checkQuorum } from './quorum-check.js';
import type { Server } from '../host/server.js';
import { abandonTransfer } from './transfer.js';

/** One step of the clock that the Raft does not have. */
export function tickServer(server: Server): void {
  server.isSavingPaused = false;
  if (server.applying.diskRead === 'failed') server.applying.diskRead = 'none';
  server.electionElapsedTicks += 1;
  if (server.role === 'leader') tickLeader(server);
  else if (server.electionElapsedTicks >= server.electionTimeoutTicks) campaign(server);
}

function tickLeader(server: Server): void {
  if (server.electionElapsedTicks >= server.options.electionTicks) {
    server.electionElapsedTicks = 0;
    abandonTransfer(server);
    checkQuorum(server);
    if (server.role !== 'leader') return;
  }
  server.heartbeatElapsedTicks += 1;
  if (server.heartbeatElapsedTicks >= server.options.heartbeatTicks) {
    server.heartbeatElapsedTicks = 0;
    broadcastHeartbeat(server);
  }
}
