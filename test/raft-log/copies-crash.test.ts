/**
 * A copy that a crash, a failing call or a full disk stops must leave its source as it was, and at its own place nothing or all
 * of it. The whole way, open, checkpoint, clone, close, is stopped at each of its calls, and what is left is opened and copied again.
 */
import { expect, test } from 'vitest';
import type { Environment } from '../../src/disk/environment.js';
import { crashesOf, describing, type Stop, textOf } from '../crash/crash-everywhere.js';
import {
  checkpointOnce,
  cloneAgain,
  copyOnce,
  judgeLeft,
  ran,
  sourceOf,
  triedToCopy,
  WAYS_TO_COPY,
} from './copy-life.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';
/** One of so many ways to stop is tried. */
const CRASH_EVERY = isDeep ? 1 : 29;
const FAIL_EVERY = isDeep ? 1 : 31;

test.each(WAYS_TO_COPY)('a crash at every call: by way of %s', async (way) => {
  const disk = await sourceOf(way, 3);
  let isMade = false;
  let count = 0;
  const choose = (): boolean => ++count % CRASH_EVERY === 0;
  const crashes = await crashesOf(
    disk.fork(),
    async (environment) => {
      await copyOnce(way, environment);
      isMade = true;
    },
    choose,
    () => isMade,
  );
  expect(crashes.length).toBeGreaterThan(10);
  for (const { disk: left, memory: wasMade, stop } of crashes) {
    await describing(textOf(stop), async () => {
      await ran(left, (environment) => judgeLeft(way, environment, !wasMade));
    });
  }
});

test.each(WAYS_TO_COPY)('a failing call at every place: by way of %s', async (way) => {
  const source = await sourceOf(way, 5);
  const rehearsal = source.fork();
  await triedToCopy(way, rehearsal);
  const calls = rehearsal.callCount - source.callCount;
  let tried = 0;
  for (let call = 1; call <= calls; call += 1) {
    for (const code of ['EIO', 'ENOSPC'] as const) {
      tried += 1;
      if (tried % FAIL_EVERY !== 0) continue;
      const disk = source.fork({ seed: call });
      disk.direct(source.callCount + call, { code });
      await describing(`${code} at call ${call}`, async () => {
        const isMade = await triedToCopy(way, disk);
        disk.crash(call % 2 === 0 ? 'power' : 'kill');
        await ran(disk, (environment) => judgeLeft(way, environment, !isMade));
      });
    }
  }
});

test.each(['all', 'durable'] as const)(
  'a checkpoint that was acknowledged outlives a power cut that takes all that may go: of scope %s',
  async (scope) => {
    const disk = await sourceOf(scope, 13, { metadata: 'strict', images: 'drop-all' });
    await ran(disk, (environment) => checkpointOnce(scope, environment));
    disk.crash('power');
    await ran(disk, (environment) => cloneAgain(scope, environment));
    disk.crash('power');
    await ran(disk, (environment) => judgeLeft(scope, environment, false));
  },
);

test('what a try has made whose sync failed, the next one proves: a power cut behind it takes nothing', async () => {
  const source = await sourceOf('store', 9, { metadata: 'strict', images: 'drop-all', failedSync: 'keeps' });
  const rehearsal = source.fork();
  const syncs: number[] = [];
  rehearsal.onCall = ({ number, kind }) => {
    if (kind === 'syncDirectory') syncs.push(number);
    return undefined;
  };
  await triedToCopy('store', rehearsal);
  expect(syncs.length).toBeGreaterThan(5);
  // What the failed sync has made durable all the same is drawn: several times.
  for (const [at, call] of [...syncs, ...syncs, ...syncs].entries()) {
    const disk = source.fork({ seed: at });
    disk.direct(call, { code: 'EIO' });
    const wasMade = await triedToCopy('store', disk);
    await describing(`EIO at the sync of names at call ${call}`, async () => {
      expect(wasMade || (await triedToCopy('store', disk))).toBe(true);
      disk.crash('power');
      await ran(disk, (environment) => judgeLeft('store', environment, false));
    });
  }
});

test('what a try has left whose sync failed is no store to anybody, wherever the next one is cut', async () => {
  const profile = { metadata: 'strict', images: 'drop-all', failedSync: 'keeps' } as const;
  const source = await sourceOf('all', 11, profile);
  // The marker's own, by the time at which nothing else stands beside it.
  const isSync: number[] = [];
  const rehearsal = source.fork();
  rehearsal.onCall = ({ number, kind, path }) => {
    if (kind === 'syncDirectory' && path === '/data/clone') isSync.push(number);
    return undefined;
  };
  await triedToCopy('all', rehearsal);
  const choose = ({ at, crash }: Stop): boolean => at === 'before' && crash === 'power';
  // What the failed sync has made durable all the same is drawn: several times.
  for (const seed of [1, 2, 3, 4]) {
    const tried = source.fork({ seed });
    tried.direct(isSync[0] as number, { code: 'EIO' });
    expect(await triedToCopy('all', tried)).toBe(false);
    let isMade = false;
    const again = async (environment: Environment): Promise<void> => {
      await cloneAgain('all', environment);
      isMade = true;
    };
    const crashes = await crashesOf(tried, again, choose, () => isMade);
    expect(crashes.length).toBeGreaterThan(4);
    for (const { disk: left, memory: wasMade, stop } of crashes)
      await describing(`with seed ${seed}, ${textOf(stop)}`, () =>
        ran(left, (environment) => judgeLeft('all', environment, !wasMade)),
      );
  }
});

test.each(WAYS_TO_COPY)(
  'a disk that is full at any point leaves no half of it: by way of %s',
  async (way) => {
    const source = await sourceOf(way, 7);
    let refused = 0;
    for (let freeBytes = 0; freeBytes < 60_000; freeBytes += isDeep ? 512 : 11_000) {
      const disk = source.fork();
      const { fs } = disk;
      const roomy = fs.profile.capacityBytes;
      const profile = fs.profile as { capacityBytes: number };
      profile.capacityBytes = roomy - fs.freeBytes + freeBytes;
      await describing(`${freeBytes} bytes free`, async () => {
        const isMade = await triedToCopy(way, disk);
        if (!isMade) refused += 1;
        profile.capacityBytes = roomy;
        await ran(disk, (environment) => judgeLeft(way, environment, !isMade));
      });
    }
    expect(refused).toBeGreaterThan(1);
  },
);
