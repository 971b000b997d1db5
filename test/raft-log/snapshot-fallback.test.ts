/**
 * A damaged or lost snapshot file must not cost a node its state while an older one and the log behind it still say
 * the same. Snapshots are taken away, cut and hurt behind the log's back, with logs that still join an older one and
 * logs that do not, and what opens is held against what was saved.
 */
import { describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Environment, EnvironmentWarning } from '../../src/disk/environment.js';
import { checksum } from '../../src/format/checksum.js';
import { decodeSuperblock } from '../../src/format/superblock.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openSnapshotStore } from '../../src/snapshot/index.js';
import type { RecoveryReport } from '../../src/wal/report/recovery-report.js';
import { crashesOf, describing, runWhole, type Stop, textOf } from '../crash/crash-everywhere.js';
import { bytesOf, dataOf, entriesFrom, simulated } from './scratch-log.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';
const CONF = Uint8Array.of(3);
const SNAPSHOTS = '/data/log/snapshots';
const QUARANTINE = '/data/log/quarantine';

function snapshotPath(index: number, term = 1): string {
  const digits = (value: number): string => String(value).padStart(16, '0');
  return `${SNAPSHOTS}/${digits(index)}-${digits(term)}.snap`;
}

/** A closed log of entries 1..9 with snapshots at 3 and 6. */
async function build(log: RaftLog, compactedTo = 3): Promise<void> {
  await log.save({ entries: entriesFrom(1, 9), hardState: { term: 1, vote: 'n1', commit: 8 } });
  for (const index of [3, 6]) await log.createSnapshot({ index, conf: CONF, data: dataOf(index, 1, 900) });
  if (compactedTo > 0) await log.compact(compactedTo);
  await log.close();
}

async function logWithTwo(compactedTo = 3): Promise<ReturnType<typeof simulated>> {
  const world = simulated();
  await world.disk.run(async () => build(await world.open(), compactedTo));
  return world;
}

const WAYS: readonly [string, (disk: SimulatedDisk) => void, string | null][] = [
  ['missing', (disk) => disk.remove(snapshotPath(6)), null],
  ['damaged at its head', (disk) => disk.flipBit(snapshotPath(6), 50, 2), 'checksum of the header'],
  ['damaged at its end', (disk) => disk.flipBit(snapshotPath(6), 990, 1), 'is damaged'],
  [
    'cut',
    (disk) =>
      disk.writeFile(snapshotPath(6), (disk.readVolatile(snapshotPath(6)) ?? new Uint8Array()).slice(0, 500)),
    'is damaged',
  ],
  ['emptied', (disk) => disk.writeFile(snapshotPath(6), new Uint8Array()), 'is damaged'],
];

