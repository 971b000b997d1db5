// At stake: a process that lost its lock and was not told must not be able to pass unnoticed for the writer.
// Tried: two processes on one disk, the first of which loses its lock while it lives.
import { expect, test } from 'vitest';
import { createSimulatedDisk } from '../../../sim/index.js';

test('the lock is one for all processes, and for two handles of one', async () => {
  const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  const other = disk.startProcess();
  const first = await disk.disk.open('/data/lock', { access: 'write', create: 'if-missing' });
  const second = await other.disk.open('/data/lock', { access: 'write' });
  const third = await disk.disk.open('/data/lock', { access: 'write' });
  expect(await first.tryLock()).toBe(true);
  expect(await first.tryLock()).toBe(true);
  expect(await second.tryLock()).toBe(false);
  expect(await third.tryLock()).toBe(false);
  await third.close();
  expect(await second.tryLock()).toBe(false);
  await first.close();
  expect(await second.tryLock()).toBe(true);
  other.kill();
  const fourth = await disk.disk.open('/data/lock', { access: 'write' });
  expect(await fourth.tryLock()).toBe(true);
  expect(disk.process.isAlive).toBe(true);
  expect(other.isAlive).toBe(false);
});

test('after the loss, old writes land only where the successor has not written yet', async () => {
  const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  const old = await disk.disk.open('/data/a', { access: 'write', create: 'exclusive' });
  expect(disk.loseLock()).toBe(false);
  expect(await old.tryLock()).toBe(true);
  expect(disk.loseLock()).toBe(true);

  const successor = disk.startProcess();
  const own = await successor.disk.open('/data/a', { access: 'write' });
  expect(await own.tryLock()).toBe(true);
  await own.write(new Uint8Array(10).fill(2), 100);

  expect(await old.write(new Uint8Array(10).fill(1), 90)).toBe(10);
  await expect((async () => old.write(new Uint8Array(10).fill(1), 91))()).rejects.toMatchObject({
    code: 'EIO',
  });
  await expect((async () => old.truncate(0))()).rejects.toMatchObject({ code: 'EIO' });
  await expect((async () => disk.disk.unlink('/data/a'))()).rejects.toMatchObject({ code: 'EIO' });
  await expect((async () => disk.disk.rename('/data/a', '/data/b'))()).rejects.toMatchObject({ code: 'EIO' });
  // The successor itself may write anywhere, also over what the old owner wrote.
  expect(await own.write(new Uint8Array(20).fill(3), 85)).toBe(20);
  expect(disk.readVolatile('/data/a')?.subarray(85, 110)).toEqual(
    Uint8Array.from([...new Array<number>(20).fill(3), ...new Array<number>(5).fill(2)]),
  );
  expect(disk.counters['lock-lost']).toBe(1);
  expect(disk.counters['write-fenced-by-successor']).toBe(4);
});

test('a crash ends it: the next process writes freely', async () => {
  const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  const old = await disk.disk.open('/data/a', { access: 'write', create: 'exclusive' });
  await old.tryLock();
  disk.loseLock();
  await old.write(new Uint8Array(10), 0);
  disk.crash('kill');
  const next = await disk.disk.open('/data/a', { access: 'write' });
  expect(await next.write(new Uint8Array(10), 0)).toBe(10);
});
