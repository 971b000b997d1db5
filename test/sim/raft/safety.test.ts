// At stake: the five properties of the Raft paper's figure 3, and that nothing is said before it is durable, whatever
// the network and the disks do. Tried by random plans of drops, duplicates, delays, partitions, crashes that lose what
// was not saved, refused saves and changes of membership, judged after every step, and by convergence once they stop.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Cluster } from './harness/cluster.js';
import type { Member } from './harness/member.js';

const KINDS = {
  tick: 12,
  deliver: 30,
  drop: 3,
  duplicate: 3,
  save: 20,
  reads: 6,
  run: 3,
  propose: 8,
  read: 3,
  crash: 2,
  restart: 6,
  cut: 2,
  heal: 3,
  compact: 2,
  transfer: 1,
  change: 1,
  refuse: 1,
  back: 2,
  unreachable: 1,
} as const;

type Kind = keyof typeof KINDS;

interface Step {
  readonly kind: Kind;
  readonly who: number;
  readonly arg: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    ...(Object.keys(KINDS) as Kind[]).map((kind) => ({ weight: KINDS[kind], arbitrary: fc.constant(kind) })),
  ),
  who: fc.nat(59),
  arg: fc.nat(9999),
});

const plan = fc.record({
  seed: fc.integer(),
  voterCount: fc.constantFrom(3, 5),
  steps: fc.array(step, { minLength: 50, maxLength: 600, size: 'max' }),
});

describe('any plan of faults', () => {
  test('breaks no promise, and the cluster converges when the faults stop', () => {
    fc.assert(
      fc.property(plan, ({ seed, voterCount, steps }) => {
        const cluster = new Cluster(5, voterCount, seed);
        cluster.run(12);
        for (const each of steps) perform(cluster, each);
        converge(cluster);
      }),
      { numRuns: 250, interruptAfterTimeLimit: 25_000 },
    );
  }, 60_000);
});

function perform(cluster: Cluster, { kind, who, arg }: Step): void {
  const member = pick(cluster.members, who);
  const other = pick(cluster.members, arg);
  switch (kind) {
    case 'tick':
      return cluster.tick(member);
    case 'deliver':
    case 'drop': {
      if (cluster.bag.length === 0) return;
      const [message] = cluster.bag.splice(arg % cluster.bag.length, 1);
      if (message !== undefined && kind === 'deliver') cluster.deliver(message);
      return;
    }
    case 'duplicate':
      if (cluster.bag.length > 0) cluster.bag.push(pick(cluster.bag, arg));
      return;
    case 'save':
      member.finishSave();
      return cluster.settle(member);
    case 'reads':
      member.finishReads();
      return cluster.settle(member);
    case 'run':
      return cluster.run(1 + (arg % 8));
    case 'propose':
      cluster.propose(arg % 3 === 0 ? member : (cluster.leader ?? member));
      return;
    case 'read':
      return cluster.read(member);
    case 'crash':
      return member.crash(arg % (member.pendingSaves.length + 1));
    case 'restart':
      return cluster.restart(member);
    case 'cut':
      cluster.cut.add(`${member.id}>${other.id}`);
      if (arg % 2 === 0) cluster.cut.add(`${other.id}>${member.id}`);
      return;
    case 'heal':
      return cluster.cut.clear();
    default:
      return performRare(cluster, kind, member, other, arg);
  }
}

function performRare(cluster: Cluster, kind: Kind, member: Member, other: Member, arg: number): void {
  const leader = cluster.leader?.raft;
  switch (kind) {
    case 'compact':
      member.compact();
      return cluster.settle(member);
    case 'transfer':
      leader?.transferLeadership(other.id);
      break;
    case 'change': {
      const op = (['add-voter', 'add-learner', 'remove'] as const)[arg % 3] ?? 'remove';
      leader?.proposeConfChange({ op, id: member.id });
      break;
    }
    case 'unreachable':
      leader?.reportUnreachable(other.id);
      break;
    case 'refuse':
      return cluster.refuse(member);
    case 'back':
      member.raft?.storageBack();
      break;
    default:
      throw new Error(`no such step: ${kind}`);
  }
  for (const each of cluster.members) cluster.settle(each);
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
