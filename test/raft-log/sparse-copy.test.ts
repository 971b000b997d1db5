/**
 * A copy that leaves zeros out (`cp --sparse=always`, `rsync -S`) takes away the room that was written for votes on a full
 * disk, and nobody sees it before the disk is full. Stores on a simulated disk get such holes, and are opened with room,
 * without, with a quota that nobody tells of, and on a disk that keeps zeros without any room.
 */
import { describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { withDisk } from '../../src/disk/environment.js';
import { HeldDisk } from '../../src/disk/held-disk.js';
import type { DiskFile, FileStat, OpenOptions } from '../../src/disk/port.js';
import { SEAL_TRAILER_BYTES } from '../../src/format/seal.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { entriesFrom, simulated } from './scratch-log.js';

const SEGMENT_BYTES = 65_536;
const SEGMENT = '/data/log/wal/0000000000000001.wal';

/** A store with a few entries whose zeros have become holes; `open` opens it. */
async function sparseStore(): Promise<{ disk: SimulatedDisk; open: () => Promise<RaftLog> }> {
  const { disk, open } = simulated({ profile: { calls: 'inline' } });
  const log = await open({ segmentBytes: SEGMENT_BYTES });
  await log.save({ entries: entriesFrom(1, 5, 1, 500), hardState: { term: 1 } });
  await log.close();
  for (const path of disk.list()) disk.makeSparse(path);
  return { disk, open: () => open({ segmentBytes: SEGMENT_BYTES, create: 'never' }) };
}

function leave(disk: SimulatedDisk, freeBytes: number): void {
  const { fs } = disk;
  (fs.profile as { capacityBytes: number }).capacityBytes += freeBytes - fs.freeBytes;
}

async function allocated(disk: SimulatedDisk): Promise<number | undefined> {
  return (await disk.disk.stat(SEGMENT))?.allocatedBytes;
}

/** Votes in term after term until one is refused, or so many. */
async function votesUntilRefused(log: RaftLog, max: number): Promise<number> {
  for (let votes = 0; votes < max; votes += 1) {
    try {
      await log.setHardState({ term: log.hardState.term + 1, vote: 'b' });
    } catch (error) {
      expect(error).toMatchObject({ code: 'KEELSON_NO_SPACE' });
      return votes;
    }
  }
  return max;
}

describe('a store that was restored as a sparse copy', () => {
  test('has its room again once it was opened with some', async () => {
    const { disk, open } = await sparseStore();
    expect(await allocated(disk)).toBeLessThan(SEGMENT_BYTES);
    const log = await open();
    expect(log.recovery.sparse).toBeNull();
    expect(log.stats()).toMatchObject({ sparseBytes: 0 });
    expect(await allocated(disk)).toBe(SEGMENT_BYTES);
    leave(disk, 0);
    expect(await votesUntilRefused(log, 50)).toBe(50);
    await log.close();
    disk.crash('power');
    const again = await open();
    expect([again.lastIndex, again.hardState.term]).toEqual([5, 51]);
    expect(again.stats().zeroFillBytes).toBe(0);
    await again.close();
  });

  test('opens on a full disk, says what it lacks, and refuses votes without being harmed', async () => {
    const { disk, open } = await sparseStore();
    leave(disk, 0);
    const log = await open();
    const { sparse } = log.recovery;
    expect(sparse).toEqual({ path: SEGMENT, bytes: SEGMENT_BYTES - ((await allocated(disk)) ?? 0) });
    expect(log.stats().sparseBytes).toBe(sparse?.bytes);
    const votes = await votesUntilRefused(log, 50);
    expect(votes).toBeLessThan(50);
    expect(log.status).toBe('open');
    leave(disk, 1_000_000);
    await log.setHardState({ term: log.hardState.term + 1, vote: 'b' });
    await log.close();
    const again = await open();
    expect([again.hardState.term, again.recovery.sparse]).toEqual([votes + 2, null]);
    expect(await allocated(disk)).toBe(SEGMENT_BYTES);
    await again.close();
  });

  test.each(['write', 'dataSync'] as const)('opens where a quota ends the fill at a %s', async (at) => {
    const { disk, open } = await sparseStore();
    let zeros = 0;
    disk.onCall = ({ kind, path, length }) => {
      if (path !== SEGMENT) return undefined;
      // More than the trailer of the seal that the close left.
      if (kind === 'write' && length > SEAL_TRAILER_BYTES) zeros += 1;
      return kind === at && zeros > 0 ? { code: 'EDQUOT' } : undefined;
    };
    const log = await open();
    expect(zeros).toBeGreaterThan(0);
    disk.onCall = null;
    // What a call did before it failed is there, and counts.
    expect(log.recovery.sparse?.bytes ?? 0).toBe(SEGMENT_BYTES - ((await allocated(disk)) ?? 0));
    expect(log.lastIndex).toBe(5);
    await log.append(entriesFrom(6, 1));
    await log.close();
  });

  test('fails an open that cannot write it for another cause, and has lost nothing', async () => {
    const { disk, open } = await sparseStore();
    disk.onCall = ({ kind, path }) => (kind === 'write' && path === SEGMENT ? { code: 'EIO' } : undefined);
    await expect(open()).rejects.toMatchObject({ code: 'KEELSON_WRITE_FAILED' });
    disk.onCall = null;
    const log = await open();
    expect(log.lastIndex).toBe(5);
    await log.close();
  });

  test('rotates out of its holes', async () => {
    const { disk, open } = await sparseStore();
    leave(disk, 0);
    const log = await open();
    leave(disk, 1_000_000);
    await log.append(entriesFrom(6, 100, 1, 900));
    expect(log.stats().sparseBytes).toBe(0);
    await log.close();
  });
});

test('a disk on which zeros take no room is filled with no more than shows it', async () => {
  class Compressing extends HeldDisk {
    override async stat(path: string): Promise<FileStat | null> {
      const facts = await super.stat(path);
      return facts === null ? null : { ...facts, allocatedBytes: 4096 };
    }

    override async open(path: string, options: OpenOptions): Promise<DiskFile> {
      const file = await super.open(path, options);
      const stat = file.stat.bind(file);
      return Object.assign(file, { stat: async () => ({ ...(await stat()), allocatedBytes: 4096 }) });
    }
  }
  const { disk, open } = simulated({ profile: { calls: 'inline' } });
  const environment = withDisk(disk.environment, new Compressing(disk.disk));
  const segmentBytes = 4 * 1024 * 1024;
  await (await open({ segmentBytes, environment })).close();
  const log = await open({ segmentBytes, environment });
  expect(log.stats().zeroFillBytes).toBe(1024 * 1024);
  expect(log.recovery.sparse).toMatchObject({ path: SEGMENT });
  await log.close();
});
