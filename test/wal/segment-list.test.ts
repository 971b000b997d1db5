/**
 * Which segment holds an entry decides what a read gives, also where later ones have replaced entries from far below; and a
 * look at all of them at each rotation and read makes a long log quadratic. Random logs are held against a search through
 * all, and the looks are counted.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LiveSegment } from '../../src/wal/segment/live-segment.js';
import { SegmentList } from '../../src/wal/segment/segment-list.js';

let looks = 0;

function segment(number: number, lowest: number, until: number): LiveSegment {
  const facts = { header: { number }, until, index: null };
  return Object.defineProperty(facts, 'lowest', {
    get: () => {
      looks += 1;
      return lowest;
    },
  }) as unknown as LiveSegment;
}

/** The same by a look at all: the latest that begins at or below the number, and where a later one goes over it. */
function ownerIn(all: readonly (readonly [lowest: number, until: number])[], number: number): unknown {
  let at = all.length - 1;
  while (at > 0 && (all[at]?.[0] ?? 0) > number) at -= 1;
  return {
    number: at + 1,
    until: all.slice(at + 1).reduce((least, [lowest]) => Math.min(least, lowest), Infinity),
  };
}

/** Each begins where the one before it ends, or replaces entries from below. */
const logs = fc
  .array(fc.record({ back: fc.oneof(fc.constant(0), fc.nat(40)), count: fc.nat(9) }), {
    minLength: 1,
    maxLength: 30,
  })
  .map((steps) => {
    const all: [number, number][] = [];
    let end = 1;
    for (const { back, count } of steps) {
      const lowest = Math.max(1, end - back);
      end = lowest + count;
      all.push([lowest, end]);
    }
    return all;
  });

test('owners are those that a look at all finds, as made, as rotated to, and behind a drop', () => {
  const property = fc.property(logs, fc.nat(30), (all, dropped) => {
    const made = new SegmentList(all.map(([lowest, until], at) => segment(at + 1, lowest, until)));
    const [first, ...rest] = all.map(([lowest, until], at) => segment(at + 1, lowest, until));
    const rotated = new SegmentList([first as LiveSegment]);
    for (const next of rest) rotated.rotate(rotated.tail, next);
    const keptFrom = Math.min(dropped, all.length - 1);
    for (const list of [made, rotated]) {
      for (let number = 1; number < 60; number += 1) {
        const { segment: found, until } = list.owner(number);
        expect({ number: found.header.number, until }).toEqual(ownerIn(all, number));
      }
      expect(list.before(keptFrom + 1).map(({ header }) => header.number)).toEqual(
        Array.from({ length: keptFrom }, (_, at) => at + 1),
      );
      list.dropBefore(keptFrom + 1);
      expect([list.count, list.first.header.number]).toEqual([all.length - keptFrom, keptFrom + 1]);
      const highest = all.slice(keptFrom).reduce((least, [lowest]) => Math.max(least, lowest), 0);
      expect(list.owner(highest).segment.header.number - keptFrom).toBe(
        (ownerIn(all.slice(keptFrom), highest) as { number: number }).number,
      );
    }
  });
  fc.assert(property);
});

test('a rotation, and a read, look at no more segments in a long log than in a short one', () => {
  const list = new SegmentList([segment(1, 1, 11)]);
  const counted: number[] = [];
  for (let number = 2; number <= 20_000; number += 1) {
    looks = 0;
    list.rotate(list.tail, segment(number, 10 * (number - 1) + 1, 10 * number + 1));
    list.owner(5);
    list.owner(10 * (number - 3) + 1);
    counted.push(looks);
  }
  expect(new Set(counted.slice(2))).toEqual(new Set([3]));
});
