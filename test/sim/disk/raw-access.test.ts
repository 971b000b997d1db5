// At stake: a test that damages a disk must change exactly what it says, at once and for good.
// Tried: each raw change, read back before and after a power cut, and the room that it takes.
import { expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../../sim/index.js';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

function disk(): SimulatedDisk {
  const made = createSimulatedDisk({
    seed: 1,
    profile: { images: 'drop-all' },
    directories: ['/data/inner'],
  });
  made.writeFile('/data/inner/a', bytes(1, 2, 3));
  return made;
}

test.each([
  ['writeFile, new', (d: SimulatedDisk) => d.writeFile('/data/b', bytes(9)), '/data/b', bytes(9)],
  [
    'writeFile, over',
    (d: SimulatedDisk) => d.writeFile('/data/inner/a', bytes(9)),
    '/data/inner/a',
    bytes(9),
  ],
  [
    'overwrite',
    (d: SimulatedDisk) => d.overwrite('/data/inner/a', 2, bytes(7, 8)),
    '/data/inner/a',
    bytes(1, 2, 7, 8),
  ],
  ['resize, cut', (d: SimulatedDisk) => d.resize('/data/inner/a', 1), '/data/inner/a', bytes(1)],
  ['resize, extend', (d: SimulatedDisk) => d.resize('/data/inner/a', 4), '/data/inner/a', bytes(1, 2, 3, 0)],
  ['flipBit', (d: SimulatedDisk) => d.flipBit('/data/inner/a', 1, 0), '/data/inner/a', bytes(1, 3, 3)],
  ['remove', (d: SimulatedDisk) => d.remove('/data/inner/a'), '/data/inner/a', null],
] as const)('%s', (_, change, path, expected) => {
  const changed = disk();
  change(changed);
  expect(changed.readVolatile(path)).toEqual(expected);
  expect(changed.readDurable(path)).toEqual(expected);
  changed.crash('power');
  expect(changed.readVolatile(path)).toEqual(expected);
  expect(changed.callCount).toBe(0);
});

test('lists and reads what is durable apart from what is read', async () => {
  const changed = disk();
  const file = await changed.disk.open('/data/new', { access: 'write', create: 'exclusive' });
  await file.write(bytes(5), 0);
  expect(changed.list()).toEqual(['/data/inner/a', '/data/new']);
  expect(changed.listDurable()).toEqual(['/data/inner/a']);
  expect(changed.readDurable('/data/new')).toBeNull();
  await changed.disk.syncDirectory('/data');
  expect(changed.readDurable('/data/new')).toEqual(bytes());
  await file.dataSync();
  expect(changed.readDurable('/data/new')).toEqual(bytes(5));
});

test('keeps its own record of each successful sync, sizes included', async () => {
  const changed = disk();
  const file = await changed.disk.open('/data/inner/a', { access: 'write' });
  await file.write(bytes(4, 4), 3);
  await file.dataSync();
  await file.truncate(2);
  await file.write(bytes(8), 0);
  await file.dataSync();
  await file.write(bytes(6), 0);
  const syncs = changed.syncsOf('/data/inner/a');
  expect(syncs.map(({ size, ranges }) => [size, ranges.map(({ from, until }) => [from, until])])).toEqual([
    [5, [[3, 5]]],
    [2, [[0, 1]]],
  ]);
});

test('moves a directory for good, under files that are open in it', async () => {
  const changed = disk();
  const file = await changed.disk.open('/data/inner/a', { access: 'write' });
  changed.move('/data/inner', '/data/moved');
  await file.write(bytes(4), 0);
  await file.dataSync();
  changed.crash('power');
  expect(changed.list()).toEqual(['/data/moved/a']);
  expect(changed.readVolatile('/data/moved/a')?.[0]).toBe(4);
  expect(() => {
    changed.move('/data/inner', '/data/other');
  }).toThrow(expect.objectContaining({ code: 'ENOENT' }));
});
