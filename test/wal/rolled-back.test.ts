/**
 * An old copy of a directory laid over a newer one must not pass for the log: what is newer proves it, and is not deleted.
 * Old files are put back together under newer segments, and what a crash can leave above the range is held against it.
 */
import { describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from '../../src/format/segment-header.js';
import type { RecoveryReport } from '../../src/wal/index.js';
import { appendEach, MARKS, newDisk, picture, segment, storeOf } from './scratch-wal.js';
import { DIR, open } from './wal-life.js';

const SUPERBLOCK = `${DIR}/superblock`;
const QUARANTINE = `${DIR}/quarantine`;

function segmentsOf(disk: SimulatedDisk): string[] {
  return disk.list().filter((path) => path.endsWith('.wal'));
}

/** A closed store of 4 batches; how its files were then; and 20 batches more. */
async function grown(): Promise<{ disk: SimulatedDisk; old: ReadonlyMap<string, Uint8Array> }> {
  const disk = newDisk();
  const first = await open(disk.environment);
  await appendEach(first, 4, 300);
  await first.close();
  const old = new Map(disk.list().map((path) => [path, disk.readVolatile(path) ?? new Uint8Array()]));
  const second = await open(disk.environment);
  await appendEach(second, 20, 500, 5);
  await second.close();
  return { disk, old };
}

function layOver(disk: SimulatedDisk, old: ReadonlyMap<string, Uint8Array>): void {
  for (const [path, bytes] of old) disk.writeFile(path, bytes);
}

async function recoveryOf(disk: SimulatedDisk): Promise<RecoveryReport> {
  const wal = await open(disk.environment);
  await wal.close();
  return wal.recovery;
}

describe('an old copy laid over a newer directory is damage (R3)', () => {
  test.each([
    ['all of it', () => []],
    ['and the segments right behind the copy are gone', (after: string[]) => after.slice(0, 2)],
    ['and but one segment is left of what came since', (after: string[]) => after.slice(0, -1)],
  ])('%s', async (_, lost) => {
    const { disk, old } = await grown();
    const after = segmentsOf(disk).filter((path) => !old.has(path));
    expect(after.length).toBeGreaterThan(3);
    layOver(disk, old);
    for (const path of lost(after)) disk.remove(path);
    const before = picture(disk);
    for (let again = 0; again < 2; again += 1) {
      await expect(open(disk.environment)).rejects.toMatchObject({
        code: 'KEELSON_CORRUPT',
        path: segmentsOf(disk).findLast((path) => old.has(path)),
        message: expect.stringContaining('look like an older copy of this store') as string,
      });
      expect(picture(disk)).toEqual(before);
    }
  });

  test('but superblock and end marks alone are not missed: the segments join, and are the log (R6)', async () => {
    const { disk, old } = await grown();
    layOver(disk, new Map([...old].filter(([path]) => path === SUPERBLOCK || path === MARKS)));
    expect(await recoveryOf(disk)).toMatchObject({ verdict: 'clean', lastLsn: 24 });
  });
});

describe('what stands above the range and proves no more than the log holds', () => {
  /** Puts a segment with that header, and with no frame, above the last one. */
  async function withAbove(change: (last: SegmentHeader) => Partial<SegmentHeader>): Promise<SimulatedDisk> {
    const disk = await storeOf(20, { isClosed: true });
    const path = segmentsOf(disk).at(-1) as string;
    const verdict = decodeSegmentHeader(
      (disk.readVolatile(path) ?? new Uint8Array()).slice(0, SEGMENT_HEADER_BYTES),
    );
    if (verdict.kind !== 'valid') throw new Error('no header');
    const { header } = verdict;
    const number = header.number + 1;
    const bytes = new Uint8Array(header.segmentBytes);
    bytes.set(
      encodeSegmentHeader({ ...header, number, identity: new Uint8Array(16).fill(9), ...change(header) }),
    );
    disk.writeFile(segment(number), bytes);
    return disk;
  }
  const at = (lsn: number): Pick<SegmentHeader, 'firstLsn' | 'durable'> => ({
    firstLsn: lsn + 1,
    durable: { lsn, lastIndex: lsn, lastTerm: 0 },
  });

  test('a rotation that never happened goes', async () => {
    const disk = await withAbove(() => ({ ...at(19), chain: 7 }));
    const above = segmentsOf(disk).at(-1) as string;
    expect(await recoveryOf(disk)).toMatchObject({ verdict: 'clean', lastLsn: 20, quarantined: [] });
    expect(disk.list()).not.toContain(above);
  });

  test('one that proves more is damage', async () => {
    const disk = await withAbove(() => ({ ...at(21), chain: 7 }));
    await expect(open(disk.environment)).rejects.toMatchObject({ code: 'KEELSON_CORRUPT' });
  });

  test('what a repair began and did not end is none, whatever LSN it begins at', async () => {
    const disk = await withAbove(({ epoch }) => ({ ...at(900), chain: 0, epoch: epoch + 1 }));
    expect(await recoveryOf(disk)).toMatchObject({ verdict: 'clean', lastLsn: 20 });
  });

  test('but one that the superblock knows nothing of is older than that repair', async () => {
    const disk = await withAbove(({ epoch }) => ({ ...at(900), chain: 0, epoch: epoch + 2 }));
    await expect(open(disk.environment)).rejects.toMatchObject({ code: 'KEELSON_CORRUPT' });
  });

  test.each([
    ['which was live once', 1],
    ['of another store', 2],
  ])('a segment %s is set aside, and never deleted', async (_, seed) => {
    const disk = await storeOf(20);
    const other = await storeOf(20, { seed });
    const above = `${String(segmentsOf(disk).length + 3).padStart(16, '0')}.wal`;
    const bytes = other.readVolatile(segment(2)) ?? new Uint8Array();
    disk.writeFile(`${DIR}/wal/${above}`, bytes);
    const { lastLsn, quarantined } = await recoveryOf(disk);
    expect(lastLsn).toBe(20);
    expect(quarantined).toEqual([`${QUARANTINE}/${above}`]);
    expect(disk.readVolatile(`${QUARANTINE}/${above}`)).toEqual(bytes);
    expect((await recoveryOf(disk)).quarantined).toEqual([]);
    expect(disk.list()).toContain(`${QUARANTINE}/${above}`);
  });
});
