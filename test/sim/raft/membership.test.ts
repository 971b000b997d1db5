// At stake: two majorities that do not meet, while servers come and go (Raft paper §6, dissertation §4), and leadership
// that is handed over at the wrong time (§3.10). Tried on one server and on small clusters.
import { describe, expect, test } from 'vitest';

import { handOver } from '../../../sim/raft/elect/hand-over.js';
import { decodeConfiguration, encodeConfiguration } from '../../../sim/raft/index.js';
import { Cluster } from './harness/cluster.js';
import { append, holds, Solo } from './harness/solo.js';

describe('changes of the configuration (dissertation §4.1)', () => {
  test('take effect when they are applied, and the next waits until then', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    expect(solo.raft.proposeConfChange({ op: 'add-voter', id: 'n4' }).ok).toBe(true);
    solo.settle();
    expect(solo.raft.status.configuration.voters).toEqual(['n1', 'n2', 'n3']);
    expect(solo.raft.proposeConfChange({ op: 'add-voter', id: 'n5' })).toMatchObject({
      reason: 'change-pending',
    });
    solo.hear(holds('n2', 1, 2));
    expect(solo.raft.status.configuration.voters).toEqual(['n1', 'n2', 'n3', 'n4']);
    expect(solo.raft.proposeConfChange({ op: 'add-voter', id: 'n5' }).ok).toBe(true);
  });

  test('a new leader waits until all that it inherited is applied', () => {
    const solo = new Solo({ logTerms: [1, 1], term: 1 });
    solo.win('n2');
    expect(solo.raft.proposeConfChange({ op: 'remove', id: 'n3' })).toMatchObject({
      reason: 'change-pending',
    });
    solo.hear(holds('n2', 2, 3));
    expect(solo.raft.proposeConfChange({ op: 'remove', id: 'n3' }).ok).toBe(true);
  });

  test('are learned from whoever asks for a vote, by a server with a longer log that knows of no commitment', () => {
    const solo = new Solo({ logTerms: [1, 1, 1], commit: 0 });
    const asks = { type: 'pre-vote', from: 'n2', to: 'n1', lastIndex: 2, lastTerm: 1, commit: 2 } as const;
    solo.hear({ ...asks, term: 1, commitTerm: 1 });
    expect(solo.raft.status.commit, 'one of the past changes nothing').toBe(0);
    solo.hear({ ...asks, term: 2, commitTerm: 2 });
    expect(solo.raft.status.commit, 'it holds another entry there').toBe(0);
    const answers = solo.hear({ ...asks, term: 2, commitTerm: 1 });
    expect(answers, 'its own log is longer').toMatchObject([{ type: 'pre-vote-response', granted: false }]);
    expect(solo.raft.status).toMatchObject({ commit: 2, term: 1, role: 'follower' });
  });

  test.each([
    { change: { op: 'add-voter', id: 'n1' }, reason: 'no-change' },
    { change: { op: 'add-learner', id: 'n1' }, reason: 'no-change' },
    { change: { op: 'remove', id: 'n9' }, reason: 'no-change' },
    { change: { op: 'remove', id: 'n1' }, reason: 'last-voter' },
  ] as const)('$change of the only voter n1: $reason', ({ change, reason }) => {
    const solo = new Solo({ voters: ['n1'] });
    solo.win();
    solo.settle();
    expect(solo.raft.proposeConfChange(change)).toMatchObject({ ok: false, reason });
  });

  test('after an addition the larger majority counts, after a removal the smaller', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    solo.raft.proposeConfChange({ op: 'add-voter', id: 'n4' });
    solo.settle();
    solo.hear(holds('n2', 1, 2));
    solo.raft.propose(new Uint8Array(1));
    solo.settle();
    solo.hear(holds('n2', 1, 3));
    expect(solo.raft.status.commit, 'two of four').toBe(2);
    solo.hear(holds('n4', 1, 3));
    expect(solo.raft.status.commit, 'three of four').toBe(3);
    solo.raft.proposeConfChange({ op: 'remove', id: 'n3' });
    solo.settle();
    solo.hear(holds('n2', 1, 4));
    solo.hear(holds('n4', 1, 4));
    solo.raft.propose(new Uint8Array(1));
    solo.settle();
    solo.hear(holds('n2', 1, 5));
    expect(solo.raft.status.commit, 'two of three').toBe(5);
  });

  test('a learner holds the log and counts for nothing', () => {
    const cluster = new Cluster(4, 3, 1);
    cluster.run(12);
    cluster.leader?.raft?.proposeConfChange({ op: 'add-learner', id: 'n4' });
    cluster.run(3);
    const learner = cluster.member('n4');
    expect(learner.raft?.status.applied).toBe(cluster.leader?.raft?.status.applied);
    expect(learner.raft?.campaign()).toBe('it is not a voter');
    for (const { id } of cluster.members.filter(
      (member) => member !== cluster.leader && member !== learner,
    )) {
      cluster.cut.add(`${id}>${cluster.leader?.id ?? ''}`);
    }
    const { leader } = cluster;
    const index = leader === null ? null : cluster.propose(leader);
    cluster.quiesce();
    expect(leader?.raft?.status.commit).toBeLessThan(index ?? 0);
  });

  test('a server that joins with nothing learns the whole configuration and not only its own addition', () => {
    const cluster = new Cluster(4, 3, 1);
    cluster.run(12);
    cluster.leader?.raft?.proposeConfChange({ op: 'add-voter', id: 'n4' });
    cluster.run(3);
    expect(cluster.member('n4').raft?.status.configuration.voters).toEqual(['n1', 'n2', 'n3', 'n4']);
  });

  test('nobody campaigns with committed entries still to be applied', () => {
    const solo = new Solo({ logTerms: [1, 1], commit: 2 });
    expect(solo.raft.campaign()).toBe('it has committed entries to apply');
    solo.settle();
    expect(solo.raft.campaign()).toBeNull();
  });

  test('of two voters one is removed, crashes having told nobody, and the other is not stuck', () => {
    const cluster = new Cluster(2, 2, 1);
    cluster.run(25);
    const { leader } = cluster;
    const other = cluster.members.find((member) => member !== leader);
    if (leader === null || other === undefined) throw new Error('no leader');
    leader.raft?.proposeConfChange({ op: 'remove', id: leader.id });
    cluster.propose(leader);
    cluster.settle(leader);
    cluster.cut.add(`${leader.id}>${other.id}`);
    for (const message of cluster.bag.splice(0)) if (message.to === other.id) other.raft?.step(message);
    cluster.quiesce();
    cluster.cut.clear();
    leader.crash(0);
    cluster.restart(leader);
    cluster.run(60);
    expect(other.raft?.status).toMatchObject({ role: 'leader', configuration: { voters: [other.id] } });
  });

  test('bytes of a configuration come back as they went, and others are refused by name', () => {
    const configuration = { voters: ['n2', 'n1'], learners: ['n3'] };
    expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual({
      voters: ['n1', 'n2'],
      learners: ['n3'],
    });
    expect(() => decodeConfiguration(new TextEncoder().encode('{"voters":[1]}'))).toThrow(
      /not a configuration/,
    );
  });
});

