// At stake: an oracle that was never seen to fire shows nothing when it is silent. A dozen bugs are planted in copies
// of the sources, and each oracle has to find one of them under the normal search.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WITNESS_BUGS } from '../../sim/mutants/bugs/witness-bugs.js';
import { hunt } from '../../sim/mutants/hunt.js';
import { Nursery, readDirected } from '../../sim/mutants/plant.js';
import { PLANTED_BUGS } from '../../sim/mutants/planted-bugs.js';
import { type Oracle, ORACLES } from '../../sim/oracle/finding.js';
import { runAny } from '../../sim/cli/any-plan.js';

const ROOT = join(import.meta.dirname, '..', '..');

/** Seeds that a search may try; nearly all need less than twenty. */
const SEEDS = 400;

/**
 * Where a search begins that would take more than one seed: in front of one that finds it, as seeds were drawn when this was
 * written. Each is cold code in a thread of its own, some tenths of a second for a seed.
 */
const FROM: Readonly<Partial<Record<Oracle, number>>> = {
  read: 2,
  refusal: 4,
  acknowledgement: 8,
  'false-alarm': 3,
  'tail-not-durable': 2,
  'too-early': 5,
  'other-store': 22,
  'verdict-not-kept': 62,
  rollback: 2,
  'quarantine-shrunk': 23,
  verify: 2,
  'stand-in': 5,
  repair: 62,
  'durable-view': 10,
  'failed-without-cause': 8,
  copy: 17,
  'not-latched': 2,
  'latched-for-a-shortage': 3,
  'error-type': 3,
};

/** Which bug each oracle has to find. */
const FOUND_BY: Readonly<Record<Oracle, number>> = {
  'recovered-state': 19,
  'durable-view': 22,
  'accepted-view': 151,
  read: 101,
  refusal: 20,
  acknowledgement: 24,
  'false-alarm': 48,
  'failed-without-cause': 28,
  'verdict-not-kept': 106,
  'invented-bytes': 104,
  'lsn-reused': 105,
  'tail-not-durable': 18,
  'too-early': 60,
  'other-store': 46,
  'quarantine-shrunk': 30,
  rollback: 50,
  copy: 27,
  verify: 69,
  'stand-in': 70,
  repair: 26,
  stuck: 103,
  leak: 102,
  'full-disk': 25,
  'not-latched': 67,
  'latched-for-a-shortage': 108,
  'error-type': 107,
};

let nursery: Nursery;
beforeAll(async () => {
  nursery = await Nursery.make(ROOT);
});
afterAll(() => nursery.clear());

describe('a plan made for a bug', () => {
  const directed = [...PLANTED_BUGS, ...WITNESS_BUGS].flatMap((bug) =>
    bug.plan === undefined ? [] : [[bug.name, bug, bug.plan] as const],
  );

  test.each(directed)('shows it: %s', async (_name, bug, name) => {
    const plan = await readDirected(ROOT, name);
    expect((await runAny(plan)).failure).toBeNull();
    const end = await hunt(await nursery.plant(bug), { from: 0, count: 1, profile: 'disk', plan });
    expect(end.kind).toBe('found');
  });
});

describe('each oracle fires', () => {
  test.each(ORACLES)('%s', async (oracle) => {
    const bug = [...PLANTED_BUGS, ...WITNESS_BUGS].find(({ number }) => number === FOUND_BY[oracle]);
    if (bug === undefined) throw new Error(`no bug ${FOUND_BY[oracle]}`);
    const tree = await nursery.plant(bug);
    const { profile = 'disk' } = bug;
    const seeds = { from: FROM[oracle] ?? 1, count: SEEDS, profile, oracle };
    const plan = bug.plan === undefined ? {} : { count: 1, plan: await readDirected(ROOT, bug.plan) };
    const end = await hunt(tree, { ...seeds, ...plan });
    expect(end).toMatchObject({ kind: 'found', oracle });
  });
});
