import type { Entry } from '../../../src/raft-log/contract.js';
import { advanceCommit, hasCommittedInTerm } from '../replicate/commit.js';
import {
  changed,
  type ConfChange,
  decodeConfiguration,
  encodeConfiguration,
  isMember,
} from './configuration.js';
import { ENTRY_KIND } from '../replicate/entries.js';
import { Progress } from '../replicate/progress.js';
import { appendAsLeader, broadcastAppend, replicateTo } from '../replicate/replication.js';
import { becomeFollower } from '../elect/roles.js';
import type { Server } from '../host/server.js';

/** Why a change of the configuration is not proposed. */
export type ChangeRefusal = 'change-pending' | 'no-change' | 'last-voter';

/**
 * Dissertation §4.1: one server at a time, so that the majorities before and after share a server.
 *
 * As in etcd/raft a change takes effect where it is applied, not where it is appended. That is safe because
 * - the next change is proposed only once the last is applied at the leader, so whoever holds two changes in its
 *   log has also been told, in the same message and the same save, that the first is committed;
 * - nobody campaigns before it has applied what it knows to be committed (campaign.ts).
 * So a candidate's configuration is never more than one change away from that of any leader it could outvote.
 *
 * The entry holds the whole configuration and not the change: a server that joins has no configuration of its own to
 * start from, and one that took its own addition for the whole would elect itself.
 */
export function proposeChange(server: Server, change: ConfChange): number | ChangeRefusal {
  if (server.configurationPendingIndex > server.applying.applied) return 'change-pending';
  const next = changed(server.configuration, change);
  if (next.voters.length === 0) return 'last-voter';
  if (
    isSame(next.voters, server.configuration.voters) &&
    isSame(next.learners, server.configuration.learners)
  ) {
    return 'no-change';
  }
  const index = appendAsLeader(server, { kind: ENTRY_KIND.configuration, data: encodeConfiguration(next) });
  server.configurationPendingIndex = index;
  return index;
}

/** The host has applied these entries, so from now on the new configuration counts. */
export function applyChanges(server: Server, entries: readonly Entry[]): void {
  for (const entry of entries) {
    const next = decodeConfiguration(entry.data);
    if (server.role === 'leader') {
      // A last word to who leaves: the commit index of its own removal, so that it knows.
      for (const id of server.peers) if (!isMember(next, id)) replicateTo(server, id, 'always');
    }
    server.configuration = next;
    if (server.role === 'leader') followConfiguration(server);
  }
  stepDownIfRemoved(server);
}

/** Dissertation §4.2.2: a leader that was removed leads until that is committed, and then no longer. */
function stepDownIfRemoved(server: Server): void {
  if (server.role !== 'leader' || server.isVoter || !hasCommittedInTerm(server)) return;
  broadcastAppend(server);
  becomeFollower(server, server.term, null);
}

function followConfiguration(server: Server): void {
  const { configuration, progress } = server;
  for (const peer of progress.keys()) if (!isMember(configuration, peer)) progress.delete(peer);
  for (const peer of server.peers) {
    if (progress.has(peer)) continue;
    const added = new Progress(server.log.lastIndex + 1, server.options);
    // It has had no chance to be heard; the quorum check shall not hold that against it.
    added.isActive = true;
    progress.set(peer, added);
    replicateTo(server, peer, 'always');
  }
  if (server.transferee !== null && !configuration.voters.includes(server.transferee))
    server.transferee = null;
  // A smaller electorate may have reached a quorum by shrinking.
  if (advanceCommit(server)) server.isBroadcastDue = true;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, at) => id === b[at]);
}
