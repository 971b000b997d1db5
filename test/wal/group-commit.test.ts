/**
 * What one append costs and what a failing one leaves decide whether a store can be used at all. Calls of the disk
 * are counted, chosen ones fail, and what the wal says and does next is held against the rules.
 */
import { describe, expect, test } from 'vitest';
import type { CallNotice } from '../../sim/disk/calls/calls-to-come.js';
import { frameHeaderBytes } from '../../src/format/frame-header.js';
import { RECORD_HEADER_BYTES } from '../../src/format/record.js';
import type { Wal } from '../../src/wal/index.js';
import { appendEach, newDisk, segment } from './scratch-wal.js';
import { DIR, open } from './wal-life.js';
import { readAll, recordOf } from './wal-memory.js';

describe('group commit (D2)', () => {
  test.each(['inline', 'background'] as const)(
    '64 appends of one turn share one write and one sync, %s',
    async (calls) => {
      const disk = newDisk(1, { calls });
      const wal = await open(disk.environment, 65_536);
      await appendEach(wal, 1);
      const { write, dataSync } = disk.callCounts;
      await Promise.all(Array.from({ length: 64 }, (_, at) => wal.append([recordOf(at, 0, 256)])));
      expect(disk.callCounts.write - write).toBe(1);
      expect(disk.callCounts.dataSync - dataSync).toBe(1);
      await wal.close();
    },
  );

  test('those that arrive while a write is under way share the next one', async () => {
    const disk = newDisk(1, { calls: 'background' });
    const wal = await open(disk.environment, 65_536);
    const late: Promise<unknown>[] = [];
    disk.onCall = ({ kind, path }) => {
      if (kind === 'write' && path === segment(1) && late.length === 0)
        for (let at = 0; at < 10; at += 1) late.push(wal.append([recordOf(at, 0, 10)]));
      return undefined;
    };
    const { dataSync } = disk.callCounts;
    await wal.append([recordOf(0, 0, 10)]);
    await Promise.all(late);
    expect(late).toHaveLength(10);
    expect(disk.callCounts.dataSync - dataSync).toBe(2);
    await wal.close();
  });

  test('frames are few bytes more than what they carry', () => {
    const framed = (count: number): number => {
      const fields = {
        from: 10_000_000,
        until: 10_000_000 + count,
        lastTerm: 1000,
        lowTerm: 1000,
        highTerm: 1000,
      };
      const payload = count * (RECORD_HEADER_BYTES + 256);
      return (frameHeaderBytes({ ...fields, resets: false }) + payload) / (count * 256);
    };
    expect(framed(1)).toBeLessThanOrEqual(1.26);
    expect(framed(64)).toBeLessThanOrEqual(1.05);
  });
});

/** Fails the next call that fits, once. */
function failNext(
  code: string,
  fits: (call: CallNotice) => boolean,
): (call: CallNotice) => { code: string } | undefined {
  let isDone = false;
  return (call) => {
    if (isDone || !fits(call)) return undefined;
    isDone = true;
    return { code };
  };
}

async function expectLatched(wal: Wal): Promise<void> {
  await expect(wal.append([recordOf(90, 0, 1)])).rejects.toMatchObject({ code: 'KEELSON_FAILED' });
  await expect(wal.sync()).rejects.toMatchObject({ family: 'environment' });
  expect((await readAll(wal)).records).toHaveLength(3);
  await wal.close();
}

