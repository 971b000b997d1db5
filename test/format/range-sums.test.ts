/**
 * Two servers compare their logs by the sums of ranges, so equal logs must have equal ones however their segments cut
 * them, and a log that differs in one entry must not. Logs are drawn, cut at any index, and changed at one.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RANGE_RECORDS, rangeCount, rangeSums } from '../../src/format/range-sums.js';
import { u32 } from './arbitraries.js';

/** By range, the sums of parts that begin at these indexes added up. */
function summed(
  parts: readonly { readonly lowest: number; readonly checksums: Uint32Array }[],
): Map<number, number> {
  const sums = new Map<number, number>();
  for (const { lowest, checksums } of parts)
    rangeSums(lowest, checksums).forEach((sum, at) => {
      const range = Math.floor(lowest / RANGE_RECORDS) + at;
      sums.set(range, ((sums.get(range) ?? 0) + sum) >>> 0);
    });
  return sums;
}

const logs = fc.record({
  lowest: fc.oneof(fc.nat(2000), fc.integer({ min: 2 ** 52, max: 2 ** 52 + 1000 })),
  checksums: fc.array(u32, { minLength: 1, maxLength: 1200 }).map((all) => Uint32Array.from(all)),
});

test('sums add, wherever segments cut the log', () => {
  fc.assert(
    fc.property(logs, fc.nat(), ({ lowest, checksums }, choice) => {
      const cut = choice % (checksums.length + 1);
      const parts = [
        { lowest, checksums: checksums.subarray(0, cut) },
        { lowest: lowest + cut, checksums: checksums.subarray(cut) },
      ];
      expect(summed(parts)).toEqual(summed([{ lowest, checksums }]));
    }),
  );
});

test('one entry that differs shows in its range alone', () => {
  fc.assert(
    fc.property(
      logs,
      fc.nat(),
      fc.integer({ min: 1, max: 0xffff_ffff }),
      ({ lowest, checksums }, choice, flip) => {
        const at = choice % checksums.length;
        const other = checksums.slice();
        other[at] = ((other[at] as number) ^ flip) >>> 0;
        const [one, two] = [rangeSums(lowest, checksums), rangeSums(lowest, other)];
        expect(one).toHaveLength(rangeCount(lowest, lowest + checksums.length));
        const differing = [...one.keys()].filter((range) => one[range] !== two[range]);
        expect(differing).toEqual([
          Math.floor((lowest + at) / RANGE_RECORDS) - Math.floor(lowest / RANGE_RECORDS),
        ]);
      },
    ),
  );
});

test('a segment that owns no entry has no range', () => {
  expect(rangeSums(7, new Uint32Array(0))).toHaveLength(0);
});