describe.each(WAYS)('the newest snapshot %s', (_, hurt, reason) => {
  test('an older one takes its place, and the report says so; the file is set aside', async () => {
    const { disk, open } = await logWithTwo();
    hurt(disk);
    const hurtBytes = disk.readVolatile(snapshotPath(6));
    await disk.run(async () => {
      for (const readOnly of [true, false]) {
        const log = await open({ readOnly });
        expect(log.snapshot).toMatchObject({ index: 3, term: 1, bytes: 900 });
        expect(log.lastIndex).toBe(9);
        expect(log.hardState).toEqual({ term: 1, vote: 'n1', commit: 8 });
        expect(log.recovery).toMatchObject({
          verdict: 'clean',
          snapshotFallback: {
            lost: { path: snapshotPath(6), index: 6, term: 1 },
            used: { index: 3, term: 1 },
          },
        });
        const opened = await log.openSnapshot();
        expect(await bytesOf(opened?.data as AsyncIterable<Uint8Array>)).toEqual(dataOf(3, 1, 900));
        expect(await log.entries(4, 10)).toHaveLength(6);
        const { quarantined } = log.recovery;
        if (readOnly || reason === null) expect(quarantined).toEqual([]);
        else {
          expect(quarantined).toEqual([snapshotPath(6).replace(SNAPSHOTS, QUARANTINE)]);
          expect(disk.readDurable(quarantined[0] as string)).toEqual(hurtBytes);
          expect(
            new TextDecoder().decode(disk.readDurable(`${quarantined[0] ?? ''}.txt`) ?? undefined),
          ).toContain(reason);
          expect(disk.readVolatile(snapshotPath(6))).toBeNull();
        }
        await log.close();
      }
    });
  });

  test('every open tells of it once: as an event, and as a warning to who hears no events', async () => {
    const { disk, open } = await logWithTwo();
    hurt(disk);
    const warnings: EnvironmentWarning[] = [];
    const warn = (warning: EnvironmentWarning): void => void warnings.push(warning);
    await disk.run(async () => {
      const told: unknown[] = [];
      const log = await open({ environment: { ...disk.environment, warn } });
      log.events.on('recovered', () => told.push('recovered'));
      log.events.on('snapshot-fallback', (fallback) => told.push(fallback));
      await log.append(entriesFrom(10, 1));
      await log.append(entriesFrom(11, 1));
      expect(told).toEqual(['recovered', log.recovery.snapshotFallback]);
      expect(warnings).toMatchObject([{ code: 'KEELSON_SNAPSHOT_FALLBACK' }]);
      expect(warnings[0]?.message).toContain(snapshotPath(6));
      await log.createSnapshot({ index: 9, conf: CONF, data: CONF });
      await log.close();
      await (await open({ environment: { ...disk.environment, warn } })).close();
    });
    expect(warnings).toHaveLength(1);
  });

  test('the log goes on from it: the one in use is kept, a new one ends the fallback', async () => {
    const { disk, open } = await logWithTwo();
    hurt(disk);
    await disk.run(async () => {
      let log = await open({ snapshotsKept: 1 });
      await log.append(entriesFrom(10, 40, 1, 300));
      await expect(log.compact(4)).rejects.toMatchObject({ code: 'KEELSON_UNAVAILABLE' });
      await log.close();
      disk.crash('power');
      log = await open({ snapshotsKept: 1 });
      expect(log.snapshot?.index).toBe(3);
      // At the very place of the lost one.
      const meta = await log.createSnapshot({ index: 6, conf: CONF, data: dataOf(6, 1, 500) });
      expect(meta).toMatchObject({ index: 6, term: 1, bytes: 500 });
      await log.compact(6);
      await log.close();
      log = await open({ snapshotsKept: 1 });
      expect(log.recovery.snapshotFallback).toBeNull();
      expect(log.snapshot?.index).toBe(6);
      await log.close();
      expect(disk.list().filter((path) => path.startsWith(SNAPSHOTS))).toEqual([snapshotPath(6)]);
    });
  });

  test('the log does not join it any more: KEELSON_MISSING_SNAPSHOT with the report, and nothing changes', async () => {
    const { disk, open } = await logWithTwo(5);
    hurt(disk);
    const before = disk.list().map((path) => [path, disk.readVolatile(path)]);
    await disk.run(async () => {
      for (const readOnly of [false, true, false]) {
        await expect(open({ readOnly })).rejects.toMatchObject({
          code: 'KEELSON_MISSING_SNAPSHOT',
          family: 'damage',
          path: snapshotPath(6),
          index: 6,
          details: { term: 1 },
          recovery: { verdict: 'damaged', damage: { path: snapshotPath(6) } },
        });
      }
    });
    expect(disk.list().map((path) => [path, disk.readVolatile(path)])).toEqual(before);
  });
});

test('snapshots are compared by index and term: one of another term is not taken', async () => {
  const { disk, open } = await logWithTwo();
  disk.remove(snapshotPath(6));
  disk.remove(snapshotPath(3));
  const slot = decodeSuperblock(
    (disk.readVolatile('/data/log/superblock') ?? new Uint8Array()).slice(0, 4096),
  );
  if (slot.kind !== 'valid') throw new Error('the slot is not valid');
  const { lineage } = slot.superblock;
  await disk.run(async (environment) => {
    // Whole, of this store, at an index that the log holds with another term: an orphan of a lost history.
    const snapshots = await openSnapshotStore({ environment, dir: SNAPSHOTS, lineage });
    const staged = await snapshots.write({ index: 3, term: 2, conf: CONF, data: dataOf(3, 2, 900) });
    await staged.publish();
    await expect(open()).rejects.toMatchObject({ code: 'KEELSON_MISSING_SNAPSHOT' });
  });
});

test('a whole older one of another store is not taken', async () => {
  const { disk, open } = await logWithTwo();
  const other = await logWithOther();
  disk.remove(snapshotPath(6));
  disk.writeFile(snapshotPath(3), other);
  await disk.run(async () => {
    await expect(open()).rejects.toMatchObject({ code: 'KEELSON_MISSING_SNAPSHOT' });
  });
});

async function logWithOther(): Promise<Uint8Array> {
  const { disk, open } = simulated({ seed: 2 });
  await disk.run(async () => build(await open()));
  return disk.readVolatile(snapshotPath(3)) ?? new Uint8Array();
}

test('a newest one of a newer format is refused as such, though an older one is there', async () => {
  const { disk, open } = await logWithTwo();
  const bytes = (disk.readVolatile(snapshotPath(6)) ?? new Uint8Array()).slice();
  new DataView(bytes.buffer).setUint32(8, 2, true);
  new DataView(bytes.buffer).setUint32(12, checksum(bytes.subarray(0, 12)), true);
  disk.writeFile(snapshotPath(6), bytes);
  const before = disk.list();
  await disk.run(async () => {
    await expect(open()).rejects.toMatchObject({
      code: 'KEELSON_INCOMPATIBLE_FORMAT',
      path: snapshotPath(6),
      found: 2,
      expected: 1,
      recovery: { verdict: 'damaged' } as Partial<RecoveryReport>,
    });
  });
  expect(disk.list()).toEqual(before);
});

