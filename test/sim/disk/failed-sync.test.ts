// At stake: after a failed sync the kernel forgets what it did not write, and a store that tries again, or
// trusts the page cache, loses what it acknowledges next.
// Tried: syncs of files and directories that fail at a directed call, what is read, synced and left after it.
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk, type DiskProfile, type SimulatedDisk } from '../../../sim/index.js';
import type { DiskFile } from '../../../src/disk/port.js';

const OLD = new Uint8Array(128).fill(1);
const NEW = new Uint8Array(128).fill(2);

async function fileWithFailedSync(
  seed: number,
  profile: Partial<DiskProfile>,
  code = 'EIO',
): Promise<{ disk: SimulatedDisk; file: DiskFile }> {
  const disk = createSimulatedDisk({
    seed,
    profile: { sectorBytes: 32, images: 'drop-all', ...profile },
    directories: ['/data'],
  });
  disk.writeFile('/data/a', OLD);
  const file = await disk.disk.open('/data/a', { access: 'write' });
  await file.write(NEW, 0);
  disk.direct(disk.callCount + 1, { code });
  await expect((async () => file.dataSync())()).rejects.toMatchObject({ code, path: '/data/a' });
  return { disk, file };
}

/** What is left if the power fails now, by seed. */
async function leftBy(failedSync: 'keeps' | 'goes-back', thenSync: boolean): Promise<Set<string>> {
  const left = new Set<string>();
  for (let seed = 0; seed < 100; seed++) {
    const { disk, file } = await fileWithFailedSync(seed, { failedSync });
    if (thenSync) await file.dataSync();
    disk.crash('power');
    const bytes = disk.readVolatile('/data/a') ?? OLD;
    left.add([0, 32, 64, 96].map((at) => bytes[at]).join(''));
  }
  return left;
}

describe.each(['keeps', 'goes-back'] as const)('where the cache %s', (failedSync) => {
  test('part of the data is on the platter, and a second sync that answers OK brings no more', async () => {
    const atOnce = await leftBy(failedSync, false);
    const afterSync = await leftBy(failedSync, true);
    for (const some of ['1111', '2222', '1221']) expect(atOnce).toContain(some);
    expect(afterSync).toEqual(atOnce);
  });

  test('the error comes once', async () => {
    const { disk, file } = await fileWithFailedSync(5, { failedSync });
    await file.dataSync();
    expect(disk.counters['sync-failed']).toBe(1);
  });
});

test('kept bytes are read until the clean page is evicted, by a kill at times', async () => {
  const seen = new Set<boolean>();
  for (let seed = 0; seed < 60; seed++) {
    const { disk } = await fileWithFailedSync(seed, { failedSync: 'keeps' });
    expect(disk.readVolatile('/data/a')).toEqual(NEW);
    const durable = disk.readDurable('/data/a');
    disk.crash('kill');
    const left = disk.readVolatile('/data/a');
    seen.add(Buffer.compare(left ?? OLD, NEW) === 0);
    expect([NEW, durable]).toContainEqual(left);
  }
  expect(seen).toEqual(new Set([true, false]));
});

test('a page that was written again since the failure is not clean, and not evicted', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const { disk, file } = await fileWithFailedSync(seed, { failedSync: 'keeps' });
    await file.write(Uint8Array.of(3), 5);
    disk.crash('kill');
    const expected = NEW.slice();
    expected[5] = 3;
    expect(disk.readVolatile('/data/a')).toEqual(expected);
  }
});

test('where the cache goes back, reads show the platter at once', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const { disk } = await fileWithFailedSync(seed, { failedSync: 'goes-back' }, 'ENOSPC');
    expect(disk.readVolatile('/data/a')).toEqual(disk.readDurable('/data/a'));
  }
});

test('what is written again after the failure, and synced, is durable', async () => {
  for (const failedSync of ['keeps', 'goes-back'] as const) {
    for (let seed = 0; seed < 30; seed++) {
      const { disk, file } = await fileWithFailedSync(seed, { failedSync, images: 'mixed' });
      await file.write(NEW, 0);
      await file.dataSync();
      disk.crash('power');
      expect(disk.readVolatile('/data/a')).toEqual(NEW);
    }
  }
});

describe('of a directory', () => {
  async function afterFailure(seed: number, failedSync: 'keeps' | 'goes-back'): Promise<SimulatedDisk> {
    const disk = createSimulatedDisk({
      seed,
      profile: { failedSync, metadata: 'strict', images: 'drop-all' },
      directories: ['/data'],
    });
    disk.writeFile('/data/old', OLD);
    await disk.disk.rename('/data/old', '/data/renamed');
    const file = await disk.disk.open('/data/new', { access: 'write', create: 'exclusive' });
    await file.close();
    disk.direct(disk.callCount + 1, { fault: 'sync-error' });
    await expect((async () => disk.disk.syncDirectory('/data'))()).rejects.toMatchObject({ code: 'EIO' });
    return disk;
  }

  test('a name that is read may not be durable, and an OK of the next sync does not make it so', async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const disk = await afterFailure(seed, 'keeps');
      expect(disk.list()).toEqual(['/data/new', '/data/renamed']);
      await disk.disk.syncDirectory('/data');
      disk.crash('power');
      left.add(disk.list().join());
    }
    expect([...left].sort()).toEqual([
      '/data/new,/data/old',
      '/data/new,/data/renamed',
      '/data/old',
      '/data/renamed',
    ]);
  });

  test('renaming the name away and back, and syncing, does', async () => {
    for (let seed = 0; seed < 60; seed++) {
      const disk = await afterFailure(seed, 'keeps');
      await disk.disk.rename('/data/new', '/data/away');
      await disk.disk.rename('/data/away', '/data/new');
      await disk.disk.syncDirectory('/data');
      disk.crash('power');
      expect(disk.list()).toContain('/data/new');
    }
  });

  test('where the cache goes back, names that did not land are gone at once', async () => {
    const left = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const disk = await afterFailure(seed, 'goes-back');
      expect(disk.list()).toEqual(disk.listDurable());
      left.add(disk.list().join());
    }
    expect(left.size).toBeGreaterThan(1);
  });
});
