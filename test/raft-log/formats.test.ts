/**
 * A store of an older format must be refused, or brought to this one without losing anything, whatever stops it on the
 * way. A version 0 that only these tests know is migrated whole, with the world stopped at each call, again inside the
 * recovery from that, and with calls that fail; the old files must be found in quarantine, byte for byte.
 */
import { describe, expect, test } from 'vitest';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { checksum } from '../../src/format/checksum.js';
import { SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import type { RecoveryReport } from '../../src/wal/report/recovery-report.js';
import {
  crashEverywhere,
  DIR,
  diskWith,
  expectMigrated,
  expectSetAside,
  isTried,
  oldFiles,
  openOlder,
  QUARANTINE,
  ZERO_STATE,
  zeroStore,
} from './zero-life.js';
import { VERSION_ZERO } from './version-zero.js';

const MIGRATE = { onOlderFormat: 'migrate' } as const;
const picture = (disk: ReturnType<typeof diskWith>): unknown =>
  disk.list().map((path) => [path, disk.readVolatile(path)]);

describe('refused', () => {
  test.each([
    ['by default', {}],
    ['by word', { onOlderFormat: 'refuse' }],
    ['when it is only read', { readOnly: true }],
  ] as const)('%s: found, expected and a next step; nothing changes', async (_, options) => {
    const disk = diskWith(zeroStore());
    const before = picture(disk);
    const error: unknown = await disk
      .run((environment) => openOlder(environment, options))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'KEELSON_INCOMPATIBLE_FORMAT',
      family: 'damage',
      path: `${DIR}/superblock`,
      found: 0,
      expected: 1,
    });
    expect((error as Error).message).toContain(`onOlderFormat 'migrate'`);
    expect((error as { recovery: RecoveryReport }).recovery.verdict).toBe('damaged');
    expect(picture(disk)).toEqual(before);
  });

  test('a release without that step: no log that it knows, and nothing changes', async () => {
    const disk = diskWith(zeroStore());
    const before = picture(disk);
    await expect(
      disk.run((environment) => openRaftLog({ dir: DIR, environment, ...MIGRATE })),
    ).rejects.toMatchObject({ code: 'KEELSON_CORRUPT', path: `${DIR}/superblock` });
    expect(picture(disk)).toEqual(before);
  });
});

