// At stake: a plan that found a bug once must go on meaning the same crash when the store makes other calls around it.
// Plans are drawn and run, their faults put at the calls that they met, by name, and the worlds compared.
import { describe, expect, test } from 'vitest';
import { drawPlan } from '../../sim/plan/draw-plan.js';
import { nameCalls } from '../../sim/plan/name-calls.js';
import type { Plan } from '../../sim/plan/plan.js';
import { runPlan } from '../../sim/plan/run-plan.js';

describe('the calls of a plan', () => {
  test.each([3, 7])('seed %i with its calls named is the same world', async (seed) => {
    const plan = drawPlan(seed, 'disk');
    const named = await nameCalls(plan);
    expect(named.faults.some(({ at }) => at.of === '*.wal')).toBe(true);
    expect((await runPlan(named)).traceHash).toBe((await runPlan(plan)).traceHash);
  });

  test.each([
    ['the superblock alone', { on: 'write', of: 'superblock', nth: 2 }, /superblock$/],
    ['the files of a directory', { on: 'write', of: 'wal/*', nth: 1 }, /\/wal\/[^/]+$/],
    ['a directory', { on: 'syncDirectory', of: 'wal', nth: 1 }, /\/wal$/],
    ['what changes the disk', { on: 'change', nth: 1 }, /^\/data\/log$/],
  ] as const)('a fault may count %s', async (_what, at, path) => {
    const drawn = drawPlan(1, 'disk');
    const config = { ...drawn.config, walDirIsSeparate: false };
    const plan: Plan = {
      ...drawn,
      config,
      ops: [{ id: 1, kind: 'append', count: 1, bytes: 10, raise: 0 }],
      faults: [{ at: { op: 0, life: 0, ...at }, kind: 'kill', arg: 'before' }],
    };
    const met: string[] = [];
    const { failure } = await runPlan(plan, {
      onMet: (_fault, calls) => met.push(calls.at(-1)?.path ?? ''),
    });
    expect(failure).toBeNull();
    expect(met).toEqual([expect.stringMatching(path)]);
  });
});
