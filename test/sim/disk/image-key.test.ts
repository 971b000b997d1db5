// At stake: who skips an image because one of the same key was judged must skip no other. Tried: each thing that an
// open or a crash can tell changes the key, and what neither can tell does not.
import { expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../../sim/disk/simulated-disk.js';
import type { Disk } from '../../../src/disk/port.js';

/** Two files, one of them synced, both with durable names. */
async function disk(): Promise<SimulatedDisk> {
  const made = createSimulatedDisk({ seed: 1, profile: { calls: 'inline' }, directories: ['/data'] });
  made.writeFile('/data/a', Buffer.alloc(5000, 7));
  made.writeFile('/data/b', Buffer.alloc(5000, 7));
  await onDisk(made, (port) => write(port, '/data/b', 100));
  return made;
}

async function write(port: Disk, path: string, position: number): Promise<void> {
  const file = await port.open(path, { access: 'write' });
  await file.write(Uint8Array.of(1, 2, 3), position);
}

const onDisk = (made: SimulatedDisk, change: (port: Disk) => unknown) =>
  made.run(async ({ disk: port }) => void (await change(port)));

test('copies, calls that only look, and numbers of inodes do not change it', async () => {
  const made = await disk();
  const { imageKey } = made;
  expect(made.fork({ seed: 2 }).imageKey).toBe(imageKey);
  await onDisk(made, (port) => port.stat('/data/a'));
  made.flipBit('/data/a', 4999, 3);
  expect(made.imageKey).not.toBe(imageKey);
  made.flipBit('/data/a', 4999, 3);
  expect(made.imageKey).toBe(imageKey);
  made.remove('/data/a');
  made.writeFile('/data/a', Buffer.alloc(5000, 7));
  expect(made.imageKey).toBe(imageKey);
});

test.each<[string, (made: SimulatedDisk) => unknown]>([
  ['a byte in the cache', (made) => onDisk(made, (port) => write(port, '/data/a', 9))],
  ['the same byte in another place', (made) => onDisk(made, (port) => write(port, '/data/b', 101))],
  ['one more write of the same bytes', (made) => onDisk(made, (port) => write(port, '/data/b', 100))],
  [
    'a sync',
    (made) => onDisk(made, async (port) => (await port.open('/data/b', { access: 'write' })).dataSync()),
  ],
  [
    'a size',
    (made) => onDisk(made, async (port) => (await port.open('/data/a', { access: 'write' })).truncate(6000)),
  ],
  ['a name', (made) => onDisk(made, (port) => port.rename('/data/a', '/data/c'))],
  ['a name in place of another', (made) => onDisk(made, (port) => port.rename('/data/a', '/data/b'))],
  ['a second name', (made) => onDisk(made, (port) => port.link('/data/a', '/data/c'))],
  ['a name less', (made) => onDisk(made, (port) => port.unlink('/data/a'))],
  ['an empty directory', (made) => onDisk(made, (port) => port.mkdir('/data/c'))],
  ['a sector that cannot be read', (made) => made.makeUnreadable('/data/a', 0)],
  ['the power cut that takes what waits', (made) => made.crash('power')],
])('%s changes it', async (_, change) => {
  const made = await disk();
  const { imageKey } = made;
  await change(made);
  expect(made.imageKey).not.toBe(imageKey);
});

test('a name that a sync of its directory made durable is another than one that waits', async () => {
  const made = await disk();
  await onDisk(made, (port) => port.rename('/data/a', '/data/c'));
  const { imageKey } = made;
  await onDisk(made, (port) => port.syncDirectory('/data'));
  expect(made.imageKey).not.toBe(imageKey);
});