describe('migrated', () => {
  test('all that it held is there, and the log goes on above every number seen', async () => {
    const store = zeroStore();
    const disk = diskWith(store);
    const files = oldFiles(disk);
    await disk.run(async (environment) => {
      const log = await openOlder(environment, MIGRATE);
      await expectMigrated(log, store);
      expect(log.recovery).toMatchObject({ verdict: 'clean', damage: null, cut: null });
      expect([...log.recovery.quarantined].sort()).toEqual(
        [...files.keys()].map((name) => `${QUARANTINE}/${name}`).sort(),
      );
      expect(log.recovery.epoch).toBeGreaterThan(ZERO_STATE.epoch + 1);
      const { lsn } = await log.save({ hardState: { commit: 13 } });
      expect(lsn).toBe(ZERO_STATE.lastLsn + store.entries.length + 1);
      await log.close();
    });
    expectSetAside(disk, files);
    const live = disk.list().filter((path) => path.startsWith(`${DIR}/wal/`) && path.endsWith('.wal'));
    expect(Math.min(...live.map((path) => Number(path.slice(-20, -4))))).toBeGreaterThan(ZERO_STATE.newest);
    // A store as any other from now on, also to a release that has forgotten version 0.
    await disk.run(async (environment) => {
      const log = await openRaftLog({ dir: DIR, environment });
      expect([log.lastIndex, log.hardState.commit, log.recovery.quarantined]).toEqual([18, 13, []]);
      await log.createSnapshot({ index: 13, conf: Uint8Array.of(), data: Uint8Array.of(1) });
      await log.compact(13);
      await log.close();
    });
    expectSetAside(disk, files);
  });

  test('the copy of the old superblock makes the files in quarantine a store again', async () => {
    const store = zeroStore();
    const disk = diskWith(store);
    await disk.run(async (environment) => (await openOlder(environment, MIGRATE)).close());
    const copy = disk.readDurable(`${QUARANTINE}/superblock-of-format-0`) ?? new Uint8Array();
    expect(VERSION_ZERO.recognise(copy)).toMatchObject({ epoch: ZERO_STATE.epoch + 1 });
  });

  test('that copy is durable too where an earlier try has made it whose sync failed', async () => {
    const profile = { metadata: 'strict', images: 'drop-all', failedSync: 'keeps' } as const;
    const name = `${QUARANTINE}/superblock-of-format-0`;
    for (const seed of [1, 2, 3])
      for (const [path, at] of [
        [QUARANTINE, 0],
        [DIR, 1],
      ] as const) {
        const disk = diskWith(zeroStore(), seed, profile);
        let seen = 0;
        disk.onCall = (call) =>
          call.kind === 'syncDirectory' && call.path === path && seen++ === at ? { code: 'EIO' } : undefined;
        await expect(disk.run((environment) => openOlder(environment, MIGRATE))).rejects.toMatchObject({
          code: 'KEELSON_SYNC_FAILED',
        });
        disk.onCall = null;
        await disk.run(async (environment) => (await openOlder(environment, MIGRATE)).close());
        disk.crash('power');
        await disk.run(async () => Promise.resolve());
        expect([seed, path, disk.readVolatile(name)?.length]).toEqual([seed, path, expect.any(Number)]);
      }
  });

  test.each([
    ['without a snapshot', { snapshot: null }],
    ['unfit to vote', { unfitUntil: 40 }],
  ] as const)('one %s', async (_, changed) => {
    const store = zeroStore(changed);
    const disk = diskWith(store);
    await disk.run(async (environment) => {
      const log = await openOlder(environment, MIGRATE);
      expect(log.snapshot === null).toBe(store.state.snapshot === null);
      expect(log.unfitUntil).toBe(store.state.unfitUntil);
      expect(log.lastIndex).toBe(18);
      await log.close();
    });
  });

  test('a damaged one is refused with the report, and nothing changes', async () => {
    const disk = diskWith(zeroStore());
    disk.flipBit(`${DIR}/wal/0000000000000004.wal`, 40, 3);
    const before = picture(disk);
    await expect(disk.run((environment) => openOlder(environment, MIGRATE))).rejects.toMatchObject({
      code: 'KEELSON_CORRUPT',
      path: `${DIR}/wal/0000000000000004.wal`,
      recovery: { verdict: 'damaged' },
    });
    expect(picture(disk)).toEqual(before);
  });

  test('a slot of a newer format beside it is refused as newer', async () => {
    const disk = diskWith(zeroStore());
    const slot = new Uint8Array(SUPERBLOCK_SLOT_BYTES);
    slot.set(new TextEncoder().encode('KEELSONS'));
    const view = new DataView(slot.buffer);
    view.setUint32(8, 2, true);
    view.setUint32(12, checksum(slot.subarray(16), checksum(slot.subarray(0, 12))), true);
    disk.overwrite(`${DIR}/superblock`, 0, slot);
    await expect(disk.run((environment) => openOlder(environment, MIGRATE))).rejects.toMatchObject({
      code: 'KEELSON_INCOMPATIBLE_FORMAT',
      found: 2,
    });
  });
});

