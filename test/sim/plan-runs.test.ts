// At stake: that a seed is a whole world, the same on every run, and that the store keeps its promises in each.
// Drawn plans are run here and some of them in a fresh process too, their traces compared, and what the oracles find is
// printed with the way to replay it.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Profile } from '../../sim/cli/any-plan.js';
import { Interruption } from '../../sim/cli/interruption.js';
import { planText } from '../../sim/cli/plan-text.js';
import { runSeeds } from '../../sim/cli/run-seeds.js';
import { type Summary, Tally } from '../../sim/cli/tally.js';
import { Nursery } from '../../sim/mutants/plant.js';
import { drawPlan } from '../../sim/plan/draw-plan.js';
import { parsePlan } from '../../sim/plan/plan.js';
import { runPlan } from '../../sim/plan/run-plan.js';

const ROOT = join(import.meta.dirname, '..', '..');
const IS_DEEP = process.env['KEELSON_DEEP'] === '1';
/**
 * How many seeds of a profile are searched, and how many of them in a second process. Of the searches for planted bugs that
 * sim/mutants/figures.json tells of, 94 in a hundred need no more than sixty seeds, 95 a hundred, 98 two hundred; new
 * seeds each night find more than more of the same.
 */
const SEEDS: readonly (readonly [Profile, number, number])[] = IS_DEEP
  ? [
      ['disk', 20_000, 20_000],
      ['over-budget', 5000, 5000],
    ]
  : [
      ['disk', 60, 4],
      ['over-budget', 18, 2],
    ];

let nursery: Nursery;
beforeAll(async () => {
  nursery = await Nursery.make(ROOT);
});
afterAll(() => nursery.clear());

/** The figures of a search in a process of its own. */
function search(profile: string, seeds: string): Promise<Summary> {
  const tool = join(nursery.honest, 'sim/cli/main.js');
  const artefacts = join(nursery.honest, 'failures');
  const options = ['--profile', profile, '--seeds', seeds, '--artefacts', artefacts, '--json'];
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [tool, ...options],
      { maxBuffer: 2 ** 26 },
      (error, stdout: string, stderr: string) => {
        const last = stdout.trimEnd().split('\n').at(-1) ?? '';
        if (last.startsWith('{')) resolve(JSON.parse(last) as Summary);
        else reject(new Error(`the search ended without figures: ${stderr}`, { cause: error }));
      },
    );
  });
}

test.each([1, 2])('a search by %i threads that is interrupted tells what it did', async (jobs) => {
  const tool = join(nursery.honest, 'sim/cli/main.js');
  const options = ['--seeds', '1..100000000', '--jobs', String(jobs), '--json'];
  const child = spawn(process.execPath, [tool, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  child.stdout.on('data', (piece: Buffer) => (stdout += piece.toString()));
  // The first line of progress comes behind the first seed.
  child.stderr.once('data', () => child.kill('SIGINT'));
  const [code] = (await once(child, 'close')) as [number];
  expect(code).toBe(130);
  const summary = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Summary;
  expect(summary.scenarios).toBeGreaterThan(0);
  expect(summary.failures).toBe(0);
});

describe('drawn plans', () => {
  test.each(SEEDS)(
    'find nothing in profile %s, differ, and do the same in a second process',
    async (profile, count, twice) => {
      const [all, first] = [new Tally(profile), new Tally(profile)];
      const hashes = new Set<number>();
      const range = {
        from: 1,
        until: count + 1,
        step: 1,
        deadlineMs: Infinity,
        stop: new Interruption().flag,
      };
      await runSeeds({ ...range, profile }, (run) => {
        all.add(run);
        if (run.seed <= twice) first.add(run);
        hashes.add(run.traceHash);
      });
      const { failed, unreached } = all.summary(0);
      const replay = ({ seed }: { seed: number }) => `npm run sim -- --seed ${seed} --profile ${profile}`;
      expect(failed.map((one) => `${replay(one)}: ${one.oracle}: ${one.what}`)).toEqual([]);
      expect(hashes.size).toBe(count);
      expect({ ...(await search(profile, `1..${twice}`)), seconds: 0 }).toEqual(first.summary(0));
      // A fault or a branch that never comes in so long a run is a fault of the simulator.
      if (IS_DEEP) expect(unreached).toEqual([]);
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
    // Rollbacks, copies and damage stand between the others, in some plans, and take no number of theirs.
    const numbers = ({ ops }: typeof plan): number[] =>
      ops.filter(({ kind }) => !['rollback', 'hurt', 'copy', 'twins'].includes(kind)).map(({ id }) => id);
    expect(numbers(plan)).toEqual(numbers(other));
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
