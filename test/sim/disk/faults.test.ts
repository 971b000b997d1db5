// At stake: a fault that is never injected, or that leaves something else than a real one would, tests nothing.
// Tried: each fault directed at a call, what it returns and leaves; then all of them drawn by probability.
import { describe, expect, test } from 'vitest';
import {
  createSimulatedDisk,
  type DiskProfile,
  FAULT_KINDS,
  type FaultKind,
  type SimulatedDisk,
} from '../../../sim/index.js';
import type { DiskFile } from '../../../src/disk/port.js';
import { systemCode } from '../../../src/disk/system-error.js';

async function diskWithFile(
  seed: number,
  profile: Partial<DiskProfile> = {},
): Promise<{ disk: SimulatedDisk; file: DiskFile }> {
  const disk = createSimulatedDisk({
    seed,
    profile: { sectorBytes: 64, ...profile },
    directories: ['/data'],
  });
  disk.writeFile('/data/a', new Uint8Array(256).fill(1));
  return { disk, file: await disk.disk.open('/data/a', { access: 'write' }) };
}

function next(disk: SimulatedDisk, fault: FaultKind): void {
  disk.direct(disk.callCount + 1, { fault });
}

async function codeOf(work: () => unknown): Promise<string | undefined> {
  try {
    await work();
  } catch (error) {
    return systemCode(error);
  }
  return undefined;
}

