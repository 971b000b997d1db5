// At stake: a server whose log was cut by a repair keeps its name, and must get back what it lost from a leader that
// still counts on it, without voting meanwhile. A follower loses its tail under a leader that stays, and is watched.
import { describe, expect, test } from 'vitest';

import { Cluster } from './harness/cluster.js';
import type { Member } from './harness/member.js';

/** What repair leaves of a server's log: its term and vote, its entries up to `keptUntil`, and that it is unfit. */
function loseTail(cluster: Cluster, member: Member, keptUntil: number): void {
  member.crash(0);
  const { disk } = member;
  disk.unfitUntil = disk.lastIndex;
  const { term, vote, commit } = disk.hardState;
  disk.save({ id: 1, truncateFrom: keptUntil + 1, entries: [], mustSync: true }, null);
  disk.hardState = { term, vote, commit: Math.min(commit, keptUntil) };
  cluster.restart(member);
}

function ledCluster(): { readonly cluster: Cluster; readonly leader: Member; readonly follower: Member } {
  const cluster = new Cluster(3, 3, 7);
  cluster.run(20);
  const { leader } = cluster;
  const follower = cluster.members.find((member) => member !== leader);
  if (leader === null || follower === undefined) throw new Error('nobody leads');
  for (let count = 0; count < 6; count += 1) {
    cluster.propose(leader);
    cluster.run(2);
  }
  return { cluster, leader, follower };
}

describe('a follower that lost its tail under a leader that stays', () => {
  test.each([0, 3, 6])('which left %i entries, has all of them again after the next append', (keptUntil) => {
    const { cluster, leader, follower } = ledCluster();
    loseTail(cluster, follower, keptUntil);
    cluster.run(3);
    expect(follower.raft?.status.unfitToVote).toBe(true);
    cluster.propose(leader);
    cluster.run(5);
    expect(cluster.leader).toBe(leader);
    expect(follower.raft?.status).toMatchObject({ commit: 8, applied: 8, unfitToVote: false });
    expect(follower.commands).toEqual(leader.commands);
  });

  test('is told by no heartbeat that what it no longer holds is committed', () => {
    const { cluster, follower } = ledCluster();
    loseTail(cluster, follower, 2);
    cluster.run(3);
    expect(follower.raft?.status).toMatchObject({ commit: 2, lastIndex: 2, storageState: 'open' });
  });
});
