/**
 * What a Raft log acknowledged must survive any crash, and all else must be there as whole saves in order or not at
 * all. The world stops before, inside and after every disk call of a life, by kill, power cut and both, and again
 * inside recoveries; all that the log then shows is held against the set of states that were allowed.
 */
import { describe, expect, test } from 'vitest';
import {
  countCalls,
  crashRecovery,
  crashWork,
  describing,
  recoverTwice,
  stopsAt,
  textOf,
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

/** In a quick run every call is stopped at in one of the nine ways, which wanders from call to call. */
function isTried(stop: Stop, seed: number): boolean {
  return IS_DEEP || (wayOf(stop) + stop.call * 2 + seed) % 9 === 0;
}

/** Which of the ways of stopping at its call it is. */
function wayOf({ call, at, crash }: Stop): number {
  return stopsAt(call).findIndex((other) => other.at === at && other.crash === crash);
}

describe.each(LIVES)('seed $seed, segments of $segmentBytes, calls $profile.calls', (life) => {
  const subject = raftSubject(life.segmentBytes);

  test('a crash at any call leaves a state that was allowed', async () => {
    const calls = await countCalls(subject, life);
    expect(calls).toBeGreaterThan(200);
    let count = 0;
    for (let call = 1; call <= calls; call += 1) {
      for (const stop of stopsAt(call)) {
        if (!isTried(stop, life.seed)) continue;
        await describing(textOf(stop), async () => {
          await recoverTwice(subject, await crashWork(subject, life, stop));
        });
        count += 1;
      }
    }
    expect(count).toBeGreaterThanOrEqual(calls);
  });

  test('so does a crash inside the recovery from a crash', async () => {
    const calls = await countCalls(subject, life);
    const [step, portion] = IS_DEEP ? [3, 9] : [97, 23];
    for (let call = life.seed * 3; call <= calls; call += step) {
      const stop = stopsAt(call)[call % 9] as Stop;
      await describing(textOf(stop), async () => {
        const crashed = await crashWork(subject, life, stop);
        await crashRecovery(
          subject,
          crashed,
          (again) => (again.call * 4 + call + wayOf(again)) % portion === 0,
        );
      });
    }
  });
});
