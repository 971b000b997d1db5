/**
 * A switch of format leaves the snapshot of the new log under the name of an unfinished one until an open has moved the
 * old file away: whoever looks at such a store must see what an open sees, and nobody may take that file for litter. A
 * migration is stopped right behind the switch, then verified, inspected, repaired and opened, and stopped again.
 */
import { describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { planStoreRepair, repairStore } from '../../src/raft-log/repair-store.js';
import { surveyLog } from '../../src/raft-log/repair/survey-log.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { bytesOf } from './scratch-log.js';
import { diskWith, DIR, expectMigrated, openOlder, zeroStore } from './zero-life.js';

const SNAPSHOTS = `${DIR}/snapshots`;
const NAME = '0000000000000006-0000000000000001';
const STAGED = `${SNAPSHOTS}/${NAME}.tmp`;
const PUBLISHED = `${SNAPSHOTS}/${NAME}.snap`;
const MIGRATE = { onOlderFormat: 'migrate' } as const;

/** Opens the store, and stops the world with the call that `isLast` picks. */
async function stoppedAt(
  disk: SimulatedDisk,
  at: 'before' | 'after',
  isLast: (kind: string, path: string) => boolean,
): Promise<void> {
  disk.onCall = ({ kind, path }) => (isLast(kind, path) ? { crash: 'kill', at } : undefined);
  const outcome = await disk.run((environment) => openOlder(environment, MIGRATE));
  disk.onCall = null;
  expect(outcome.crashed).toBe(true);
}

/** Behind the switch: `'beside'` the old snapshot of the same name, or `'alone'`, when that has been moved away. */
async function switched(where: 'beside' | 'alone'): Promise<SimulatedDisk> {
  const disk = diskWith(zeroStore());
  await stoppedAt(
    disk,
    where === 'beside' ? 'before' : 'after',
    (kind, path) => kind === 'rename' && path === PUBLISHED,
  );
  const names = disk.list().filter((path) => path.startsWith(SNAPSHOTS));
  expect(names).toEqual(where === 'beside' ? [PUBLISHED, STAGED] : [STAGED]);
  return disk;
}

async function expectWhole(disk: SimulatedDisk): Promise<void> {
  await disk.run(async (environment) => {
    const log = await openOlder(environment, MIGRATE);
    await expectMigrated(log, zeroStore());
    await log.close();
  });
  expect(disk.list().filter((path) => path.startsWith(SNAPSHOTS))).toEqual([PUBLISHED]);
}

describe.each(['beside', 'alone'] as const)('%s', (where) => {
  test('the store is sound to who verifies it, and there is nothing to repair', async () => {
    const disk = await switched(where);
    const { environment } = disk;
    expect(await verifyStore({ environment, dir: DIR, walDir: null })).toMatchObject({
      verdict: 'sound',
      damage: [],
      snapshots: 1,
      blemishes: [{ path: STAGED }],
    });
    expect(await planStoreRepair({ environment, dir: DIR, walDir: null })).toMatchObject({ action: 'none' });
    const { snapshots } = await surveyLog({ environment, dir: DIR, walDir: null });
    expect(snapshots).toMatchObject([{ path: STAGED, index: 6, term: 1, isStaged: true, damage: null }]);
    await expectWhole(disk);
  });

  test('without a superblock the repair keeps it', async () => {
    const disk = await switched(where);
    disk.overwrite(`${DIR}/superblock`, 0, new Uint8Array(8192));
    const { environment } = disk;
    expect(await repairStore({ environment, dir: DIR, walDir: null })).toMatchObject({
      result: { firstIndex: 5, lastIndex: 18, snapshot: { index: 6, term: 1 } },
    });
    await disk.run(async (environment) => {
      const log = await openOlder(environment, MIGRATE);
      expect([log.firstIndex, log.lastIndex, log.snapshot?.index]).toEqual([5, 18, 6]);
      const opened = await log.openSnapshot();
      expect(await bytesOf(opened?.data as AsyncIterable<Uint8Array>)).toEqual(zeroStore().snapshotData);
      await log.close();
    });
  });

  test('damaged, it is named as damaged, and an open says the same', async () => {
    const disk = await switched(where);
    disk.flipBit(STAGED, 20, 1);
    const { environment } = disk;
    expect(await verifyStore({ environment, dir: DIR, walDir: null })).toMatchObject({ verdict: 'damaged' });
    await expect(openOlder(environment, MIGRATE)).rejects.toMatchObject({ code: 'KEELSON_MISSING_SNAPSHOT' });
  });
});

test('stopped again where the name of its directory would be proven: the next open finds it', async () => {
  const disk = await switched('alone');
  const whole = disk.fork();
  let count = 0;
  whole.onCall = ({ kind }) => {
    if (kind === 'rename') count += 1;
    return undefined;
  };
  await expectWhole(whole);
  expect(count).toBeGreaterThan(0);
  for (let last = 1; last <= count; last += 1) {
    for (const at of ['before', 'after'] as const) {
      const fork = disk.fork();
      let renamed = 0;
      await stoppedAt(fork, at, (kind) => kind === 'rename' && (renamed += 1) === last);
      await expectWhole(fork);
    }
  }
});
