/**
 * What was acknowledged must survive any crash, and what was not must be there whole or not at all. The world
 * stops before, inside and after every disk call of a life, by kill, power cut and both, and again inside the
 * recovery; whatever is found then is held against the set of states that were allowed.
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
import { walSubject } from './wal-life.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';
const subject = walSubject(4096);

/** Sector size, images, names and what a failed sync leaves are drawn from the seed: another for each crash. */
function worldOf(seed: number, calls: 'inline' | 'background'): CrashWorld {
  return { seed, profile: { calls }, directories: ['/data'] };
}

describe.each(['inline', 'background'] as const)('calls %s', (mode) => {
  test('every call of a life', { timeout: 3_600_000 }, async () => {
    const rounds = isDeep ? 8 : 1;
    const calls = await countCalls(subject, worldOf(1, mode));
    expect(calls).toBeGreaterThan(300);
    for (let round = 0; round < rounds; round += 1) {
      for (let call = 1; call <= calls; call += 1) {
        for (const [at, stop] of stopsAt(call).entries()) {
          // The two modes share the stops between them, unless there is time for all.
          if (!isDeep && (call + at) % 2 !== (mode === 'inline' ? 0 : 1)) continue;
          const world = worldOf(round * 10_000 + call * 9 + at, mode);
          await describing(`seed ${world.seed}, ${textOf(stop)}`, async () => {
            await recoverTwice(subject, await crashWork(subject, world, stop));
          });
        }
      }
    }
  });

  test('every call of a recovery', { timeout: 3_600_000 }, async () => {
    const calls = await countCalls(subject, worldOf(1, mode));
    const stride = isDeep ? 1 : mode === 'inline' ? 47 : 53;
    let count = 0;
    for (let call = 1; call <= calls; call += stride) {
      const stops = stopsAt(call);
      const stop = stops[call % stops.length] as Stop;
      await describing(`seed ${call}, ${textOf(stop)}`, async () => {
        const crashed = await crashWork(subject, worldOf(call, mode), stop);
        // Each call of the recovery stops in one of the nine ways, unless there is time for all.
        let at = call;
        count += await crashRecovery(subject, crashed, (next) => isDeep || (at++ + next.call) % 9 === 0);
      });
    }
    expect(count).toBeGreaterThan(400);
  });
});
