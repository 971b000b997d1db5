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
  newDisk,
  recoverTwice,
  runWhole,
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
    const stops = await firstStops(mode);
    let count = 0;
    for (const [at, stop] of stops.entries()) {
      await describing(`seed ${at}, ${textOf(stop)}`, async () => {
        const crashed = await crashWork(subject, worldOf(at, mode), stop);
        count += await crashRecovery(subject, crashed, (next) => isDeep || isLikely(next, at));
      });
    }
    expect(count).toBeGreaterThan(1000);
  });
});

/**
 * First crashes that leave a recovery most to do: around what makes bytes and names durable, and a kill more often
 * than not, since then the cache shows what the disk may not have.
 */
async function firstStops(mode: 'inline' | 'background'): Promise<readonly Stop[]> {
  const disk = newDisk(worldOf(1, mode));
  const calls: number[] = [];
  disk.onCall = ({ number, kind }) => {
    if (kind === 'dataSync' || kind === 'syncDirectory' || kind === 'rename') calls.push(number);
    return undefined;
  };
  await runWhole(disk, (environment) => subject.work(environment, subject.begin()));
  if (isDeep) return calls.flatMap(stopsAt);
  const own = calls.filter((_, at) => at % 6 === (mode === 'inline' ? 0 : 3));
  return own.map((call, at) => stopsAt(call)[[0, 3, 1, 6][at % 4] ?? 0] as Stop);
}

/** Power cuts just before a call find what it was to make durable; of the other stops a few. */
function isLikely({ call, at, crash }: Stop, seed: number): boolean {
  if (at === 'before' && crash === 'power') return (call + seed) % 2 === 0;
  return (call * 9 + seed + at.length * 3 + crash.length) % 23 === 0;
}
