/**
 * `keelson/wal` is used by people who never read its inside: each call must do what its contract says, and refuse by
 * name what it cannot. It is called well and badly, on the simulated disk and on the real one.
 */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openWal, type Wal, type WalOptions, type WalRecord } from '../../src/wal/index.js';
import { appendEach, newDisk, segment } from './scratch-wal.js';
import { DIR, open } from './wal-life.js';
import { readAll, recordOf } from './wal-memory.js';

describe('on the real disk', () => {
  test('what was appended is there after each reopening, and dropped segments are gone', async () => {
    const above = await mkdtemp(join(tmpdir(), 'keelson-wal-'));
    try {
      const options = { dir: join(above, 'log'), segmentBytes: 8192 };
      let wal = await openWal(options);
      expect(wal.recovery.verdict).toBe('fresh');
      for (let round = 0; round < 5; round += 1) {
        await Promise.all(
          Array.from({ length: 20 }, (_, at) => wal.append([recordOf(round * 20 + at, 0, 300)])),
        );
        await wal.close();
        wal = await openWal(options);
        expect(wal.recovery).toMatchObject({ verdict: 'clean', lastLsn: (round + 1) * 20 });
      }
      const before = (await readdir(join(options.dir, 'wal'))).length;
      expect((await wal.dropBefore(90)).bytesFreed).toBeGreaterThan(0);
      await wal.append([recordOf(100, 0, 20_000)]);
      const { firstLsn, records } = await readAll(wal);
      expect(firstLsn).toBeGreaterThan(60);
      expect(firstLsn).toBeLessThanOrEqual(90);
      expect(records.at(-1)?.data).toHaveLength(20_008);
      await wal.close();
      expect((await readdir(join(options.dir, 'wal'))).length).toBeLessThan(before);
    } finally {
      await rm(above, { recursive: true });
    }
  });

  test('a directory with other files in it is refused, and left as it was', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'keelson-wal-'));
    try {
      await writeFile(join(dir, 'notes.txt'), 'mine');
      await expect(openWal({ dir })).rejects.toMatchObject({ code: 'KEELSON_NOT_A_LOG', path: dir });
      expect(await readdir(dir)).toEqual(['notes.txt']);
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

describe('refused by name, with nothing changed', () => {
  test.each([
    [{ dir: '' }, 'dir'],
    [{ dir: DIR, segmentBytes: 4095 }, 'segmentBytes'],
    [{ dir: DIR, segmentBytes: Number.NaN }, 'segmentBytes'],
    [{ dir: DIR, segmentBytes: 2 ** 31 }, 'segmentBytes'],
    [{ dir: DIR, segmentByte: 4096 } as WalOptions, 'segmentByte'],
    [{ dir: 'a\0b' }, 'dir'],
    [{ dir: DIR, environment: {} } as WalOptions, 'environment.now'],
    [{ dir: 'a\ud800' }, 'dir'],
    [{ dir: DIR, environment: null } as unknown as WalOptions, 'environment'],
  ])('options %o', async (options, argument) => {
    const disk = newDisk();
    await expect(openWal({ environment: disk.environment, ...options })).rejects.toMatchObject({
      code: 'KEELSON_INVALID_ARGUMENT',
      details: { argument },
    });
    expect(disk.callCount).toBe(0);
  });

  test.each([undefined, null, 'dir'])('%j for options', async (options) => {
    await expect(openWal(options as unknown as WalOptions)).rejects.toMatchObject({
      code: 'KEELSON_INVALID_ARGUMENT',
    });
  });

  test('reserved kinds, missing data, empty and oversized appends', async () => {
    const disk = newDisk();
    const wal = await open(disk.environment);
    const { callCount } = disk;
    const data = new Uint8Array(1);
    const transferred = new Uint8Array(1);
    structuredClone(transferred, { transfer: [transferred.buffer] });
    const bad: readonly (readonly [unknown, string])[] = [
      [[{ kind: 128, data }], 'KEELSON_INVALID_ARGUMENT'],
      [[{ kind: 255, data }], 'KEELSON_INVALID_ARGUMENT'],
      [[{ kind: -1, data }], 'KEELSON_INVALID_ARGUMENT'],
      [[{ kind: 1.5, data }], 'KEELSON_INVALID_ARGUMENT'],
      [[{ kind: 1 }], 'KEELSON_INVALID_ARGUMENT'],
      [[{ kind: 1, data: transferred }], 'KEELSON_INVALID_ARGUMENT'],
      [[null], 'KEELSON_INVALID_ARGUMENT'],
      [[], 'KEELSON_INVALID_ARGUMENT'],
      [undefined, 'KEELSON_INVALID_ARGUMENT'],
      [[{ kind: 1, data: new Uint8Array(16_777_216) }], 'KEELSON_TOO_LARGE'],
    ];
    for (const [records, code] of bad)
      await expect(wal.append(records as readonly WalRecord[])).rejects.toMatchObject({ code });
    for (const lsn of [0, -1, 1.5, Number.NaN]) {
      await expect(wal.dropBefore(lsn)).rejects.toMatchObject({ code: 'KEELSON_INVALID_ARGUMENT' });
      await expect(first(wal, lsn)).rejects.toMatchObject({ code: 'KEELSON_INVALID_ARGUMENT' });
    }
    await expect(wal.dropBefore(2)).rejects.toMatchObject({ code: 'KEELSON_UNAVAILABLE' });
    expect(disk.callCount).toBe(callCount);
    expect(await wal.append([{ kind: 127, data: new Uint8Array(0) }])).toEqual({ firstLsn: 1, lastLsn: 1 });
  });

  test('everything on a closed log', async () => {
    const wal = await open(newDisk().environment);
    await wal.close();
    await wal.close();
    const closed = { code: 'KEELSON_CLOSED' };
    await expect(wal.append([recordOf(1, 0, 1)])).rejects.toMatchObject(closed);
    await expect(wal.sync()).rejects.toMatchObject(closed);
    await expect(wal.dropBefore(1)).rejects.toMatchObject(closed);
    await expect(first(wal, 1)).rejects.toMatchObject(closed);
  });
});

async function first(wal: Wal, fromLsn: number): Promise<void> {
  await wal.read(fromLsn)[Symbol.asyncIterator]().next();
}

describe('sync', () => {
  test('resolves when all that was appended before is durable', async () => {
    const wal = await open(newDisk(1, { calls: 'background' }).environment);
    const appended = [1, 2, 3].map((batch) => wal.append([recordOf(batch, 0, 5)]));
    expect(await wal.sync()).toEqual({ durableLsn: 3 });
    await Promise.all(appended);
  });

  test('fails if that failed, and only then', async () => {
    const disk = newDisk();
    const wal = await open(disk.environment);
    let count = 0;
    disk.onCall = ({ kind, path }) =>
      kind === 'write' && path === segment(1) && ++count === 1 ? { code: 'ENOSPC' } : undefined;
    const append = wal.append([recordOf(1, 0, 5)]);
    const sync = wal.sync();
    await expect(append).rejects.toMatchObject({ code: 'KEELSON_NO_SPACE' });
    await expect(sync).rejects.toMatchObject({ code: 'KEELSON_NO_SPACE' });
    expect(await wal.sync()).toEqual({ durableLsn: 0 });
  });
});

describe('dropping (D10)', () => {
  test('several at a time take turns, beside appends', async () => {
    const disk = newDisk(1, { calls: 'background' });
    const wal = await open(disk.environment);
    await appendEach(wal, 20, 600);
    const drops = [5, 9, 13, 17].map((lsn) => wal.dropBefore(lsn));
    const appends = Array.from({ length: 10 }, (_, at) => wal.append([recordOf(21 + at, 0, 600)]));
    await Promise.all([...drops, ...appends]);
    const { firstLsn, records } = await readAll(wal);
    expect(firstLsn).toBeGreaterThan(10);
    expect(firstLsn).toBeLessThanOrEqual(17);
    expect(firstLsn + records.length - 1).toBe(30);
    await wal.close();
    const again = await open(disk.environment);
    expect((await readAll(again)).records.at(-1)?.lsn).toBe(30);
  });

  test('a close beside a drop waits for it', async () => {
    const disk = newDisk(1, { calls: 'background' });
    const wal = await open(disk.environment);
    await appendEach(wal, 20, 600);
    const dropped = wal.dropBefore(15);
    await wal.close();
    expect((await dropped).bytesFreed).toBeGreaterThan(0);
    expect(disk.process.openFileCount).toBe(0);
  });

  test('a segment that is read when it is dropped is not written again under its reader', async () => {
    const disk = newDisk(1, { calls: 'background' });
    const wal = await open(disk.environment);
    await appendEach(wal, 20, 600);
    let isGoing = false;
    let going = Promise.resolve();
    const drop = async (): Promise<void> => {
      await wal.dropBefore(19);
      await appendEach(wal, 10, 600, 21);
    };
    // The read is under way for so long that its segment is dropped, and others are recycled, meanwhile.
    disk.onCall = ({ kind, path }) => {
      if (kind !== 'read' || path !== segment(2) || isGoing) return undefined;
      isGoing = true;
      going = drop();
      return { fault: 'stuck' };
    };
    const lsns: number[] = [];
    // Each record is held against its own checksum: bytes that changed under the read would be called damage.
    const reading = (async () => {
      for await (const record of wal.read(5)) lsns.push(record.lsn);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'KEELSON_COMPACTED' });
    expect(lsns.length).toBeGreaterThan(0);
    expect(lsns).toEqual(lsns.map((_, at) => 5 + at));
    await going;
    expect((await readAll(wal)).records.at(-1)?.lsn).toBe(30);
    await wal.close();
    expect(disk.process.openFileCount).toBe(0);
  });
});

test('open files are as many as before, however often a log was opened, read, dropped and closed', async () => {
  const disk = newDisk();
  for (let round = 0; round < 5; round += 1) {
    const wal = await open(disk.environment);
    await appendEach(wal, 10, 700, round * 10);
    await readAll(wal);
    await wal.dropBefore(round * 10 + 5);
    await wal.close();
    expect(disk.process.openFileCount).toBe(0);
  }
});

test('opening needs few files at a time, however many segments there are', async () => {
  const disk = newDisk(1, { openFilesMax: 12 });
  const wal = await open(disk.environment);
  await appendEach(wal, 60, 2000);
  await wal.close();
  const again = await open(disk.environment);
  expect(again.recovery.segments).toBeGreaterThan(40);
  expect((await readAll(again)).records).toHaveLength(60);
});
