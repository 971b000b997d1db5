// At stake: a plan replays on another machine only if every draw is the same there.
// Tried: known values, independence of sub-seeds, and bounds.
import { expect, test } from 'vitest';
import { hashOfText, Random, seedOf, subSeed } from '../../../sim/index.js';

test('a seed gives the same numbers everywhere', () => {
  const random = new Random(1);
  const first = Array.from({ length: 4 }, () => random.next());
  expect(first).toMatchInlineSnapshot(`
    [
      2442144158,
      3238099751,
      3819917871,
      2104621829,
    ]
  `);
  random.reseed(1);
  expect(Array.from({ length: 4 }, () => random.next())).toEqual(first);
  expect([hashOfText('keelson'), seedOf(2 ** 40 + 7), seedOf('7'), subSeed(1, 2)]).toMatchInlineSnapshot(`
    [
      3225553044,
      3359922524,
      2049036381,
      230461417,
    ]
  `);
});

test('sub-seeds of one seed, and of neighbouring seeds, differ', () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 100; seed++) for (let part = 0; part < 100; part++) seen.add(subSeed(seed, part));
  expect(seen.size).toBe(10_000);
});

test('draws keep to their bounds and reach both ends', () => {
  const random = new Random(3);
  const below = new Set<number>();
  for (let i = 0; i < 1000; i++) below.add(random.below(5));
  expect([...below].sort()).toEqual([0, 1, 2, 3, 4]);
  expect(random.below(0)).toBe(0);
  expect(random.chance(0)).toBe(false);
  expect(random.chance(1)).toBe(true);
  let hits = 0;
  for (let i = 0; i < 10_000; i++) if (random.chance(0.3)) hits += 1;
  expect(Math.abs(hits - 3000)).toBeLessThan(200);
  expect(() => random.pick([])).toThrow(RangeError);
});