describe('transfer of leadership (dissertation §3.10)', () => {
  test('waits until the follower holds the whole log', () => {
    const solo = new Solo();
    solo.win('n2');
    expect(solo.raft.transferLeadership('n2')).toBeNull();
    expect(solo.settle().map(({ type }) => type)).not.toContain('timeout-now');
    expect(solo.hear(holds('n2', 1, 1))).toContainEqual(
      expect.objectContaining({ type: 'timeout-now', to: 'n2' }),
    );
  });

  test('takes no proposals meanwhile, and goes on leading if it does not come to pass in an election timeout', () => {
    const solo = new Solo();
    solo.win('n2');
    solo.hear(holds('n2', 1, 1));
    solo.raft.transferLeadership('n2');
    expect(solo.raft.propose(new Uint8Array(1))).toMatchObject({ reason: 'transferring' });
    solo.hear(holds('n3', 1, 1));
    solo.tick(10);
    expect(solo.raft.propose(new Uint8Array(1)).ok).toBe(true);
  });

  test.each([
    { to: 'n1', reason: 'is-leader' },
    { to: 'n9', reason: 'not-a-voter' },
  ])('to $to: $reason', ({ to, reason }) => {
    const solo = new Solo();
    expect(solo.raft.transferLeadership('n2')).toBe('not-leader');
    solo.win('n2');
    expect(solo.raft.transferLeadership(to)).toBe(reason);
  });

  test('goes to the voter that has kept up best where the disk of the leader hangs', () => {
    const solo = new Solo();
    handOver(solo.raft);
    expect(solo.settle(), 'a follower hands nothing over').toEqual([]);
    solo.win('n2');
    solo.hear(holds('n3', 1, 1));
    handOver(solo.raft);
    expect(solo.settle()).toContainEqual(expect.objectContaining({ type: 'timeout-now', to: 'n3' }));
  });

  test('a request to take over that comes from another than the leader changes nothing', () => {
    const solo = new Solo();
    solo.hear(append('n2', 1, [0, 0], []));
    expect(solo.hear({ type: 'timeout-now', from: 'n3', to: 'n1', term: 1 })).toEqual([]);
    expect(solo.hear({ type: 'timeout-now', from: 'n2', to: 'n1', term: 1 })).toMatchObject([
      { type: 'vote', term: 2, transfer: true },
      { type: 'vote', term: 2, transfer: true },
    ]);
  });
});