test('a read error is no damage: no older one is taken for it (R9)', async () => {
  const { disk, open } = await logWithTwo();
  const reads: number[] = [];
  const rehearsal = disk.fork();
  rehearsal.onCall = ({ number, kind, path }) => {
    if (path === snapshotPath(6) && (kind === 'read' || kind === 'open')) reads.push(number);
    return undefined;
  };
  await rehearsal.run(async () => {
    await (await open({ environment: rehearsal.environment })).close();
  });
  rehearsal.onCall = null;
  expect(reads.length).toBeGreaterThan(1);
  for (const call of reads) {
    const fork = disk.fork();
    fork.direct(call, { code: 'EIO' });
    await fork.run(async () => {
      await expect(open({ environment: fork.environment })).rejects.toMatchObject({
        code: 'KEELSON_READ_FAILED',
      });
    });
  }
});

test('a crash at any call of such an open leaves the older one in use and the damaged one somewhere', async () => {
  const { disk, open } = await logWithTwo();
  disk.flipBit(snapshotPath(6), 50, 2);
  const hurtBytes = disk.readVolatile(snapshotPath(6));
  const openOn = async (environment: Environment): Promise<void> => {
    const log = await open({ environment });
    expect(log.snapshot).toMatchObject({ index: 3, term: 1 });
    expect(log.lastIndex).toBe(9);
    await log.close();
  };
  const choose = ({ call }: Stop, way: number): boolean => IS_DEEP || (way + call) % 2 === 0;
  const crashes = await crashesOf(disk.fork(), openOn, choose, () => null);
  expect(crashes.length).toBeGreaterThan(30);
  for (const { disk: left, stop } of crashes)
    await describing(textOf(stop), async () => {
      await runWhole(left, openOn);
      left.crash('power');
      const kept = left
        .list()
        .filter((path) => path.startsWith(QUARANTINE) && path.includes('.snap') && !path.endsWith('.txt'));
      expect(kept).toHaveLength(1);
      expect(left.readDurable(kept[0] as string)).toEqual(hurtBytes);
      await runWhole(left, openOn);
    });
});

describe('a whole snapshot that no record names', () => {
  async function publish(disk: SimulatedDisk, index: number): Promise<void> {
    const { superblock } = decodeSuperblock(
      (disk.readVolatile('/data/log/superblock') ?? new Uint8Array()).slice(0, 4096),
    ) as { superblock: { lineage: Uint8Array } };
    const { lineage } = superblock;
    const store = await openSnapshotStore({ environment: disk.environment, dir: SNAPSHOTS, lineage });
    const staged = await store.write({ index, term: 1, conf: CONF, data: dataOf(index, 1, 400) });
    await staged.publish();
  }

  test('and that stands for more than the log holds is set aside: the log may be the older one', async () => {
    const { disk, open } = await logWithTwo();
    await disk.run(async () => {
      await publish(disk, 50);
      const bytes = disk.readVolatile(snapshotPath(50));
      const aside = snapshotPath(50).replace(SNAPSHOTS, QUARANTINE);
      const log = await open();
      expect(log.recovery.quarantined).toEqual([aside]);
      await log.createSnapshot({ index: 8, conf: CONF, data: dataOf(8, 1, 100) });
      await log.close();
      expect(disk.readVolatile(aside)).toEqual(bytes);
    });
  });

  test('but that the log holds all the entries of is not needed, and goes', async () => {
    const { disk, open } = await logWithTwo();
    await disk.run(async () => {
      await publish(disk, 7);
      const log = await open();
      expect(log.recovery.quarantined).toEqual([]);
      await log.createSnapshot({ index: 8, conf: CONF, data: dataOf(8, 1, 100) });
      await log.close();
      expect(disk.list()).not.toContain(snapshotPath(7));
    });
  });
});

test('several that are kept are told newest first, and opened each by its own index, after an open too', async () => {
  const { disk, open } = simulated();
  await disk.run(async () => {
    let log = await open({ snapshotsKept: 3 });
    await log.save({ entries: entriesFrom(1, 9), hardState: { term: 1, commit: 9 } });
    for (const index of [3, 6, 9])
      await log.createSnapshot({ index, conf: CONF, data: dataOf(index, 1, 90) });
    for (const readOnly of [false, true]) {
      expect(log.snapshots.map(({ index }) => index)).toEqual([9, 6, 3]);
      for (const index of [3, 6, 9]) {
        const opened = await log.openSnapshot({ index });
        expect(opened?.meta.index).toBe(index);
        expect(await bytesOf(opened?.data as AsyncIterable<Uint8Array>)).toEqual(dataOf(index, 1, 90));
      }
      await log.close();
      log = await open({ snapshotsKept: 3, readOnly });
    }
    await log.close();
  });
});
