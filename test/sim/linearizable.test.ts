/**
 * At stake: a checker that lets everything pass makes the demonstration worthless, one that errs calls a right store
 * wrong. Tried by histories known to be right or wrong, and against trying every order of small random ones.
 */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { anomalies } from '../../sim/history/linearizable.js';
import type { Operation } from '../../sim/history/operation.js';

/** `kind`, value, from, until. */
type Short = readonly ['read' | 'write', string | null, number, number];

function history(...operations: readonly Short[]): readonly Operation[] {
  return operations.map(([kind, value, invokedMs, returnedMs], at) => ({
    key: 'k',
    client: `c${at}`,
    kind,
    value,
    invokedMs,
    returnedMs,
  }));
}

/** By definition: some order, true to time, in which every read finds what was written last. */
function isLinearizable(rest: readonly Operation[], held: string | null = null): boolean {
  if (rest.every(({ returnedMs }) => returnedMs === Infinity)) return true;
  return rest.some((operation) => {
    if (rest.some((other) => other.returnedMs < operation.invokedMs)) return false;
    if (operation.kind === 'read' && operation.value !== held) return false;
    const next = operation.kind === 'write' ? operation.value : held;
    return isLinearizable(
      rest.filter((other) => other !== operation),
      next,
    );
  });
}

describe('the checker of histories', () => {
  test.each<readonly [string, readonly Short[]]>([
    ['nothing at all', []],
    ['a read of nothing', [['read', null, 0, 1]]],
    [
      'a write, then a read',
      [
        ['write', 'a', 0, 1],
        ['read', 'a', 2, 3],
      ],
    ],
    [
      'a read beside a write, of the old',
      [
        ['write', 'a', 0, 9],
        ['read', null, 1, 2],
      ],
    ],
    [
      'a read beside a write, of the new',
      [
        ['write', 'a', 0, 9],
        ['read', 'a', 1, 2],
      ],
    ],
    [
      'a write of unknown fate that is seen',
      [
        ['write', 'a', 0, Infinity],
        ['read', 'a', 5, 6],
      ],
    ],
    [
      'a write of unknown fate that is not',
      [
        ['write', 'a', 0, Infinity],
        ['read', null, 5, 6],
      ],
    ],
    [
      'a write of unknown fate that comes late',
      [
        ['write', 'a', 0, Infinity],
        ['write', 'b', 1, 2],
        ['read', 'b', 3, 4],
        ['read', 'a', 5, 6],
      ],
    ],
    [
      'rivals',
      [
        ['write', 'a', 0, 10],
        ['write', 'b', 0, 10],
        ['read', 'b', 1, 4],
        ['read', 'a', 5, 9],
        ['read', 'a', 11, 12],
      ],
    ],
  ])('finds nothing wrong with %s', (_, operations) => {
    expect(anomalies(history(...operations))).toEqual([]);
  });

  test.each<readonly [string, readonly Short[]]>([
    [
      'a lost write',
      [
        ['write', 'a', 0, 1],
        ['read', null, 2, 3],
      ],
    ],
    ['an invented value', [['read', 'a', 0, 1]]],
    [
      'a value read before it was written',
      [
        ['read', 'a', 0, 1],
        ['write', 'a', 2, 3],
      ],
    ],
    [
      'a stale read',
      [
        ['write', 'a', 0, 1],
        ['write', 'b', 2, 3],
        ['read', 'a', 4, 5],
      ],
    ],
    [
      'two readers that see two orders',
      [
        ['write', 'a', 0, 10],
        ['write', 'b', 0, 10],
        ['read', 'a', 11, 12],
        ['read', 'b', 13, 14],
      ],
    ],
    [
      'a new value, then the old one again',
      [
        ['write', 'a', 0, 9],
        ['read', 'a', 1, 2],
        ['read', null, 3, 4],
      ],
    ],
  ])('finds %s', (_, operations) => {
    expect(anomalies(history(...operations))).toHaveLength(1);
  });

  test('names the key, the operation and what would have fitted', () => {
    const [anomaly] = anomalies(history(['write', 'a', 0, 1], ['read', 'b', 2, 3]));
    expect(anomaly).toMatchObject({ key: 'k', held: 'a', operation: { kind: 'read', value: 'b' } });
  });

  test('judges each key by itself', () => {
    const [one, two] = history(['write', 'a', 0, 1], ['read', null, 2, 3]);
    expect(anomalies([one!, { ...two!, key: 'other' }])).toEqual([]);
  });

  const operation = fc
    .record({
      kind: fc.constantFrom('read' as const, 'write' as const),
      value: fc.constantFrom('a', 'b', 'c', null),
      invokedMs: fc.nat(12),
      lastsMs: fc.oneof(fc.nat(6), fc.nat(6), fc.nat(6), fc.constant(Infinity)),
    })
    .map(({ kind, value, invokedMs, lastsMs }): Short => {
      // A read that was never answered says nothing and is not in a history.
      const returnedMs = invokedMs + (kind === 'read' && lastsMs === Infinity ? 3 : lastsMs);
      return [kind, kind === 'write' ? (value ?? 'a') : value, invokedMs, returnedMs];
    });

  test.prop([fc.array(operation, { maxLength: 7 })], { numRuns: 2000 })(
    'agrees with trying every order',
    (operations) => {
      const one = history(...operations);
      expect(anomalies(one).length === 0).toBe(isLinearizable(one));
    },
  );

  test('takes a long history with many rivals in its stride', () => {
    const operations: Short[] = [];
    for (let round = 0; round < 2000; round += 1) {
      const at = round * 10;
      for (let rival = 0; rival < 4; rival += 1) operations.push(['write', `${round} ${rival}`, at, at + 9]);
      operations.push(['read', `${round} ${round % 4}`, at + 1, at + 9]);
    }
    expect(anomalies(history(...operations))).toEqual([]);
  });
});
