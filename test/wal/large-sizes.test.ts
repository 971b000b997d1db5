/**
 * What is small is written, read and judged in one piece, and so is all that a search of crashes ever draws: an arena that
 * is let go, a group that is split, a tail of many pieces would lose acknowledged saves unseen. Saves of megabytes, and
 * groups of thousands, are written on a simulated disk, which is stopped in their midst, and all of them are read again.
 */
import { describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { FRAME_MAGIC } from '../../src/format/frame-header.js';
import { decodeSealTrailer, SEAL_TRAILER_BYTES } from '../../src/format/seal.js';
import { decodeSegmentHeader, segmentSalt } from '../../src/format/segment-header.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { newDisk, segment } from './scratch-wal.js';
import { DIR } from './wal-life.js';

const MIB = 2 ** 20;

const open = (disk: SimulatedDisk, segmentBytes: number): Promise<RaftLog> =>
  openRaftLog({ dir: DIR, segmentBytes, environment: disk.environment });

function dataOf(index: number, size: number): Uint8Array {
  return new Uint8Array(size).fill((index * 31) & 255);
}

const save = (log: RaftLog, index: number, size: number): Promise<unknown> =>
  log.append([{ index, term: 1, data: dataOf(index, size) }]);

/** Held against what was saved: `sizes` of the entries from 1 on. */
async function expectEntries(log: RaftLog, sizes: readonly number[]): Promise<void> {
  expect(log.lastIndex).toBe(sizes.length);
  let index = 1;
  for await (const { data } of log.stream(1, sizes.length + 1)) {
    const size = sizes[index - 1] as number;
    if (Buffer.compare(data, dataOf(index, size)) !== 0) throw new Error(`entry ${index} is another`);
    index += 1;
  }
}

test('saves that do not fit in what is kept, in one arena or in one write, are followed by small ones', async () => {
  const disk = newDisk();
  const log = await open(disk, 16 * MIB);
  await log.setHardState({ term: 1 });
  // Behind the first the arena is let go; of the next three two share a write.
  const sizes = [5 * MIB, 10, 20, 4 * MIB, 3 * MIB, 2 * MIB, 30, 40];
  const alone = sizes.slice(0, 3);
  for (const [at, size] of alone.entries()) await save(log, at + 1, size);
  const together = sizes.slice(alone.length);
  await Promise.all(together.map((size, at) => save(log, alone.length + at + 1, size)));
  disk.crash('power');
  const again = await open(disk, 16 * MIB);
  await expectEntries(again, sizes);
  await again.close();
});

test('groups of one length, cut apart by rotations, are written each with its own bytes', async () => {
  const disk = newDisk(1, { calls: 'inline' });
  const log = await open(disk, 4096);
  await log.setHardState({ term: 1 });
  const sizes: number[] = [];
  for (let round = 0; round < 3; round += 1)
    for (let count = 1; count < 12; count += 1) {
      const from = sizes.length;
      for (let more = 0; more < count; more += 1) sizes.push(300);
      await Promise.all(sizes.slice(from).map((size, at) => save(log, from + at + 1, size)));
    }
  disk.crash('power');
  const again = await open(disk, 4096);
  await expectEntries(again, sizes);
  // What was left behind ends with its index, so that the next open need not read it.
  for (let number = 1; number < again.recovery.segments; number += 1) {
    const bytes = disk.readDurable(segment(number)) ?? new Uint8Array();
    const verdict = decodeSegmentHeader(bytes);
    const salt = verdict.kind === 'valid' ? segmentSalt(verdict.header.identity) : 0;
    expect(decodeSealTrailer(bytes.subarray(-SEAL_TRAILER_BYTES), salt)?.framesUntil).toBeGreaterThan(0);
  }
  await again.close();
});

describe('a group of thousands of saves whose sync failed, behind another', () => {
  const sizes = [...Array.from({ length: 1200 }, () => 10), ...Array.from({ length: 2600 }, () => 500)];

  /** It is in the page cache, whole, and no later sync of the file has any of it to write. */
  async function unsynced(): Promise<SimulatedDisk> {
    const disk = newDisk(1, { calls: 'inline' });
    const log = await open(disk, 4 * MIB);
    await log.setHardState({ term: 1 });
    const saves = (from: number, until: number): Promise<unknown>[] =>
      sizes.slice(from, until).map((size, at) => save(log, from + at + 1, size));
    await Promise.all(saves(0, 1200));
    disk.onCall = ({ kind, path }) =>
      kind === 'dataSync' && path.endsWith('.wal') ? { code: 'EIO' } : undefined;
    await Promise.allSettled(saves(1200, sizes.length));
    disk.onCall = null;
    await log.close();
    return disk;
  }

  test('is written again, all of it, by the open that shows it', async () => {
    const disk = await unsynced();
    await expectEntries(await open(disk, 4 * MIB), sizes);
    disk.crash('power');
    const again = await open(disk, 4 * MIB);
    await expectEntries(again, sizes);
    await again.close();
  });

  test('is zeros from its first damaged frame on, when the open has resolved', async () => {
    const disk = await unsynced();
    const bytes = Buffer.from(disk.readVolatile(segment(1)) ?? []);
    const from = bytes.indexOf(Buffer.from(FRAME_MAGIC), MIB + 70_000);
    disk.flipBit(segment(1), from + 8, 1);
    const log = await open(disk, 4 * MIB);
    expect(log.recovery).toMatchObject({ verdict: 'torn-tail', cut: { offset: from } });
    disk.crash('power');
    expect(Buffer.from(disk.readDurable(segment(1)) ?? []).lastIndexOf(FRAME_MAGIC)).toBeLessThan(from);
    const again = await open(disk, 4 * MIB);
    await expectEntries(again, sizes.slice(0, log.lastIndex));
    await again.close();
  });
});
