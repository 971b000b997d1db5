// At stake: an oracle that was never seen to fire shows nothing when it is silent. Some thirty bugs are planted in one
// build of the sources, one at a time, and each oracle has to find one of them under the normal search.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WITNESS_BUGS } from '../../sim/mutants/bugs/witness-bugs.js';
import type { PlantedBug } from '../../sim/mutants/planted-bug.js';
import { readDirected } from '../../sim/mutants/plant.js';
import { PLANTED_BUGS } from '../../sim/mutants/planted-bugs.js';
import { type Oracle, ORACLES } from '../../sim/oracle/finding.js';
import type { Profile } from '../../sim/cli/any-plan.js';
import { SwitchedBugs } from './switched-bugs.js';

const ROOT = join(import.meta.dirname, '..', '..');

/** Seeds that a search may try; nearly all need less than twenty. */
const SEEDS = 400;

/**
 * Where a search begins that would take more than one seed: in front of one that finds it, as seeds were drawn when this was
 * written.
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
  events: 210,
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

const ALL = [...PLANTED_BUGS, ...WITNESS_BUGS];
const directed = ALL.filter(({ plan }) => plan !== undefined);
const firing = ALL.filter(({ number }) => Object.values(FOUND_BY).includes(number));

let bugs: SwitchedBugs;
beforeAll(async () => {
  bugs = await SwitchedBugs.make(ROOT, [...new Set([...directed, ...firing])]);
});
afterAll(() => bugs.clear());

describe('a plan made for a bug', () => {
  test.each(directed)('shows it: $name', async ({ number, plan: name = '' }) => {
    const plan = await readDirected(ROOT, name);
    expect((await bugs.with(0).runAny(plan)).failure).toBeNull();
    expect((await bugs.with(number).runAny(plan)).failure).not.toBeNull();
  });
});

describe('each oracle fires', () => {
  test.each(ORACLES)('%s', async (oracle) => {
    const bug = firing.find(({ number }) => number === FOUND_BY[oracle]);
    if (bug === undefined) throw new Error(`no bug ${FOUND_BY[oracle]}`);
    expect(await firstFinding(bug, oracle)).toBe(oracle);
  });
});

/** The oracle that was asked for, once it has found the bug; or else what others found. */
async function firstFinding(
  { number, plan, profile = 'disk' }: PlantedBug,
  oracle: Oracle,
): Promise<unknown> {
  const { runAny, runDrawn } = bugs.with(number);
  if (plan !== undefined) return (await runAny(await readDirected(ROOT, plan))).failure?.oracle;
  const others = new Set<string | undefined>();
  const from = FROM[oracle] ?? 1;
  for (let seed = from; seed < from + SEEDS; seed++) {
    const found = (await runDrawn(seed, profile as Profile)).failure?.oracle;
    if (found === oracle) return found;
    others.add(found);
  }
  return [...others];
}
