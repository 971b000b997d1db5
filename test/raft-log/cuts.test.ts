// At stake: a read in several steps, beside which the end was cut more often than is remembered, must not hand out entries
// of two logs. Each bound of what is remembered is tried on both of its sides.
import { expect, test } from 'vitest';
import { Cuts } from '../../src/raft-log/rules/cuts.js';

/** As many as are remembered one by one. */
const KEPT = 64;

/** Cuts at 1000 + 1, 1000 + 2, and so on. */
function cutsOf(count: number): Cuts {
  const cuts = new Cuts();
  for (let at = 1; at <= count; at += 1) cuts.note(1000 + at);
  return cuts;
}

test('says where the lowest cut was since a read began', () => {
  const cuts = cutsOf(3);
  expect(cuts.lowestSince(3)).toBe(Infinity);
  expect(cuts.lowestSince(2)).toBe(1003);
  expect(cuts.lowestSince(0)).toBe(1001);
});

test('says that all was cut where there were more cuts than are remembered', () => {
  expect(cutsOf(KEPT).lowestSince(0)).toBe(1001);
  expect(cutsOf(KEPT + 1).lowestSince(0)).toBe(0);
  expect(cutsOf(KEPT + 1).lowestSince(1)).toBe(1002);
  expect(cutsOf(3 * KEPT).lowestSince(KEPT)).toBe(0);
});
