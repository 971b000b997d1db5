// At stake: that a seed is a whole world, the same on every run, and that the store keeps its promises in each.
// Drawn plans are run twice, their traces compared, and what the oracles find is printed with the way to replay it.
import { describe, expect, test } from 'vitest';
import { drawPlan } from '../../sim/plan/draw-plan.js';
import { parsePlan, type PlanProfile } from '../../sim/plan/plan.js';
import { runPlan } from '../../sim/plan/run-plan.js';
import { failureText, planText } from '../../sim/cli/failure-files.js';

const SEEDS = process.env['KEELSON_DEEP'] === '1' ? 5000 : 120;
const OVER_BUDGET_SEEDS = SEEDS / 4;

async function hashesOf(profile: PlanProfile, seeds: number): Promise<string[]> {
  const hashes: string[] = [];
  for (let seed = 1; seed <= seeds; seed++) {
    const { failure, traceHash, crashes } = await runPlan(drawPlan(seed, profile));
    if (failure !== null) {
      throw new Error(`npm run sim -- --seed ${seed} --profile ${profile}\n${failureText(failure)}`);
    }
    hashes.push(`${seed}: ${traceHash} ${crashes}`);
  }
  return hashes;
}

describe('drawn plans', () => {
  test.each([
    ['disk', SEEDS],
    ['over-budget', OVER_BUDGET_SEEDS],
  ] as const)(
    'find nothing in profile %s, and do the same when they are run again',
    async (profile, seeds) => {
      const first = await hashesOf(profile, seeds);
      const second = await hashesOf(profile, seeds);
      expect(second).toEqual(first);
      expect(new Set(first.map((line) => line.split(' ')[1])).size).toBe(seeds);
    },
  );

  test('are data: written as JSON and read again, a plan runs alike', async () => {
    const plan = drawPlan(7, 'disk');
    const again = parsePlan(planText(plan));
    expect(again).toEqual(plan);
    expect((await runPlan(again)).traceHash).toBe((await runPlan(plan)).traceHash);
  });

  test('keep what each operation draws when others are left out', () => {
    const plan = drawPlan(11, 'disk');
    const other = drawPlan(12, 'disk');
    expect(plan.ops.map(({ id }) => id)).toEqual(other.ops.map(({ id }) => id));
    expect(plan.ops).not.toEqual(other.ops);
    expect(() => parsePlan('{"version":0}')).toThrow(/version 0, expected 1/);
  });

  test('leave the same last lines of the trace', async () => {
    const plan = drawPlan(3, 'disk');
    const first = await runPlan(plan, { linesKept: 50 });
    expect(first.lines).toHaveLength(50);
    expect((await runPlan(plan, { linesKept: 50 })).lines).toEqual(first.lines);
  });
});