describe.each([
  { seed: 1, profile: { calls: 'inline', metadata: 'strict' } },
  { seed: 2, profile: { calls: 'background', metadata: 'journal' } },
] as const)('seed $seed, calls $profile.calls', ({ seed, profile }) => {
  test('a crash at any call of a migration, and inside the recovery from that, loses nothing', async () => {
    const store = zeroStore();
    const disk = diskWith(store, seed, profile);
    const files = oldFiles(disk);
    const count = await crashEverywhere(disk, seed, async (environment, crashed) => {
      const log = await openOlder(environment, MIGRATE);
      await expectMigrated(log, store);
      expectSetAside(crashed, files);
      await log.close();
    });
    expect(count).toBeGreaterThan(30);
  });

  test('every call fails once: open says so, and the next one brings it to its end', async () => {
    const store = zeroStore();
    const disk = diskWith(store, seed, profile);
    const whole = disk.fork();
    await whole.run(async (environment) => (await openOlder(environment, MIGRATE)).close());
    for (let call = disk.callCount + 1; call <= whole.callCount; call += 1) {
      for (const code of ['EIO', 'ENOSPC']) {
        if (!isTried(call * 2 + (code === 'EIO' ? 0 : 1), seed, 9)) continue;
        const fork = disk.fork({ seed: call });
        const files = oldFiles(fork);
        fork.direct(call, { code });
        await fork.run(async (environment) => {
          try {
            await (await openOlder(environment, MIGRATE)).close();
          } catch (error) {
            expect(error, `${code} at call ${String(call)}`).toMatchObject({ family: 'environment' });
          }
        });
        fork.crash(call % 2 === 0 ? 'power' : 'kill-power');
        await fork.run(async (environment) => {
          const log = await openOlder(environment, MIGRATE);
          await expectMigrated(log, store);
          expectSetAside(fork, files, code !== 'ENOSPC');
          await log.close();
        });
      }
    }
  });
});

test('a reader beside the switch shows the new log before the old files have been moved', async () => {
  const store = zeroStore();
  const disk = diskWith(store);
  let opened = 0;
  const whole = disk.fork();
  await whole.run(async (environment) => (await openOlder(environment, MIGRATE)).close());
  for (let call = disk.callCount + 1; call <= whole.callCount; call += 3) {
    const fork = disk.fork();
    fork.onCall = ({ number }) => (number === call ? { crash: 'kill', at: 'after' } : undefined);
    await fork.run((environment) => openOlder(environment, MIGRATE));
    fork.onCall = null;
    await fork.run(async (environment) => {
      try {
        const log = await openOlder(environment, { readOnly: true });
        await expectMigrated(log, store);
        opened += 1;
        await log.close();
      } catch (error) {
        expect(error).toMatchObject({ code: 'KEELSON_INCOMPATIBLE_FORMAT', found: 0 });
      }
    });
  }
  expect(opened).toBeGreaterThan(3);
});

test('a writer of the old release that lost its lock is fenced, and one that takes over fences the migration (D11)', async () => {
  const store = zeroStore();
  const disk = diskWith(store);
  const whole = disk.fork();
  const epochs: number[] = [];
  whole.onCall = ({ kind, path }) => {
    if (kind === 'open' && path.endsWith('.spare')) {
      const found = VERSION_ZERO.recognise(whole.readVolatile(`${DIR}/superblock`) ?? new Uint8Array());
      epochs.push(found?.epoch ?? 0);
    }
    return undefined;
  };
  await whole.run(async (environment) => (await openOlder(environment, MIGRATE)).close());
  // Before the first byte of the new log was written, the old superblock named a higher epoch.
  expect(epochs[0]).toBe(ZERO_STATE.epoch + 1);

  const fork = disk.fork();
  fork.onCall = ({ kind, path }) => {
    if (kind !== 'open' || !path.endsWith('.spare')) return undefined;
    fork.onCall = null;
    const bytes = fork.readVolatile(`${DIR}/superblock`) ?? new Uint8Array();
    fork.overwrite(`${DIR}/superblock`, 0, VERSION_ZERO.stamped(bytes, 99));
    return undefined;
  };
  await expect(fork.run((environment) => openOlder(environment, MIGRATE))).rejects.toMatchObject({
    code: 'KEELSON_FENCED',
  });
  expect(VERSION_ZERO.recognise(fork.readVolatile(`${DIR}/superblock`) ?? new Uint8Array())?.epoch).toBe(99);
});