describe('a call that fails', () => {
  test.each([
    ['read-error', 'EIO', (file: DiskFile) => file.read(new Uint8Array(8), 0)],
    ['write-error', 'EIO', (file: DiskFile) => file.write(new Uint8Array(8), 0)],
    ['no-space', 'ENOSPC', (file: DiskFile) => file.write(new Uint8Array(8), 0)],
    ['no-space', 'ENOSPC', (file: DiskFile) => file.truncate(10_000)],
    ['no-space', 'ENOSPC', (file: DiskFile) => file.dataSync()],
    ['sync-error', 'EIO', (file: DiskFile) => file.sync()],
  ] as const)('%s gives %s', async (fault, code, call) => {
    const { disk, file } = await diskWithFile(1);
    next(disk, fault);
    expect(await codeOf(() => call(file))).toBe(code);
    expect(await codeOf(() => call(file))).toBeUndefined();
  });

  test.each([
    ['too-many-open-files', 'EMFILE', (disk: SimulatedDisk) => disk.disk.open('/data/a', { access: 'read' })],
    [
      'no-space',
      'ENOSPC',
      (disk: SimulatedDisk) => disk.disk.open('/data/new', { access: 'write', create: 'exclusive' }),
    ],
    ['no-space', 'ENOSPC', (disk: SimulatedDisk) => disk.disk.mkdir('/data/new')],
    ['no-space', 'ENOSPC', (disk: SimulatedDisk) => disk.disk.rename('/data/a', '/data/new')],
    ['metadata-error', 'EIO', (disk: SimulatedDisk) => disk.disk.unlink('/data/a')],
    ['metadata-error', 'EIO', (disk: SimulatedDisk) => disk.disk.readdir('/data')],
  ] as const)('%s gives %s, and changes no name', async (fault, code, call) => {
    const { disk } = await diskWithFile(1);
    next(disk, fault);
    expect(await codeOf(() => call(disk))).toBe(code);
    expect(disk.list()).toEqual(['/data/a']);
    expect((await disk.disk.stat('/data/new')) === null).toBe(true);
  });

  test('a write that fails may have put any first part of its bytes into the cache', async () => {
    const landed = new Set<number>();
    for (let seed = 0; seed < 200; seed++) {
      const { disk, file } = await diskWithFile(seed);
      next(disk, seed % 2 === 0 ? 'no-space' : 'write-error');
      expect(await codeOf(() => file.write(new Uint8Array(4).fill(9), 0))).toBeDefined();
      const bytes = disk.readVolatile('/data/a') ?? new Uint8Array(0);
      const count = bytes.indexOf(1);
      expect(bytes.subarray(count).every((byte) => byte === 1)).toBe(true);
      landed.add(count);
    }
    expect([...landed].sort()).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('a call that does less', () => {
  test('a short write says how much it wrote, and that is there', async () => {
    const { disk, file } = await diskWithFile(3);
    next(disk, 'short-write');
    const count = await file.write(new Uint8Array(100).fill(5), 0);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(100);
    expect(disk.readVolatile('/data/a')?.lastIndexOf(5)).toBe(count - 1);
  });

  test('a short read brings at least a byte, and never looks like the end of the file', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const { disk, file } = await diskWithFile(seed);
      const into = new Uint8Array(100);
      next(disk, 'short-read');
      const count = await file.read(into, 0);
      expect(count).toBeGreaterThan(0);
      expect(count).toBeLessThan(100);
      expect(into.lastIndexOf(1)).toBe(count - 1);
    }
  });
});

describe('a full disk', () => {
  test('takes what fits, refuses the rest, and has room again when a file is gone', async () => {
    const { disk, file } = await diskWithFile(1, { capacityBytes: 5 * 4096 });
    expect(await disk.disk.statfs('/data')).toEqual({ freeBytes: 4 * 4096, totalBytes: 5 * 4096 });
    const other = await disk.disk.open('/data/b', { access: 'write', create: 'exclusive' });
    expect(await other.write(new Uint8Array(5 * 4096).fill(1), 0)).toBe(4 * 4096);
    expect(await codeOf(() => other.write(new Uint8Array(10), 4 * 4096))).toBe('ENOSPC');
    expect((await disk.disk.statfs('/data')).freeBytes).toBe(0);
    // What has its room already can be written.
    expect(await file.write(new Uint8Array(256), 0)).toBe(256);
    await disk.disk.unlink('/data/a');
    expect((await disk.disk.statfs('/data')).freeBytes).toBe(0);
    await file.close();
    expect((await disk.disk.statfs('/data')).freeBytes).toBe(4096);
  });
});

describe('damage', () => {
  test('a sector that cannot be read fails every read of it until it is overwritten', async () => {
    const { disk, file } = await diskWithFile(1);
    disk.makeUnreadable('/data/a', 70);
    expect(await file.read(new Uint8Array(64), 0)).toBe(64);
    for (let again = 0; again < 2; again++) {
      expect(await codeOf(() => file.read(new Uint8Array(65), 0))).toBe('EIO');
    }
    expect(await codeOf(() => file.write(new Uint8Array(3), 65))).toBe('EIO');
    disk.crash('power');
    const reopened = await disk.disk.open('/data/a', { access: 'write' });
    expect(await codeOf(() => reopened.read(new Uint8Array(256), 0))).toBe('EIO');
    await reopened.write(new Uint8Array(64).fill(2), 64);
    expect(await reopened.read(new Uint8Array(256), 0)).toBe(256);
  });

  test('a flipped bit stays flipped through every crash', async () => {
    const { disk } = await diskWithFile(1);
    disk.flipBit('/data/a', 100, 3);
    for (const kind of ['kill', 'power'] as const) {
      disk.crash(kind);
      expect(disk.readVolatile('/data/a')?.[100]).toBe(1 ^ 8);
    }
  });

  test('drawn rot hits only what a later sync elsewhere vouches for, by the disk’s own record', async () => {
    const hit = new Set<number>();
    for (let seed = 0; seed < 100; seed++) {
      const { disk, file } = await diskWithFile(seed);
      expect(disk.damage('bit-rot', 1)).toBe(false);
      await file.write(new Uint8Array(64).fill(2), 0);
      await file.dataSync();
      await file.write(new Uint8Array(64).fill(3), 128);
      // Written before the next sync returned, so nothing durable vouches for it.
      expect(disk.damage('bit-rot', 1)).toBe(false);
      await file.dataSync();
      expect(disk.damage('bit-rot', seed)).toBe(true);
      const bytes = disk.readVolatile('/data/a') ?? new Uint8Array(0);
      for (const [i, byte] of bytes.entries()) {
        const clean = i < 64 ? 2 : i >= 128 && i < 192 ? 3 : 1;
        if (byte !== clean) hit.add(i);
      }
      expect(disk.damage('bit-rot', seed)).toBe(false);
    }
    for (const i of hit) expect(i).toBeLessThan(64);
    expect(hit.size).toBeGreaterThan(20);
  });

  test('a misdirected write is read from the cache as if nothing had happened, until the power fails', async () => {
    let harmed = 0;
    for (let seed = 0; seed < 50; seed++) {
      const { disk, file } = await diskWithFile(seed);
      next(disk, 'misdirected-write');
      await file.write(new Uint8Array(64).fill(9), 64);
      await file.dataSync();
      expect(disk.readVolatile('/data/a')?.subarray(64, 128)).toEqual(new Uint8Array(64).fill(9));
      disk.crash('power');
      const left = disk.readVolatile('/data/a') ?? new Uint8Array(0);
      expect(left.length).toBe(256);
      expect(left.filter((byte) => byte === 9).length).toBe(64);
      if (left[64] !== 9) harmed += 1;
    }
    expect(harmed).toBeGreaterThan(0);
  });
});

describe('time', () => {
  test.each(['slow', 'stuck'] as const)('a %s call takes long in virtual time only', async (fault) => {
    const { disk, file } = await diskWithFile(1, { calls: 'background' });
    await file.write(new Uint8Array(8), 0);
    const before = disk.environment.now();
    expect(before).toBeLessThan(10);
    next(disk, fault);
    await file.dataSync();
    expect(disk.environment.now() - before).toBeGreaterThan(fault === 'slow' ? 10 : 599_000);
  });

  test('a stuck call that works inline never holds up a crash', async () => {
    const { disk, file } = await diskWithFile(1);
    next(disk, 'stuck');
    const stuck = file.dataSync();
    expect(stuck).toBeInstanceOf(Promise);
    disk.crash('power');
    expect(disk.readVolatile('/data/a')).toEqual(new Uint8Array(256).fill(1));
  });
});

test('every fault is drawn by probability, the same ones for the same seed', async () => {
  const faults = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0.05]));
  const traced = async (seed: number): Promise<SimulatedDisk> => {
    const disk = createSimulatedDisk({ seed, profile: { faults }, directories: ['/data'] });
    for (let round = 0; round < 30; round++) await roundOfCalls(disk, round);
    return disk;
  };
  const counts = new Map<string, number>();
  for (let seed = 0; seed < 40; seed++) {
    const disk = await traced(seed);
    for (const [name, count] of Object.entries(disk.counters))
      counts.set(name, (counts.get(name) ?? 0) + count);
    if (seed < 5) expect((await traced(seed)).trace.hash).toBe(disk.trace.hash);
  }
  for (const name of [
    'read-failed',
    'read-short',
    'write-failed',
    'write-short',
    'no-space-injected',
    'sync-failed',
    'directory-sync-failed',
    'sync-lied-after-failure',
    'metadata-failed',
    'too-many-open-files',
    'call-slow',
    'call-stuck',
    'lock-lost',
    'bit-flipped',
    'sector-made-unreadable',
    'unreadable-sector-met',
    'write-misdirected',
    'page-evicted',
  ]) {
    expect([name, counts.get(name) ?? 0]).not.toEqual([name, 0]);
  }
});

