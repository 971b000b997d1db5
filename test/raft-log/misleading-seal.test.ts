/**
 * At stake: damage in front of a seal makes whoever reads the segment lean on that seal, which may say too much or too little:
 * the log may have gone on behind it, or have written again what is hit. Nothing acknowledged may be lost by that in silence,
 * verify names what was hit alone, and a repair comes to its end and keeps the rest.
 */
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/index.js';
import { openRaftLog, type RaftLog } from '../../src/index.js';
import { repairStore } from '../../src/raft-log/repair-store.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';

const DIR = '/data/log';
const DATA_BYTES = 900;
const segment = (number: number): string => `${DIR}/wal/${String(number).padStart(16, '0')}.wal`;
const place = (disk: SimulatedDisk) => ({ environment: disk.environment, dir: DIR, walDir: null });

function logOn(disk: SimulatedDisk): Promise<RaftLog> {
  return openRaftLog({ dir: DIR, segmentBytes: 4096, environment: disk.environment });
}

function entry(
  index: number,
  term: number,
  bytes = DATA_BYTES,
): { index: number; term: number; data: Uint8Array } {
  return { index, term, data: new Uint8Array(bytes).fill(16 * term + index) };
}

/** Flips a bit in the data of an entry. */
function hit(disk: SimulatedDisk, path: string, index: number, term: number): void {
  const at = Buffer.from(disk.readVolatile(path) ?? []).indexOf(entry(index, term).data);
  expect(at).toBeGreaterThan(0);
  disk.flipBit(path, at + 7, 1);
}

function stored(disk: SimulatedDisk): Promise<[number, number][]> {
  return logOn(disk).then(async (log) => {
    const entries = await log.entries(log.firstIndex, log.lastIndex + 1);
    await log.close();
    return entries.map(({ index, term }) => [index, term]);
  });
}

/**
 * A rotation found no room to name its segment, was taken back, and small saves went on behind the seal. A crash brought the
 * name back, of the segment behind the one with number `behind`.
 */
async function brokenRotation(behind = 1): Promise<{ readonly disk: SimulatedDisk; readonly last: number }> {
  const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  const log = await logOn(disk);
  await log.setHardState({ term: 1 });
  let last = 0;
  for (; disk.readVolatile(segment(behind)) === null; last += 1) await log.append([entry(last + 1, 1)]);
  let next: Uint8Array | null = null;
  disk.onCall = ({ kind, path }) => {
    if (kind !== 'write' || !path.endsWith('superblock')) return undefined;
    next ??= disk.readVolatile(segment(behind + 1));
    return { code: 'ENOSPC' };
  };
  await expect(
    (async () => {
      for (; ; last += 1) await log.append([entry(last + 1, 1)]);
    })(),
  ).rejects.toThrow(/room/);
  disk.onCall = () => undefined;
  await log.append([entry((last += 1), 1, 1)]);
  disk.crash('kill');
  expect(disk.readVolatile(segment(behind + 1))).toBeNull();
  disk.writeFile(segment(behind + 1), next ?? new Uint8Array());
  return { disk, last };
}

describe('a seal behind which the log went on', () => {
  test('counts for nothing', async () => {
    const { disk, last } = await brokenRotation();
    expect(await stored(disk)).toHaveLength(last);
  });

  test('counts for nothing in front of damage either', async () => {
    const { disk, last } = await brokenRotation();
    hit(disk, segment(1), 2, 1);
    await expect(logOn(disk.fork())).rejects.toMatchObject({ family: 'damage' });
    const { damage } = await verifyStore(place(disk));
    expect(damage.map(({ path, entries, intact }) => ({ path, entries, intact }))).toEqual([
      { path: segment(1), entries: { from: 2, until: 3 }, intact: [{ from: 3, until: last + 1 }] },
    ]);
    const { result, lost } = await repairStore(place(disk));
    expect(result).toMatchObject({ firstIndex: 1, lastIndex: 1 });
    expect(lost.acknowledged).toEqual({ from: 2, until: last });
    expect(await stored(disk)).toEqual([[1, 1]]);
  });

  test('bounds nothing of what a segment held whose header is gone: its server never votes again', async () => {
    const { disk, last } = await brokenRotation(2);
    disk.flipBit(segment(2), 40, 1);
    await repairStore(place(disk));
    const log = await logOn(disk);
    expect(log.lastIndex).toBeLessThan(last);
    expect(log.unfitUntil).toBe(Infinity);
    await log.close();
  });
});

describe('an entry that was hit, and written again', () => {
  test('in the next segment, by a save that is lost too: a repair keeps what stands in front of it', async () => {
    const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
    const log = await logOn(disk);
    await log.setHardState({ term: 1 });
    for (const index of [1, 2]) await log.append([entry(index, 1)]);
    await log.save({ hardState: { term: 2 }, truncateFrom: 2, entries: [entry(2, 2)] });
    for (let term = 3; term < 6; term += 1) await log.setHardState({ term });
    disk.crash('kill');
    expect(disk.readVolatile(segment(2))).not.toBeNull();
    hit(disk, segment(1), 2, 1);
    hit(disk, segment(2), 2, 2);
    const { action, result } = await repairStore(place(disk));
    expect(action).toBe('rebuild-log');
    expect(result).toMatchObject({ firstIndex: 1, lastIndex: 1 });
    expect(await stored(disk)).toEqual([[1, 1]]);
  });
});
