// At stake: the five properties of the Raft paper's figure 3, and that nothing is said before it is durable, whatever
// the network and the disks do. Tried by random plans of drops, duplicates, delays, partitions, crashes that lose what
// was not saved, refused saves and changes of membership, judged after every step, and by convergence once they stop.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Message } from '../../../sim/raft/index.js';
import { Cluster, TIGHT } from './harness/cluster.js';
import type { Member } from './harness/member.js';

type Perform = (cluster: Cluster, member: Member, arg: number, other: Member) => void;

/** What may happen at each step, and how often beside the others. */
const KINDS = {
  tick: [12, (cluster, member) => cluster.tick(member)],
  deliver: [
    30,
    (cluster, _member, arg) => {
      const message = takeOne(cluster, arg);
      if (message !== undefined) cluster.deliver(message);
    },
  ],
  drop: [3, (cluster, _member, arg) => void takeOne(cluster, arg)],
  duplicate: [
    3,
    (cluster, _member, arg) => {
      if (cluster.bag.length > 0) cluster.bag.push(pick(cluster.bag, arg));
    },
  ],
  save: [
    20,
    (cluster, member) => {
      member.finishSave();
      cluster.settle(member);
    },
  ],
  reads: [
    6,
    (cluster, member) => {
      member.finishReads();
      cluster.settle(member);
    },
  ],
  run: [3, (cluster, _member, arg) => cluster.run(1 + (arg % 8))],
  propose: [
    8,
    (cluster, member, arg) => void cluster.propose(arg % 3 === 0 ? member : (cluster.leader ?? member)),
  ],
  read: [3, (cluster, member) => cluster.read(member)],
  crash: [2, (_cluster, member, arg) => member.crash(arg % (member.pendingSaves.length + 1))],
  restart: [6, (cluster, member) => cluster.restart(member)],
  cut: [
    2,
    (cluster, member, arg, other) => {
      cluster.cut.add(`${member.id}>${other.id}`);
      if (arg % 2 === 0) cluster.cut.add(`${other.id}>${member.id}`);
    },
  ],
  isolate: [
    2,
    (cluster, member) => {
      for (const { id } of cluster.members) cluster.cut.add(`${member.id}>${id}`).add(`${id}>${member.id}`);
    },
  ],
  heal: [3, (cluster) => cluster.cut.clear()],
  compact: [
    2,
    (cluster, member) => {
      member.compact();
      cluster.settle(member);
    },
  ],
  transfer: [1, (cluster, _member, _arg, other) => void cluster.leader?.raft?.transferLeadership(other.id)],
  change: [
    1,
    (cluster, member, arg) => {
      const op = pick(['add-voter', 'add-learner', 'remove'] as const, arg);
      cluster.leader?.raft?.proposeConfChange({ op, id: member.id });
    },
  ],
  refuse: [1, (cluster, member) => cluster.refuse(member)],
  back: [2, (_cluster, member) => member.raft?.storageBack()],
  unreachable: [1, (cluster, _member, _arg, other) => cluster.leader?.raft?.reportUnreachable(other.id)],
} as const satisfies Record<string, readonly [weight: number, perform: Perform]>;

type Kind = keyof typeof KINDS;

interface Step {
  readonly kind: Kind;
  readonly who: number;
  readonly arg: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    ...(Object.keys(KINDS) as Kind[]).map((kind) => ({
      weight: KINDS[kind][0],
      arbitrary: fc.constant(kind),
    })),
  ),
  who: fc.nat(59),
  arg: fc.nat(9999),
});

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';

const plan = fc.record({
  seed: fc.integer(),
  savesUnderWayMax: fc.constantFrom(1, 3),
  voterCount: fc.constantFrom(3, 5),
  steps: fc.array(step, { minLength: 50, maxLength: 600, size: 'max' }),
});

describe('any plan of faults', () => {
  test('breaks no promise, and the cluster converges when the faults stop', () => {
    fc.assert(
      fc.property(plan, ({ seed, voterCount, savesUnderWayMax, steps }) => {
        const cluster = new Cluster(5, voterCount, seed, { ...TIGHT, savesUnderWayMax });
        cluster.run(12);
        for (const each of steps) perform(cluster, each);
        converge(cluster);
      }),
      { numRuns: IS_DEEP ? 20_000 : 300 },
    );
  });
});

function perform(cluster: Cluster, { kind, who, arg }: Step): void {
  KINDS[kind][1](cluster, pick(cluster.members, who), arg, pick(cluster.members, arg));
  for (const member of cluster.members) cluster.settle(member);
}

function takeOne(cluster: Cluster, at: number): Message | undefined {
  return cluster.bag.splice(cluster.bag.length === 0 ? 0 : at % cluster.bag.length, 1)[0];
}

/** Once nothing fails any more, a leader is found, a command commits and every member of its configuration has it. */
function converge(cluster: Cluster): void {
  cluster.cut.clear();
  for (const member of cluster.members) {
    member.raft?.storageBack();
    cluster.restart(member);
  }
  for (let round = 0; round < 60; round += 1) {
    cluster.run(5);
    const { leader } = cluster;
    if (leader === null || cluster.propose(leader) === null) continue;
    cluster.run(3);
    const { configuration, lastIndex } = leader.raft?.status ?? { configuration: null, lastIndex: 0 };
    const members = cluster.members.filter(
      ({ id }) =>
        configuration?.voters.includes(id) === true || configuration?.learners.includes(id) === true,
    );
    if (members.every((member) => member.raft?.status.applied === lastIndex)) {
      for (const member of members) expect(member.commands).toEqual(leader.commands);
      return;
    }
  }
  throw new Error('the cluster does not converge');
}

function pick<T>(items: readonly T[], at: number): T {
  const item = items[at % items.length];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
}
