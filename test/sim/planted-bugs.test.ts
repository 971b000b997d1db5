// At stake: a search whose strength nobody measures may find nothing because it can find nothing. Each planted bug
// must still fit the sources: one that does not is no longer searched for, and nobody would see it.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { WITNESS_BUGS } from '../../sim/mutants/bugs/witness-bugs.js';
import { hunt } from '../../sim/mutants/hunt.js';
import { Nursery, patchedSources, PatchRefused, readDirected } from '../../sim/mutants/plant.js';
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

  test('are built into copies of the sources, and hunted there in threads', async () => {
    const bug = WITNESS_BUGS.find(({ name }) => name === 'epoch not raised by an open');
    if (bug?.plan === undefined) throw new Error('no such bug, or no plan that shows it');
    const nursery = await Nursery.make(ROOT);
    try {
      const range = { from: 0, count: 1, profile: 'disk', plan: await readDirected(ROOT, bug.plan) } as const;
      expect(await hunt(nursery.honest, range)).toEqual({ kind: 'not-found', seeds: 1 });
      const planted = await nursery.plant(bug);
      expect(await hunt(planted, range)).toMatchObject({ kind: 'found', oracle: 'lsn-reused' });
      const elsewhere = { file: 'bundle.mjs', find: "const TARGET = 'es2023';", put: '' };
      await expect(nursery.plant({ ...bug, hunks: [elsewhere] })).rejects.toThrow(/no part of any program/);
    } finally {
      await nursery.clear();
    }
  });

  test('that no longer fit are refused', async () => {
    const gone = { file: 'src/wal/write/rotation.ts', find: 'what was never there', put: '' };
    const bug = { number: 99, name: 'gone', rule: 'none', hunks: [gone] };
    await expect(patchedSources(ROOT, bug)).rejects.toThrow(PatchRefused);
  });
});
