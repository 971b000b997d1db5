import type { NodeId } from '../members/configuration.js';
import { ENTRY_KIND } from '../replicate/entries.js';
import { invariant } from '../invariant.js';
import { Progress } from '../replicate/progress.js';
import { appendAsLeader } from '../replicate/replication.js';
import type { Server } from '../host/server.js';

/** Figure 2, all servers: a higher term makes a follower; so do a leader's word and a lost quorum in the own term. */
export function becomeFollower(server: Server, term: number, leader: NodeId | null): void {
  const isSameLeader = term === server.term && leader !== null && leader === server.leader;
  enterTerm(server, term);
  leaveRole(server);
  server.role = 'follower';
  server.leader = leader;
  // What a former leader was sending, or asked for, leads nowhere.
  if (!isSameLeader) {
    server.reception = null;
    server.forwardedReads.clear();
  }
}

/** Dissertation §9.6: neither term nor vote changes, so a server that cannot win disturbs nobody. */
export function becomePreCandidate(server: Server): void {
  invariant(server.role !== 'leader', 'a leader does not campaign');
  leaveRole(server);
  server.role = 'pre-candidate';
  server.leader = null;
}

/** §5.2: a new term, and the own vote for oneself. */
export function becomeCandidate(server: Server): void {
  invariant(server.role !== 'leader', 'a leader does not campaign');
  enterTerm(server, server.term + 1);
  leaveRole(server);
  server.role = 'candidate';
  server.leader = null;
  server.vote = server.id;
}

/** §5.2: heartbeats at once, to stop other elections; §8: an empty entry at once, to learn what is committed. */
export function becomeLeader(server: Server): void {
  invariant(server.role === 'candidate', 'only a candidate is elected');
  leaveRole(server);
  server.role = 'leader';
  server.leader = server.id;
  for (const id of [...server.peers, server.id]) {
    server.progress.set(id, new Progress(server.log.lastIndex + 1, server.options));
  }
  // The log may end in a change of the configuration that is not applied yet; to find out would mean to read it.
  server.configurationPendingIndex = server.log.lastIndex;
  server.progress.get(server.id)?.becomeReplicate();
  appendAsLeader(server, { kind: ENTRY_KIND.termStart, data: new Uint8Array(0) });
}

function enterTerm(server: Server, term: number): void {
  invariant(term >= server.term, `term must not fall from ${String(server.term)} to ${String(term)}`);
  if (term === server.term) return;
  server.term = term;
  server.vote = null;
}

/** Forgets what belongs to one role in one term. */
function leaveRole(server: Server): void {
  server.electionElapsedTicks = 0;
  server.heartbeatElapsedTicks = 0;
  server.electionTimeoutTicks = server.drawElectionTimeoutTicks();
  server.votes.clear();
  server.progress.clear();
  server.transferee = null;
  server.uncommittedBytes = 0;
  server.isBroadcastDue = false;
  server.reads.clear();
}
