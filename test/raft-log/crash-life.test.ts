/**
 * What a Raft log acknowledged must survive any crash, and all else must be there as whole saves in order or not at
 * all. The world stops before and inside every disk call of a life, by kill, power cut and both, and again
 * inside recoveries; all that the log then shows is held against the set of states that were allowed.
 */
import { describe, expect, test } from 'vitest';
import {
  crashesOfLife,
  crashRecovery,
  describing,
  recoverTwice,
  textOf,
  WAYS,
  type CrashWorld,
  type Stop,
} from '../crash/crash-everywhere.js';
import { raftSubject } from './raft-life.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';

interface Life extends CrashWorld {
  readonly segmentBytes: number;
}

/** Each world leaves out other stops, so that together they take all kinds of them. */
const LIVES: readonly Life[] = [
  { seed: 1, segmentBytes: 4096, profile: { calls: 'inline', metadata: 'strict' } },
  { seed: 2, segmentBytes: 4096, profile: { calls: 'background', metadata: 'journal' } },
  { seed: 3, segmentBytes: 8192, profile: { calls: 'as-asked', metadata: 'strict', images: 'drop-all' } },
  { seed: 4, segmentBytes: 4096, profile: { calls: 'background', metadata: 'strict', sectorBytes: 32 } },
].map((life) => ({ ...life, directories: ['/data'] }) as Life);

/** In a quick run a call is stopped at in one of the ways, which wander from call to call and from world to world. */
function isTried({ call }: Stop, way: number, seed: number): boolean {
  return IS_DEEP || (way + call * 5 + seed) % WAYS === 0;
}

describe.each(LIVES)('seed $seed, segments of $segmentBytes, calls $profile.calls', (life) => {
  const subject = raftSubject(life.segmentBytes);

  test('a crash at any call leaves a state that was allowed', async () => {
    const crashes = await crashesOfLife(subject, life, (stop, way) => isTried(stop, way, life.seed));
    for (const crashed of crashes)
      await describing(textOf(crashed.stop), () => recoverTwice(subject, crashed));
    expect(crashes.length).toBeGreaterThan(100);
  });

  test('so does a crash inside the recovery from a crash', async () => {
    const [step, portion] = IS_DEEP ? [3, 9] : [97, 13];
    let next = life.seed * 3;
    const crashes = await crashesOfLife(subject, life, ({ call }, way) => {
      if (call < next || way !== call % WAYS) return false;
      next = call + step;
      return true;
    });
    expect(crashes.length).toBeGreaterThan(5);
    let count = 0;
    for (const crashed of crashes)
      await describing(textOf(crashed.stop), async () => {
        count += await crashRecovery(
          subject,
          crashed,
          ({ call }, way) => (call * 4 + crashed.stop.call + way) % portion === 0,
        );
      });
    expect(count).toBeGreaterThan(80);
  });
});
