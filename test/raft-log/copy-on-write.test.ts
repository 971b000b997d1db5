/**
 * At stake: a file system that copies on write needs room to write over what it holds, so a full one refuses the superblock
 * and frames in their place; a log that failed for that would need room to be opened again. Tried with every such refusal.
 */
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/index.js';
import { openRaftLog, type RaftLog } from '../../src/index.js';

const DIR = '/data/log';

async function logOn(disk: SimulatedDisk): Promise<RaftLog> {
  return openRaftLog({ dir: DIR, segmentBytes: 4096, environment: disk.environment });
}

function entry(log: RaftLog): { index: number; term: number; data: Uint8Array } {
  return { index: log.lastIndex + 1, term: 1, data: new Uint8Array(900).fill(log.lastIndex + 1) };
}

/** No overwrite finds room: of the superblock alone, or of everything that is there. */
function fill(disk: SimulatedDisk, of: 'superblock' | 'all'): void {
  disk.onCall = ({ kind, path }) =>
    kind === 'write' && (of === 'all' || path.endsWith('superblock')) ? { code: 'ENOSPC' } : undefined;
}

async function filled(seed: number): Promise<{ disk: SimulatedDisk; log: RaftLog }> {
  const disk = createSimulatedDisk({ seed, directories: ['/data'] });
  const log = await logOn(disk);
  await log.setHardState({ term: 1 });
  for (let save = 0; save < 10; save += 1) await log.append([entry(log)]);
  return { disk, log };
}

async function expectAll(disk: SimulatedDisk, last: number): Promise<void> {
  disk.crash('power');
  const log = await logOn(disk);
  expect(log.lastIndex).toBe(last);
  for (const { index, data } of await log.entries(log.firstIndex, last + 1)) expect(data[0]).toBe(index);
  await log.close();
}

/** Appends until one is refused; its code. */
async function refusal(log: RaftLog): Promise<unknown> {
  for (let save = 0; save < 12; save += 1) {
    try {
      await log.append([entry(log)]);
    } catch (error) {
      return (error as { code: string }).code;
    }
  }
  return null;
}

describe('a superblock that finds no room', () => {
  test.each([1, 2, 3, 4])('lets the log take votes and go on once there is room (seed %i)', async (seed) => {
    const { disk, log } = await filled(seed);
    fill(disk, 'superblock');
    expect(await refusal(log)).toBe('KEELSON_NO_SPACE');
    expect(log.status).toBe('open');
    await log.setHardState({ term: 2, vote: 'a' });
    disk.onCall = () => undefined;
    expect(await refusal(log)).toBeNull();
    await expectAll(disk, log.lastIndex);
  });

  test('is a compaction that counts, and frees its segments later', async () => {
    const { disk, log } = await filled(1);
    await log.setHardState({ commit: 10 });
    await log.createSnapshot({ index: 10, conf: new Uint8Array(0), data: new Uint8Array(10) });
    fill(disk, 'superblock');
    // Its record is durable by then, so it cannot be said that there was none.
    expect(await log.compact(10)).toEqual({ bytesFreed: 0 });
    expect(log).toMatchObject({ status: 'open', firstIndex: 11 });
    disk.onCall = () => undefined;
    const { bytesFreed } = await log.compact(10);
    expect(bytesFreed).toBeGreaterThan(0);
    await log.append([entry(log)]);
    await expectAll(disk, 11);
  });

  test('is an open that says what it lacks, and harms nothing', async () => {
    const { disk, log } = await filled(1);
    await log.close();
    fill(disk, 'superblock');
    await expect(logOn(disk)).rejects.toMatchObject({ code: 'KEELSON_NO_SPACE' });
    await expect(logOn(disk)).rejects.toThrow(/copies on write.*Free space/);
    disk.onCall = () => undefined;
    await expectAll(disk, 10);
  });
});

test('a tail that an open must write again finds no room, and is there when there is some', async () => {
  const { disk } = await filled(1);
  disk.crash('kill');
  disk.onCall = ({ kind, path }) =>
    kind === 'write' && path.endsWith('.wal') ? { code: 'ENOSPC' } : undefined;
  const opening = logOn(disk);
  await expect(opening).rejects.toMatchObject({ code: 'KEELSON_NO_SPACE' });
  await expect(opening).rejects.toThrow(/new copy of .* copies on write.*Free space/);
  disk.onCall = () => undefined;
  await expectAll(disk, 10);
});

describe('a frame that finds no room in its place, nor zeros behind it', () => {
  test('is refused, and nothing of it comes back', async () => {
    let refused = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const { disk, log } = await filled(seed);
      fill(disk, 'all');
      const code = await log.setHardState({ term: 2, vote: 'a' }).then(
        () => null,
        (error: unknown) => (error as { code: string }).code,
      );
      disk.onCall = () => undefined;
      if (code === 'KEELSON_NO_SPACE') {
        refused += 1;
        expect(log.status).toBe('open');
        await log.setHardState({ term: 2, vote: 'b' });
      }
      await expectAll(disk, 10);
    }
    expect(refused).toBeGreaterThan(3);
  });
});

test.each([true, false])(
  'verify says what holds less where the disk copies on write: %s',
  async (copiesOnWrite) => {
    const disk = createSimulatedDisk({ seed: 1, directories: ['/data'], profile: { copiesOnWrite } });
    const log = await logOn(disk);
    await log.setHardState({ term: 1 });
    const { verdict, notes } = await log.verify();
    expect(verdict).toBe('sound');
    expect(notes.map((note) => /copies on write.*chattr \+C/.test(note))).toEqual(
      copiesOnWrite ? [true] : [],
    );
    await log.close();
  },
);
