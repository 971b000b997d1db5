// At stake: a store that counts a write as synced before the sync was asked for it loses acknowledged data,
// and only calls that overlap can show that.
// Tried: overlapping calls in background mode, in virtual time, with crashes between issue and return.
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../../sim/index.js';
import type { DiskFile } from '../../../src/disk/port.js';

async function backgroundDisk(seed: number): Promise<{ disk: SimulatedDisk; file: DiskFile }> {
  const disk = createSimulatedDisk({
    seed,
    profile: { calls: 'background', images: 'drop-all', sectorBytes: 32 },
    directories: ['/data'],
  });
  disk.writeFile('/data/a', new Uint8Array(64).fill(1));
  return { disk, file: await disk.disk.open('/data/a', { access: 'write' }) };
}

describe('a sync', () => {
  test('promises nothing of a write that had not returned when it was issued', async () => {
    let lost = 0;
    for (let seed = 0; seed < 30; seed++) {
      const { disk, file } = await backgroundDisk(seed);
      const written = file.write(new Uint8Array(64).fill(2), 0);
      const synced = file.dataSync();
      await Promise.all([written, synced]);
      disk.crash('power');
      if (disk.readVolatile('/data/a')?.[0] === 1) lost += 1;
    }
    expect(lost).toBe(30);
  });

  test('promises what had returned', async () => {
    for (let seed = 0; seed < 30; seed++) {
      const { disk, file } = await backgroundDisk(seed);
      await file.write(new Uint8Array(64).fill(2), 0);
      await file.dataSync();
      disk.crash('power');
      expect(disk.readVolatile('/data/a')).toEqual(new Uint8Array(64).fill(2));
    }
  });
});

test('calls under way overtake each other', async () => {
  const firsts = new Set<number>();
  for (let seed = 0; seed < 30; seed++) {
    const { file } = await backgroundDisk(seed);
    const order: number[] = [];
    const write = async (value: number): Promise<void> => {
      await file.write(Uint8Array.of(value), value);
      order.push(value);
    };
    await Promise.all([write(0), write(1)]);
    firsts.add(order[0] ?? -1);
  }
  expect(firsts).toEqual(new Set([0, 1]));
});

test('a file is given back only when all calls on it have returned, and later ones fail', async () => {
  const { disk, file } = await backgroundDisk(1);
  const order: string[] = [];
  const written = Promise.resolve(file.write(new Uint8Array(8), 0)).then(() => order.push('written'));
  const closed = Promise.resolve(file.close()).then(() => order.push('closed'));
  await expect((async () => file.write(new Uint8Array(8), 0))()).rejects.toMatchObject({ code: 'EBADF' });
  await Promise.all([written, closed]);
  expect(order).toEqual(['written', 'closed']);
  expect(disk.process.openFileCount).toBe(0);
  await file.close();
});

test('a kill leaves a write under way done, undone or half done, and a rename done or undone', async () => {
  const writes = new Set<number>();
  const renames = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const { disk, file } = await backgroundDisk(seed);
    void file.write(new Uint8Array(3).fill(2), 0);
    void disk.disk.rename('/data/a', '/data/b');
    disk.crash('kill');
    renames.add(disk.list().join());
    const bytes = disk.readVolatile('/data/a') ?? disk.readVolatile('/data/b') ?? new Uint8Array(0);
    writes.add(bytes.indexOf(1));
  }
  expect([...renames].sort()).toEqual(['/data/a', '/data/b']);
  expect([...writes].sort()).toEqual([0, 1, 2, 3]);
});

test('as asked: what the caller wants inline returns its value at once', async () => {
  const disk = createSimulatedDisk({ seed: 1, profile: { calls: 'as-asked' }, directories: ['/data'] });
  const file = await disk.disk.open('/data/a', { access: 'write', create: 'exclusive' });
  expect(file.write(new Uint8Array(5), 0, 'inline')).toBe(5);
  expect(file.write(new Uint8Array(5), 0)).toBeInstanceOf(Promise);
  expect(file.dataSync('inline')).toBeUndefined();
});
