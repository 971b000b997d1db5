/**
 * A writer counts on from what the disk says, and a number at the end of its field, which a forger or a bug put there under
 * a valid checksum, would begin again at zero: an older writer would be let back in, or what is acknowledged be read by
 * nobody. Stores are crafted with each counter at both ends of its field, opened, reset and repaired.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { isKeelsonError } from '../../src/errors/index.js';
import { decodeEndMark, encodeEndMark } from '../../src/format/end-mark.js';
import { LIMITS } from '../../src/format/limits.js';
import { segmentName } from '../../src/format/names.js';
import { decodeSegmentHeader, encodeSegmentHeader } from '../../src/format/segment-header.js';
import { decodeSuperblock, encodeSuperblock, SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { planStoreRepair, repairStore } from '../../src/raft-log/repair-store.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { entriesFrom } from './scratch-log.js';
import { diskWith, openOlder, zeroStore } from './zero-life.js';

const DIR = '/data/log';
const COUNTERS = ['epoch', 'generation', 'segment', 'lsn', 'sequence'] as const;
type Counters = Record<(typeof COUNTERS)[number], number>;

const near = (...ends: readonly number[]): fc.Arbitrary<number> =>
  fc
    .tuple(fc.constantFrom(...ends), fc.integer({ min: -2, max: 2 }))
    .map(([end, by]) => Math.min(Math.max(1, end + by), Number.MAX_SAFE_INTEGER));
const counted = near(1, 2 ** 32, LIMITS.countedMax, Number.MAX_SAFE_INTEGER);
const segment = counted.map((number) => Math.min(number, LIMITS.segmentNumberMax));
const epoch = near(1, LIMITS.epochMax, 0xffff_ffff).map((value) => Math.min(value, 0xffff_ffff));

/** An empty store that stands at these numbers. */
async function storeAt({ epoch, generation, segment, lsn, sequence }: Counters): Promise<SimulatedDisk> {
  const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  await (await openRaftLog({ dir: DIR, segmentBytes: 4096, environment: disk.environment })).close();
  const path = `${DIR}/wal/${segmentName(1)}`;
  const bytes = disk.readVolatile(path) ?? new Uint8Array();
  const verdict = decodeSegmentHeader(bytes);
  const slot = decodeSuperblock(
    (disk.readVolatile(`${DIR}/superblock`) ?? bytes).subarray(0, SUPERBLOCK_SLOT_BYTES),
  );
  if (verdict.kind !== 'valid' || slot.kind !== 'valid') throw new Error('the store is not whole');
  const durable = { lsn: lsn - 1, lastIndex: 0, lastTerm: 0 };
  bytes.set(encodeSegmentHeader({ ...verdict.header, number: segment, epoch, firstLsn: lsn, durable }));
  disk.remove(path);
  disk.writeFile(`${DIR}/wal/${segmentName(segment)}`, bytes);
  const moved = { epoch, fenceEpoch: epoch, fenceLsn: lsn, firstSegment: segment, newestSegment: segment };
  const superblock = { ...slot.superblock, ...moved, proven: durable };
  for (const at of [0, 1])
    disk.overwrite(
      `${DIR}/superblock`,
      at * SUPERBLOCK_SLOT_BYTES,
      encodeSuperblock({ ...superblock, generation: generation - at }),
    );
  const mark = { ...durable, lineage: superblock.lineage, epoch, sequence };
  disk.overwrite(`${DIR}/marks`, (sequence % 2) * 4096, encodeEndMark(mark));
  return disk;
}

function picture(disk: SimulatedDisk): string {
  return disk
    .list()
    .map((path) => `${path} ${Buffer.from(disk.readVolatile(path) ?? []).toString('base64')}`)
    .join('\n');
}

function isWithin(at: Counters): boolean {
  const { epoch, generation, segment, lsn } = at;
  return (
    epoch <= LIMITS.epochMax && [generation, segment, lsn - 1].every((value) => value <= LIMITS.countedMax)
  );
}

const counters: fc.Arbitrary<Counters> = fc
  .record({ epoch, generation: counted, segment, lsn: counted, sequence: counted })
  .chain((at) =>
    // One at an end, the rest where every store begins, or all of them.
    fc.constantFrom(...COUNTERS, 'all' as const).map((which) => {
      const low = { epoch: 2, generation: 3, segment: 1, lsn: 1, sequence: 1 };
      return which === 'all' ? at : { ...low, [which]: at[which] };
    }),
  );

