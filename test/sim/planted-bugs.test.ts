// At stake: a search whose strength nobody measures may find nothing because it can find nothing. Each planted bug
// must still fit the sources: one that does not is no longer searched for, and nobody would see it.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WITNESS_BUGS } from '../../sim/mutants/bugs/witness-bugs.js';
import { patchedSources, PatchRefused } from '../../sim/mutants/plant.js';
import { PLANTED_BUGS } from '../../sim/mutants/planted-bugs.js';

const ROOT = join(import.meta.dirname, '..', '..');

const built = [...PLANTED_BUGS, ...WITNESS_BUGS].filter(({ waitsFor }) => waitsFor === undefined);

describe('the planted bugs', () => {
  // Pages and plans cite the numbers; they are given out in ranges, so there may be gaps.
  test('have numbers of their own', () => {
    const numbers = [...PLANTED_BUGS, ...WITNESS_BUGS].map(({ number }) => number);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test.each(built)('$number ($name) can be planted', async (bug) => {
    const patched = await patchedSources(ROOT, bug);
    expect([...patched.keys()].sort()).toEqual([...new Set(bug.hunks.map(({ file }) => file))].sort());
  });

  test('that no longer fit are refused', async () => {
    const gone = { file: 'src/wal/write/rotation.ts', find: 'what was never there', put: '' };
    const bug = { number: 99, name: 'gone', rule: 'none', hunks: [gone] };
    await expect(patchedSources(ROOT, bug)).rejects.toThrow(PatchRefused);
  });
});
