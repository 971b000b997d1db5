// Every term that the log tells comes from these runs, so a search that is off by one breaks elections.
// Random sequences of changes are held against a plain array of terms, read back whole after each.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TermRuns } from '../../src/raft-log/state/term-runs.js';

describe('TermRuns', () => {
  it('tells what an array of terms tells, after every change', () => {
    const change = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          kind: fc.constant('append' as const),
          count: fc.integer({ min: 1, max: 20 }),
          rise: fc.nat(2),
        }),
      },
      fc.record({ kind: fc.constant('truncate' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
      fc.record({ kind: fc.constant('drop' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), index: fc.nat(1000) }) },
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const runs = new TermRuns();
        let boundary = 0;
        let terms = [0];
        const last = (): number => boundary + terms.length - 1;
        for (const step of changes) {
          if (step.kind === 'append') {
            for (let count = 0; count < step.count; count += 1) {
              terms.push((terms.at(-1) as number) + step.rise);
              runs.append(last(), terms.at(-1) as number);
            }
          } else if (step.kind === 'truncate') {
            const index = boundary + 1 + Math.floor(step.at * (terms.length - 1));
            terms.length = index - boundary;
            runs.truncateFrom(index);
          } else if (step.kind === 'drop') {
            const index = boundary + Math.floor(step.at * (terms.length - 1));
            terms = terms.slice(index - boundary);
            boundary = index;
            runs.dropThrough(index);
          } else {
            boundary = step.index;
            terms = [5];
            runs.reset(boundary, 5);
          }
          expect([runs.boundaryIndex, runs.lastIndex, runs.lastTerm]).toEqual([
            boundary,
            last(),
            terms.at(-1),
          ]);
          expect(terms.map((_term, offset) => runs.termAt(boundary + offset))).toEqual(terms);
          expect(runs.runCount).toBe(
            terms.filter((term, offset) => offset === 0 || term !== terms[offset - 1]).length,
          );
        }
        const started = terms
          .map((term, offset) => ({ index: boundary + offset, term }))
          .filter(({ term }, offset) => offset === 0 || term !== terms[offset - 1]);
        for (const [from, until] of [
          [0, Infinity],
          [boundary + 1, last()],
          [last() - 5, last() + 1],
          [last() + 1, last() + 9],
        ] as const)
          expect(runs.clone().startingIn(from, until)).toEqual(
            Float64Array.from(
              started
                .filter(({ index }) => index >= from && index < until)
                .flatMap(({ index, term }) => [index, term]),
            ),
          );
      }),
      { numRuns: 300 },
    );
  });

  it('takes the same memory for a million entries of one term as for one', () => {
    const runs = new TermRuns();
    runs.append(1, 1);
    const before = runs.memoryBytes;
    for (let index = 2; index <= 1_000_000; index += 1) runs.append(index, 1);
    expect(runs.memoryBytes).toBe(before);
    expect(runs.runCount).toBe(2);
  });

  it('reuses the room of runs that were dropped', () => {
    const runs = new TermRuns();
    for (let index = 1; index <= 10_000; index += 1) {
      runs.append(index, index);
      if (index > 4) runs.dropThrough(index - 4);
    }
    expect(runs.memoryBytes).toBeLessThan(1024);
  });

  it('keeps a clone apart', () => {
    const runs = new TermRuns(3, 1);
    runs.append(4, 2);
    const copy = runs.clone();
    runs.truncateFrom(4);
    runs.append(4, 7);
    expect(copy.termAt(4)).toBe(2);
    expect(runs.termAt(4)).toBe(7);
  });

  it('refuses what does not join', () => {
    const runs = new TermRuns(3, 1);
    expect(() => {
      runs.append(5, 1);
    }).toThrow(RangeError);
    expect(() => runs.termAt(2)).toThrow(RangeError);
    expect(() => runs.termAt(4)).toThrow(RangeError);
    expect(() => {
      runs.truncateFrom(3);
    }).toThrow(RangeError);
    expect(() => {
      runs.dropThrough(4);
    }).toThrow(RangeError);
  });
});
