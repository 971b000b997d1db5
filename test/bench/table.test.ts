/**
 * At stake: a missed budget that is printed as kept would be believed. Tried with rows on both sides of every
 * kind of budget, and on its edge.
 */
import { expect, test } from 'vitest';
import { isWithinBudget, ratioAtLeast, ratioAtMost, type Row } from '../../bench/row.js';
import { table } from '../../bench/table.js';

const row: Row = {
  work: 'some work',
  unit: 'entries/s',
  keelson: 9_000,
  reference: { name: 'raw', value: 10_000 },
  ratio: 0.9,
  budget: ratioAtLeast(0.9),
};

test.each([
  [ratioAtLeast(0.9), true],
  [ratioAtLeast(0.91), false],
  [ratioAtMost(0.9), true],
  [ratioAtMost(0.89), false],
  [{ of: 'figure', sense: 'at least', value: 9_000 }, true],
  [{ of: 'figure', sense: 'at least', value: 9_001 }, false],
  [{ of: 'figure', sense: 'at most', value: 8_999 }, false],
] as const)('%j', (budget, isKept) => {
  expect(isWithinBudget({ ...row, budget })).toBe(isKept);
});

test('the table says figure, reference, ratio, budget and verdict of each row', () => {
  const missed = { ...row, work: 'other work', ratio: 0.1 };
  const [headings, first, second] = table([row, missed]).split('\n');
  expect(headings).toMatch(/^work +unit +Keelson +reference +ratio +budget$/);
  expect(first).toMatch(/^some work +entries\/s +9,000 +raw +10,000 +0\.90 +>= 0\.9 +kept$/);
  expect(second).toMatch(/^other work .* 0\.10 +>= 0\.9 +missed$/);
});