describe('failures of a frame', () => {
  test.each([
    ['write', 'EIO', 'KEELSON_WRITE_FAILED'],
    ['dataSync', 'EIO', 'KEELSON_SYNC_FAILED'],
    ['dataSync', 'ENOSPC', 'KEELSON_SYNC_FAILED'],
  ])(
    '%s with %s latches, fails all that is queued behind it, and reads go on (D4, D5, D8)',
    async (kind, code, expected) => {
      const disk = newDisk();
      const wal = await open(disk.environment);
      await appendEach(wal, 3);
      disk.onCall = failNext(code, (call) => call.kind === kind && call.path === segment(1));
      const appends = [4, 5, 6].map((batch) => wal.append([recordOf(batch, 0, 10)]));
      for (const append of appends)
        await expect(append).rejects.toMatchObject({ code: expected, path: segment(1) });
      await expectLatched(wal);
    },
  );

  test.each(['EIO', 'ENOSPC'])(
    'what arrived while the write was under way fails with it: %s (D8)',
    async (code) => {
      const disk = newDisk(1, { calls: 'background' });
      const wal = await open(disk.environment);
      await appendEach(wal, 3);
      const late: Promise<unknown>[] = [];
      disk.onCall = ({ kind, path }) => {
        if (kind !== 'write' || path !== segment(1) || late.length > 0) return undefined;
        late.push(wal.append([recordOf(5, 0, 10)]), wal.append([recordOf(6, 0, 10)]));
        return { code };
      };
      const family = { family: 'environment' };
      await expect(wal.append([recordOf(4, 0, 10)])).rejects.toMatchObject(family);
      expect(late).toHaveLength(2);
      for (const append of late) await expect(append).rejects.toMatchObject(family);
      await wal.close();
      const again = await open(disk.environment);
      const batches = (await readAll(again)).records.map(({ kind }) => kind);
      expect(batches.slice(0, 3)).toEqual([1, 2, 3]);
      // Whole saves in order: the one that was being written may be there, those behind it never reached the disk.
      expect([[], [4]]).toContainEqual(batches.slice(3));
    },
  );

  test('a look at the fence that fails latches; the fate is unknown (D11)', async () => {
    const disk = newDisk();
    const wal = await open(disk.environment);
    await appendEach(wal, 3);
    disk.onCall = failNext('EIO', ({ kind, path }) => kind === 'read' && path === `${DIR}/superblock`);
    await expect(wal.append([recordOf(4, 0, 10)])).rejects.toMatchObject({ code: 'KEELSON_FAILED' });
    await expectLatched(wal);
  });

  test('ENOSPC leaves the log as it was: nothing of it exists, and the next one is taken (D4)', async () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const disk = newDisk(seed);
      const wal = await open(disk.environment);
      await appendEach(wal, 3);
      disk.onCall = failNext('ENOSPC', ({ kind, path }) => kind === 'write' && path === segment(1));
      const appends = [4, 5].map((batch) => wal.append([recordOf(batch, 0, 200)]));
      for (const append of appends) await expect(append).rejects.toMatchObject({ code: 'KEELSON_NO_SPACE' });
      expect(await wal.append([recordOf(6, 0, 10)])).toEqual({ firstLsn: 4, lastLsn: 4 });
      disk.crash('power');
      const again = await open(disk.environment);
      expect((await readAll(again)).records).toHaveLength(4);
    }
  });

  test('ENOSPC whose range cannot be zeroed latches, unless nothing of the frames is there (D4)', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 40; seed += 1) {
      const disk = newDisk(seed);
      const wal = await open(disk.environment);
      await appendEach(wal, 3);
      let count = 0;
      disk.onCall = ({ kind, path }) =>
        kind === 'write' && path === segment(1) && ++count <= 2 ? { code: 'ENOSPC' } : undefined;
      const appends = [4, 5].map((batch) => wal.append([recordOf(batch, 0, 10)]));
      const code = await appends[0]?.then(String, (error: unknown) => (error as { code: string }).code);
      await Promise.allSettled(appends);
      seen.add(code ?? '');
      if (code === 'KEELSON_NO_SPACE') {
        expect(await wal.append([recordOf(4, 0, 10)])).toEqual({ firstLsn: 4, lastLsn: 4 });
        disk.crash('power');
        expect((await readAll(await open(disk.environment))).records).toHaveLength(4);
      } else await expectLatched(wal);
    }
    expect([...seen].sort()).toEqual(['KEELSON_NO_SPACE', 'KEELSON_WRITE_FAILED']);
  });

  test('a short write is completed (D4)', async () => {
    const disk = newDisk(1, { faults: { 'short-write': 0.5, 'short-read': 0.5 } });
    const wal = await open(disk.environment);
    await appendEach(wal, 20, 400);
    expect(disk.counters['write-short']).toBeGreaterThan(3);
    disk.crash('power');
    expect((await readAll(await open(disk.environment))).records).toHaveLength(20);
  });
});

describe('failures of a rotation (D6)', () => {
  const isSpare = ({ kind, path }: CallNotice): boolean => kind === 'open' && path.endsWith('.spare');

  test('before the superblock names the segment the log stays as it was, and the next save tries again', async () => {
    const disk = newDisk();
    const wal = await open(disk.environment);
    await appendEach(wal, 3, 300);
    let failures = 1;
    disk.onCall = (call) => (isSpare(call) && failures-- > 0 ? { code: 'EMFILE' } : undefined);
    await expect(wal.append([recordOf(4, 0, 1500)])).rejects.toMatchObject({ code: 'KEELSON_WRITE_FAILED' });
    await appendEach(wal, 4, 1500, 5);
    expect((await readAll(wal)).records).toHaveLength(7);
    await wal.close();
  });

  test.each(['ENOSPC', 'EDQUOT'])(
    'no room for a segment is %s: refused by name, and taken once there is room',
    async (code) => {
      const disk = newDisk();
      const wal = await open(disk.environment);
      await appendEach(wal, 3, 300);
      disk.onCall = (call) => (isSpare(call) ? { code } : undefined);
      await expect(wal.append([recordOf(4, 0, 1500)])).rejects.toMatchObject({ code: 'KEELSON_NO_SPACE' });
      disk.onCall = null;
      await appendEach(wal, 1, 1500, 5);
      await wal.close();
    },
  );

  test.each([
    ['write', `${DIR}/superblock`],
    ['dataSync', `${DIR}/superblock`],
    ['syncDirectory', `${DIR}/wal`],
  ])('from there on it latches: %s of %s', async (kind, path) => {
    const disk = newDisk();
    const wal = await open(disk.environment);
    await appendEach(wal, 3, 300);
    disk.onCall = failNext('EIO', (call) => call.kind === kind && call.path === path);
    await expect(wal.append([recordOf(4, 0, 1500)])).rejects.toMatchObject({ family: 'environment' });
    await expectLatched(wal);
    // Nothing is left open behind a log that failed.
    expect(disk.process.openFileCount).toBe(0);
  });
});
