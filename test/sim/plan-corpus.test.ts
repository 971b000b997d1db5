// At stake: a bug that the simulator found once must not come back; what each plan found stands in docs/simulator-power.md.
// Each plan of the corpus is replayed on the store as it is, and has to pass.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAny, runAny } from '../../sim/cli/any-plan.js';

const CORPUS = join(import.meta.dirname, '..', 'corpus');

describe('the corpus', () => {
  test.each(readdirSync(CORPUS).filter((name) => name.endsWith('.json')))('%s', async (name) => {
    const plan = parseAny(readFileSync(join(CORPUS, name), 'utf8'));
    const { failure, ops } = await runAny(plan);
    expect(failure).toBeNull();
    expect(ops).toBe(plan.profile === 'cluster' ? plan.ops.length + plan.faults.length : plan.ops.length);
  });
});
