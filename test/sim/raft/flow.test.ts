// At stake: the arithmetic of majorities and windows, on which everything else leans. Tried against plain definitions.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { Inflights } from '../../../sim/raft/replicate/inflights.js';
import { resolveOptions } from '../../../sim/raft/options.js';
import { majority, quorumValue, voteOutcome } from '../../../sim/raft/replicate/quorum.js';
import { NO_CONFIGURATION } from '../../../sim/raft/index.js';
import { Disk } from './harness/disk.js';

describe('quorum', () => {
  test('two majorities always share a server', () => {
    for (let voters = 1; voters < 20; voters += 1) expect(2 * majority(voters)).toBeGreaterThan(voters);
  });

  test('the quorum value is the highest that a majority has reached', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 9 }), (values) => {
        const found = quorumValue(values);
        const reached = (value: number): number => values.filter((other) => other >= value).length;
        expect(reached(found)).toBeGreaterThanOrEqual(majority(values.length));
        expect(reached(found + 1)).toBeLessThan(majority(values.length));
      }),
    );
  });

  test('nobody wins, and nothing commits, without voters', () => {
    expect(quorumValue([])).toBe(0);
    expect(voteOutcome<string>([], new Map([['n1', true]]))).not.toBe('won');
  });
});

describe('inflights', () => {
  test('never hold more than a list of what was sent and not answered would', () => {
    const op = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 50 }) }),
      fc.record({ free: fc.nat(60) }),
      fc.constant({ one: true } as const),
    );
    fc.assert(
      fc.property(fc.array(op), (ops) => {
        const inflights = new Inflights(4, 100);
        let model: { last: number; bytes: number }[] = [];
        let last = 0;
        for (const each of ops) {
          if ('add' in each) {
            last += 1;
            inflights.add(last, each.add);
            model.push({ last, bytes: each.add });
          } else if ('free' in each) {
            inflights.freeTo(each.free);
            model = model.filter((sent) => sent.last > each.free);
          } else {
            inflights.freeOne();
            model.shift();
          }
          expect(inflights.count).toBe(model.length);
          expect(inflights.isFull).toBe(
            model.length >= 4 || model.reduce((sum, { bytes }) => sum + bytes, 0) >= 100,
          );
        }
      }),
    );
  });
});

describe('options', () => {
  const base = { id: 'n1', storage: new Disk(), random: (): number => 0, configuration: NO_CONFIGURATION };

  test.each([
    { electionTicks: 0 },
    { electionTicks: 1.5 },
    { appendBytesMax: Number.NaN },
    { heartbeatTicks: 10, electionTicks: 10 },
    { appliedIndex: 1 },
    { appliedIndex: -1 },
  ])('%o is refused by name', (wrong) => {
    const [name = ''] = Object.keys(wrong);
    expect(() => resolveOptions({ ...base, ...wrong })).toThrow(new RegExp(name));
  });
});
