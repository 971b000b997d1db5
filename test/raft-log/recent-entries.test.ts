/**
 * What is kept of the newest entries is handed out as if the disk had been read, so one entry that the log has dropped, or
 * another's bytes, would be sent to followers. Random histories are held against an array, with windows of every size.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { viewOf } from '../../src/format/integers.js';
import { entryRecordBytes, putEntryRecord } from '../../src/format/raft-records.js';
import { RecentEntries } from '../../src/raft-log/state/recent-entries.js';

interface Model {
  readonly term: number;
  readonly kind: number;
  readonly data: Uint8Array;
}

/** The records of a frame's entries, as they stand encoded. */
function encoded(lowTerm: number, entries: readonly Model[]): Uint8Array {
  const bytes = new Uint8Array(
    entries.reduce((sum, { term, data }) => sum + entryRecordBytes(term - lowTerm, data.length), 0),
  );
  let at = 0;
  for (const { term, kind, data } of entries)
    at = putEntryRecord(bytes, viewOf(bytes), at, term - lowTerm, kind, data, 0);
  return bytes;
}

/** Hands the records over in the middle of other bytes, as an arena holds them. */
function push(
  recent: RecentEntries,
  from: number,
  until: number,
  lowTerm: number,
  records: Uint8Array,
): void {
  const bytes = new Uint8Array(records.length + 10).fill(0xaa);
  bytes.set(records, 3);
  recent.push(from, until, lowTerm, { bytes, view: viewOf(bytes) }, 3, 3 + records.length);
}

const entry = fc.record({
  term: fc.integer({ min: 5, max: 400 }),
  kind: fc.integer({ min: 0, max: 255 }),
  data: fc.uint8Array({ maxLength: 40 }),
});
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      entries: fc.array(entry, { maxLength: 8 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('replace' as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      entries: fc.array(entry, { maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('install' as const), ahead: fc.nat(5) }) },
);

describe('the window of the newest entries', () => {
  test('hands out what an array would hold, or null, whatever the history and the bound', () => {
    let inMemory = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(0, 50, 200, 1000, 100_000),
        fc.array(step, { maxLength: 40 }),
        (bytesMax, steps) => {
          const recent = new RecentEntries(bytesMax);
          let first = 1;
          let held: Model[] = [];
          for (const one of steps) {
            let from = first + held.length;
            if (one.kind === 'install') {
              first = from + one.ahead;
              from = first;
              held = [];
              recent.truncateFrom(0);
            } else if (one.kind === 'replace') {
              held = held.slice(0, Math.floor(one.share * held.length));
              from = first + held.length;
            }
            const entries = one.kind === 'install' ? [] : one.entries;
            const lowTerm = Math.min(...entries.map(({ term }) => term));
            push(recent, from, from + entries.length, lowTerm, encoded(lowTerm, entries));
            held.push(...entries);
            const until = first + held.length;
            for (const [start, end] of [
              [first, until],
              [Math.max(first, until - 3), until],
              [Math.max(first, until - 9), Math.max(first, until - 4)],
            ] as const) {
              const found = recent.read(start, end, Infinity);
              if (found === null) continue;
              inMemory += found.length;
              expect(found).toEqual(
                held.slice(start - first, end - first).map((model, at) => ({ index: start + at, ...model })),
              );
              const bounded = recent.read(start, end, 30) ?? [];
              expect(bounded).toEqual(found.slice(0, bounded.length));
              const bytes = bounded.reduce((sum, { data }) => sum + data.length, 0);
              const next = found[bounded.length]?.data.length ?? Infinity;
              expect(bounded.length <= 1 || bytes <= 30).toBe(true);
              expect(bounded.length > 0 || found.length === 0).toBe(true);
              expect(bytes + next > 30).toBe(true);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(inMemory).toBeGreaterThan(1000);
  });

  test('the newest are there, and the oldest go, within the bound', () => {
    const recent = new RecentEntries(8000);
    const data = new Uint8Array(100);
    for (let index = 1; index <= 500; index += 1)
      push(recent, index, index + 1, 1, encoded(1, [{ term: 1, kind: 0, data }]));
    expect(recent.read(490, 501, Infinity)).toHaveLength(11);
    expect(recent.read(461, 501, Infinity)).toHaveLength(40);
    expect(recent.read(430, 501, Infinity)).toBeNull();
    push(recent, 501, 502, 1, encoded(1, [{ term: 1, kind: 0, data: new Uint8Array(8000) }]));
    expect(recent.read(501, 502, Infinity)).toBeNull();
    push(recent, 502, 503, 1, encoded(1, [{ term: 1, kind: 0, data }]));
    expect(recent.read(502, 503, Infinity)).toHaveLength(1);
  });

  test('what was handed out is no longer the window’s', () => {
    const recent = new RecentEntries(1000);
    push(recent, 1, 2, 1, encoded(1, [{ term: 1, kind: 0, data: Uint8Array.of(1, 2, 3) }]));
    recent.read(1, 2, Infinity)?.[0]?.data.fill(9);
    expect(recent.read(1, 2, Infinity)?.[0]?.data).toEqual(Uint8Array.of(1, 2, 3));
  });
});
