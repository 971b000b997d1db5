/**
 * What was acknowledged must survive any crash, and what was not must be there whole or not at all. The world
 * stops before and inside every disk call of a life, by kill, power cut and both, and again inside the recovery;
 * whatever is found then is held against the set of states that were allowed.
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
} from '../crash/crash-everywhere.js';
import { walSubject } from './wal-life.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';
const subject = walSubject(4096);
/** In a quick run each stop is tried in one of the worlds and one of the modes, and one in eighteen of those that leave a recovery most to do. */
const WORLDS = WAYS;
const RECOVERED = isDeep ? 1 : 18;

/** Sector size, images, names and what a failed sync leaves are drawn from the seed: another for each world. */
function worldOf(seed: number, calls: 'inline' | 'background'): CrashWorld {
  return { seed, profile: { calls }, directories: ['/data'] };
}

describe.each(['inline', 'background'] as const)('calls %s', (mode) => {
  test('every call of a life', async () => {
    const turn = mode === 'inline' ? 0 : 1;
    let count = 0;
    for (let seed = 0; seed < WORLDS * (isDeep ? 8 : 1); seed += 1) {
      const crashes = await crashesOfLife(
        subject,
        worldOf(seed, mode),
        ({ call }, way) => isDeep || (way + call * 5) % (2 * WORLDS) === seed * 2 + turn,
      );
      for (const crashed of crashes)
        await describing(`seed ${seed}, ${textOf(crashed.stop)}`, () => recoverTwice(subject, crashed));
      count += crashes.length;
    }
    expect(count).toBeGreaterThan(350);
  });

  // Around what makes bytes and names durable: there a kill leaves in the cache what the disk may not have.
  test('every call of a recovery', async () => {
    let turn = mode === 'inline' ? 0 : RECOVERED / 2;
    const crashes = await crashesOfLife(
      subject,
      worldOf(1, mode),
      ({ at, crash }, way, kind) =>
        (kind === 'dataSync' || kind === 'syncDirectory' || kind === 'rename') &&
        (isDeep || (at === 'before' && crash !== 'kill-power') || way === WAYS / 2) &&
        turn++ % RECOVERED === 0,
    );
    let count = 0;
    for (const [at, crashed] of crashes.entries())
      await describing(`seed 1, ${textOf(crashed.stop)}`, async () => {
        // Power cuts just before a call find what it was to make durable; of the other stops a few.
        count += await crashRecovery(
          subject,
          crashed,
          ({ call }, way) => isDeep || way === 1 || (call * WAYS + way + at) % 23 === 0,
        );
      });
    expect(count).toBeGreaterThan(250);
  });
});
