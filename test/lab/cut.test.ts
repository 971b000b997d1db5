/**
 * At stake: a cut that takes what a flush covered accuses the innocent, and one that leaves what none covered lets
 * the guilty go. Tried on a journal of a few records, in every mode and with many seeds.
 */
import { describe, expect, test } from 'vitest';
import { CUT_MODES, drawCut } from '../../lab/powercut/cut/cut-plan.js';
import { durableRecords, openWrites, survivingPieces } from '../../lab/powercut/cut/pieces.js';
import type { DiskRecord } from '../../lab/powercut/disk/journal.js';
import type { Note } from '../../lab/powercut/model/note.js';
import { Random } from '../../lab/powercut/random.js';

const write = (at: number, length = 4096): DiskRecord => ({
  kind: 'write',
  position: at * 4096,
  length,
  dataAt: at,
});
const FLUSH: DiskRecord = { kind: 'flush', from: 0, until: Infinity };
/** Writes 0 and 1, a flush, writes 2 to 4, a flush, write 5. */
const RECORDS = [write(0), write(1), FLUSH, write(2), write(3, 8192), write(4), FLUSH, write(5)];
const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

const surviving = (at: number, mode: (typeof CUT_MODES)[number], seed: number): number[][] =>
  survivingPieces(RECORDS, { at, mode, seed }).map(({ write: { dataAt }, from, until }) => [
    dataAt,
    from,
    until,
  ]);

test.each([
  [0, 0],
  [2, 0],
  [3, 3],
  [6, 3],
  [7, 7],
  [8, 7],
])('of %i records the first %i are durable', (at, durable) => {
  expect(durableRecords(RECORDS, at)).toBe(durable);
});

test('of two disks in one image a flush covers its own writes alone', () => {
  const half = 8 * 4096;
  const flushed = (at: 0 | 1): DiskRecord => ({ kind: 'flush', from: at * half, until: (at + 1) * half });
  // The first disk is written, then the second; each is flushed, the first behind one more write of the second.
  const records = [write(1), write(9), flushed(1), write(10), flushed(0), write(2)];
  const open = (at: number): number[] => openWrites(records, at).map(({ dataAt }) => dataAt);
  expect([2, 3, 4, 5, 6].map(open)).toEqual([[1, 9], [1], [1, 10], [10], [10, 2]]);
  expect([2, 3, 4, 5, 6].map((at) => durableRecords(records, at))).toEqual([0, 0, 0, 3, 3]);
});

describe('what no flush covers', () => {
  test.each(CUT_MODES)('%s: only that is touched, in order, within its bounds', (mode) => {
    for (const seed of SEEDS) {
      const pieces = surviving(6, mode, seed);
      const order = pieces.map(([dataAt]) => dataAt!);
      expect(order.every((dataAt) => dataAt >= 2 && dataAt <= 4)).toBe(true);
      expect(order).toEqual([...order].sort((a, b) => a - b));
      for (const [dataAt, from, until] of pieces)
        expect(from! >= 0 && from! < until! && until! <= (dataAt === 3 ? 8192 : 4096)).toBe(true);
    }
  });

  test('none and all are what they say', () => {
    expect(surviving(6, 'none', 1)).toEqual([]);
    expect(surviving(6, 'all', 1)).toEqual([
      [2, 0, 4096],
      [3, 0, 8192],
      [4, 0, 4096],
    ]);
  });

  test('some leaves out an earlier write and keeps a later one', () => {
    expect(SEEDS.some((seed) => surviving(6, 'some', seed).join('|') === '3,0,8192|4,0,4096')).toBe(true);
  });

  test('tears fall on the borders of their units, and within a sector where that is asked', () => {
    const ends = (mode: (typeof CUT_MODES)[number]): number[] =>
      SEEDS.flatMap((seed) => surviving(6, mode, seed).flatMap(([, from, until]) => [from!, until!]));
    expect(ends('torn-4096').every((end) => end % 4096 === 0)).toBe(true);
    expect(ends('torn-512').every((end) => end % 512 === 0)).toBe(true);
    expect(ends('torn-512').some((end) => end % 4096 !== 0)).toBe(true);
    expect(ends('part-of-sector').some((end) => end % 512 !== 0)).toBe(true);
  });

  test('the same plan leaves the same', () => {
    for (const seed of SEEDS) expect(surviving(8, 'some', seed)).toEqual(surviving(8, 'some', seed));
  });
});

test('cuts fall everywhere, and more often at what happened', () => {
  const notes: Note[] = [{ at: 500, what: 'answered', seq: 0 }];
  const random = new Random(1);
  const places = Array.from({ length: 1000 }, () => drawCut(random, 1000, notes).at);
  expect(places.filter((at) => at >= 500 && at <= 505).length).toBeGreaterThan(500);
  expect(places.some((at) => at < 100) && places.some((at) => at > 900)).toBe(true);
  expect(drawCut(random, 0, []).at).toBe(0);
});