async function roundOfCalls(disk: SimulatedDisk, round: number): Promise<void> {
  disk.beginOperation(round);
  try {
    const file = await disk.disk.open('/data/a', { access: 'write', create: 'if-missing' });
    await file.tryLock();
    for (let i = 0; i < 3; i++) {
      await file.write(new Uint8Array(100).fill(round), i * 100);
      await file.dataSync();
      await file.read(new Uint8Array(300), 0);
    }
    await disk.disk.syncDirectory('/data');
    await disk.disk.rename('/data/a', '/data/b');
    await disk.disk.rename('/data/b', '/data/a');
    await file.close();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

test('leaving one operation out changes nothing that another draws', async () => {
  const faults = { 'short-write': 0.5 };
  const counts = async (operations: readonly string[]): Promise<Map<string, number>> => {
    const { disk, file } = await diskWithFile(9, { faults });
    const written = new Map<string, number>();
    for (const id of operations) {
      disk.beginOperation(id);
      written.set(id, await file.write(new Uint8Array(100), 0));
    }
    return written;
  };
  const all = await counts(['a', 'b', 'c', 'd']);
  const fewer = await counts(['a', 'd']);
  expect(fewer.get('a')).toBe(all.get('a'));
  expect(fewer.get('d')).toBe(all.get('d'));
  expect(new Set(all.values()).size).toBeGreaterThan(1);
});
