// A read outside of the log must be told from an empty one, and compaction must stop at the snapshot.
// Each bound is tried on both of its sides, on a log whose beginning is compacted.
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../src/errors/index.js';
import { judgeCompact, judgeRange, judgeTerm } from '../../src/raft-log/rules/judge-range.js';
import { logOfTerms } from './log-of-terms.js';
import { refused } from './refused.js';

/** Entries 4..8, a snapshot at 6. */
const LOG = logOfTerms([2, 2, 3, 3, 3], { boundary: { index: 3, term: 1 }, snapshot: { index: 6, term: 3 } });

describe('ranges', () => {
  it.each([
    [4, 9],
    [4, 5],
    [8, 9],
    [4, 4],
    [9, 9],
  ])('takes [%d, %d)', (from, until) => {
    judgeRange(LOG, from, until);
  });
  const cases: readonly [number, number, ErrorCode][] = [
    [3, 9, 'KEELSON_COMPACTED'],
    [0, 1, 'KEELSON_COMPACTED'],
    [4, 10, 'KEELSON_UNAVAILABLE'],
    [10, 10, 'KEELSON_UNAVAILABLE'],
    [6, 5, 'KEELSON_INVALID_ARGUMENT'],
    [2, 1, 'KEELSON_INVALID_ARGUMENT'],
    [-1, 5, 'KEELSON_INVALID_ARGUMENT'],
    [4.5, 5, 'KEELSON_INVALID_ARGUMENT'],
    [4, NaN, 'KEELSON_INVALID_ARGUMENT'],
    [4, 2 ** 53, 'KEELSON_INVALID_ARGUMENT'],
  ];
  it.each(cases)('refuses [%d, %d) as %s', (from, until, code) => {
    refused(code, () => {
      judgeRange(LOG, from, until);
    });
  });
});

describe('terms', () => {
  it('knows the boundary and every entry', () => {
    expect([3, 4, 5, 6, 7, 8].map((index) => judgeTerm(LOG, index))).toEqual([1, 2, 2, 3, 3, 3]);
    expect(judgeTerm(logOfTerms([]), 0)).toBe(0);
  });
  it('refuses what is outside', () => {
    refused('KEELSON_COMPACTED', () => judgeTerm(LOG, 2));
    refused('KEELSON_UNAVAILABLE', () => judgeTerm(LOG, 9));
    refused('KEELSON_INVALID_ARGUMENT', () => judgeTerm(LOG, -1));
    refused('KEELSON_INVALID_ARGUMENT', () => judgeTerm(LOG, NaN));
  });
});

describe('compaction', () => {
  it('stops at the snapshot', () => {
    expect(judgeCompact(LOG, 6)).toBe(true);
    expect(judgeCompact(LOG, 4)).toBe(true);
    refused('KEELSON_UNAVAILABLE', () => judgeCompact(LOG, 7));
    refused('KEELSON_UNAVAILABLE', () => judgeCompact(logOfTerms([1]), 1));
  });
  it('has nothing to do where it was done', () => {
    expect(judgeCompact(LOG, 3)).toBe(false);
    expect(judgeCompact(logOfTerms([]), 0)).toBe(false);
  });
  it.each([-1, 1.5, NaN, 2 ** 53])('refuses %d', (upTo) => {
    refused('KEELSON_INVALID_ARGUMENT', () => judgeCompact(LOG, upTo));
  });
});