test('a store at the end of its numbers is refused by name, with nothing changed; any other goes on', async () => {
  const seen = { opened: 0, refused: 0 };
  const property = fc.asyncProperty(counters, async (at) => {
    const disk = await storeAt(at);
    const { environment } = disk;
    const request = { environment, dir: DIR, walDir: null };
    const before = picture(disk);
    if (!isWithin(at)) {
      seen.refused += 1;
      const opening = openRaftLog({ dir: DIR, environment });
      await expect(opening).rejects.toMatchObject({
        code: 'KEELSON_CORRUPT',
        recovery: { verdict: 'damaged' },
      });
      await expect(opening).rejects.toThrow(/expected at most .*new member/);
      expect(await verifyStore(request)).toMatchObject({ verdict: 'damaged', damage: [{ canOpen: false }] });
      expect((await planStoreRepair(request)).action).toBe('impossible');
      await repairStore(request);
      expect(picture(disk)).toBe(before);
      const reader = await openRaftLog({ dir: DIR, environment, readOnly: true });
      expect(reader.lastIndex).toBe(0);
      await reader.close();
      return;
    }
    seen.opened += 1;
    expect((await verifyStore(request)).verdict).toBe('sound');
    const log = await openRaftLog({ dir: DIR, segmentBytes: 4096, environment });
    expect(log.recovery.epoch).toBe(at.epoch + 1);
    await log.setHardState({ term: 1, vote: 'a' });
    for (let from = 1; from < 12; from += 2) await log.append(entriesFrom(from, 2, 1, 900));
    await log.close();
    const [marks = new Uint8Array()] = [disk.readVolatile(`${DIR}/marks`) ?? undefined];
    expect([0, 4096].some((from) => decodeEndMark(marks.subarray(from, from + 4096))?.lastIndex === 12)).toBe(
      true,
    );
    disk.crash('power');
    // The last number from which an open goes on was perhaps this one's.
    const again = await openRaftLog({ dir: DIR, environment: disk.environment, readOnly: true });
    expect([again.lastIndex, again.hardState]).toEqual([12, { term: 1, vote: 'a', commit: 0 }]);
    expect((await again.entries(1, 13)).map(({ data }) => data)).toEqual(
      entriesFrom(1, 12, 1, 900).map(({ data }) => data),
    );
    await again.close();
  });
  await fc.assert(property, { numRuns: Number(process.env['KEELSON_RUNS'] ?? 40), seed: 1 });
  expect(seen.opened).toBeGreaterThan(5);
  expect(seen.refused).toBeGreaterThan(5);
});

test.each([1, 2])(
  'a segment whose number is %i above the last that is read ends every look at the store',
  async (more) => {
    const disk = await storeAt({
      epoch: 2,
      generation: 3,
      segment: LIMITS.segmentNumberMax + more,
      lsn: 1,
      sequence: 1,
    });
    const before = picture(disk);
    const { environment } = disk;
    const request = { environment, dir: DIR, walDir: null };
    for (const readOnly of [true, false])
      await expect(openRaftLog({ dir: DIR, environment, readOnly })).rejects.toMatchObject({
        family: 'damage',
      });
    expect((await verifyStore(request)).verdict).toBe('damaged');
    expect((await repairStore(request)).action).toBe('impossible');
    expect(picture(disk)).toBe(before);
  },
);

describe('a reset', () => {
  const number = near(1, 18, Number.MAX_SAFE_INTEGER - 2);

  test('to any point ends well, or is refused by the caller’s mistake', async () => {
    const state = fc.record({ term: number, vote: fc.constantFrom(null, 'a'), commit: number });
    const point = fc.record(
      { index: number, term: number, hardState: state },
      { requiredKeys: ['index', 'term'] },
    );
    const property = fc.asyncProperty(point, async (resetTo) => {
      const disk = diskWith(zeroStore());
      const opening = openOlder(disk.environment, { onOlderFormat: 'reset', resetTo });
      const log = await opening.catch((error: unknown) => {
        expect(isKeelsonError(error) && error.family, String(error)).toBe('caller');
        return null;
      });
      if (log === null) return;
      const shown = [log.firstIndex, log.lastIndex, log.lastTerm, log.hardState, log.unfitUntil];
      await log.close();
      disk.crash('power');
      const again = await openOlder(disk.environment, { onOlderFormat: 'reset', resetTo });
      expect([again.firstIndex, again.lastIndex, again.lastTerm, again.hardState, again.unfitUntil]).toEqual(
        shown,
      );
      expect([again.lastIndex, again.lastTerm]).toEqual([resetTo.index, resetTo.term]);
      await again.close();
    });
    await fc.assert(property, { numRuns: Number(process.env['KEELSON_RUNS'] ?? 40) });
  });

  test.each([
    ['epoch', { epoch: 0xffff_ffff }],
    ['LSN', { lastLsn: Number.MAX_SAFE_INTEGER }],
    ['segment', { first: LIMITS.segmentNumberMax, newest: LIMITS.segmentNumberMax }],
  ])('of a store whose %s is at the end changes nothing', async (_name, changed) => {
    const disk = diskWith(zeroStore(changed));
    const before = picture(disk);
    const opening = openOlder(disk.environment, { onOlderFormat: 'reset', resetTo: { index: 30, term: 3 } });
    await expect(opening).rejects.toMatchObject({ family: 'damage' });
    expect(picture(disk)).toBe(before);
  });
});
