/**
 * At stake: a name leads to whatever directory stands there now, so a log whose directory was moved away would destroy the
 * store that was put in its place. Tried with every call that changes a name, on the simulated disk.
 */
import { describe, expect, test } from 'vitest';
import { HeldDisk } from '../../src/disk/held-disk.js';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/index.js';

async function heldStore(): Promise<{ world: SimulatedDisk; disk: HeldDisk; lost: string[] }> {
  const world = createSimulatedDisk({ seed: 1, directories: ['/data', '/data/log', '/data/log/wal'] });
  const disk = new HeldDisk(world.disk);
  const lost: string[] = [];
  disk.onLost = ({ code }) => lost.push(code);
  for (const path of ['/data/log/superblock', '/data/log/wal/1.wal']) {
    const file = await disk.open(path, { access: 'write', create: 'exclusive' });
    await disk.hold(path, file);
  }
  return { world, disk, lost };
}

const CHANGES: Readonly<Record<string, (disk: HeldDisk) => unknown>> = {
  'a rename': (disk) => disk.rename('/data/log/wal/1.spare', '/data/log/wal/2.wal'),
  'an unlink': (disk) => disk.unlink('/data/log/wal/1.spare'),
  'a file': (disk) => disk.open('/data/log/wal/3.spare', { access: 'write', create: 'exclusive' }),
  'a file to be written': (disk) => disk.open('/data/log/wal/1.spare', { access: 'write' }),
  'a directory': (disk) => disk.mkdir('/data/log/quarantine'),
  'a link': (disk) => disk.link('/data/log/wal/1.spare', '/data/log/wal/4.wal'),
};

/** What an operator does to a store under its running log. */
const MOVES: Readonly<Record<string, (world: SimulatedDisk) => unknown>> = {
  'another directory in its place': async ({ disk }) => {
    await disk.rename('/data/log', '/data/moved');
    await disk.mkdir('/data/log');
    await disk.mkdir('/data/log/wal');
    for (const path of ['/data/log/superblock', '/data/log/wal/1.wal', '/data/log/wal/1.spare'])
      await (await disk.open(path, { access: 'write', create: 'exclusive' })).close();
  },
  'its segments alone moved away': async ({ disk }) => {
    await disk.rename('/data/log/wal', '/data/log/old');
    await disk.mkdir('/data/log/wal');
    await (await disk.open('/data/log/wal/1.spare', { access: 'write', create: 'exclusive' })).close();
  },
  'nothing where it was': ({ disk }) => disk.rename('/data/log', '/data/moved'),
};

describe.each(Object.entries(MOVES))('with %s', (_move, move) => {
  test.each(Object.entries(CHANGES))('%s is refused, and not a name is changed', async (_change, change) => {
    const { world, disk, lost } = await heldStore();
    await (await disk.open('/data/log/wal/1.spare', { access: 'write', create: 'exclusive' })).close();
    await move(world);
    const before = world.list();
    await expect((async () => change(disk))()).rejects.toMatchObject({ code: 'KEELSON_FENCED' });
    await expect(disk.check()).rejects.toMatchObject({ code: 'KEELSON_FENCED' });
    expect(world.list()).toEqual(before);
    expect(lost).toEqual(['KEELSON_FENCED']);
  });
});

test('names that were synced in another directory are not told to be durable', async () => {
  const { world, disk, lost } = await heldStore();
  await (await disk.open('/data/log/wal/2.wal', { access: 'write', create: 'exclusive' })).close();
  world.move('/data/log', '/data/moved');
  world.makeDirectory('/data/log/wal');
  await expect((async () => disk.syncDirectory('/data/log/wal'))()).rejects.toMatchObject({
    code: 'KEELSON_FENCED',
  });
  expect(lost).toEqual(['KEELSON_FENCED']);
});

describe('with everything in its place', () => {
  test.each(Object.entries(CHANGES))('%s passes', async (_change, change) => {
    const { disk } = await heldStore();
    await (await disk.open('/data/log/wal/1.spare', { access: 'write', create: 'exclusive' })).close();
    await change(disk);
    await disk.check();
  });

  test('a held name, and a directory above it, may be renamed away and back', async () => {
    const { disk, lost } = await heldStore();
    for (const path of ['/data/log/superblock', '/data/log/wal', '/data/log']) {
      await disk.rename(path, `${path}.aside`);
      await disk.rename(`${path}.aside`, path);
    }
    await disk.check();
    expect(lost).toEqual([]);
  });

  test('what could not be looked at is no loss', async () => {
    const { world, disk, lost } = await heldStore();
    world.onCall = ({ kind }) => (kind === 'stat' ? { code: 'EIO' } : undefined);
    await expect(disk.mkdir('/data/log/quarantine')).rejects.toMatchObject({ code: 'KEELSON_READ_FAILED' });
    expect(lost).toEqual([]);
  });
});
