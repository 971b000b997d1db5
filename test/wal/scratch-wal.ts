import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { DiskProfile } from '../../sim/disk/harm/profile.js';
import type { Wal } from '../../src/wal/index.js';
import { DIR, open } from './wal-life.js';
import { recordOf } from './wal-memory.js';

export const MARKS: string = `${DIR}/marks`;
export const WAL_DIR: string = `${DIR}/wal`;

/** A disk with nothing on it but the directory above the store. */
export function newDisk(seed = 1, profile: Partial<DiskProfile> = {}): SimulatedDisk {
  return createSimulatedDisk({ seed, profile, directories: ['/data'] });
}

/** Path of a segment. */
export function segment(number: number): string {
  return `${WAL_DIR}/${String(number).padStart(16, '0')}.wal`;
}

/** Appends `count` batches of one record of `size` bytes, one after the other. */
export async function appendEach(wal: Wal, count: number, size = 100, firstBatch = 1): Promise<void> {
  for (let batch = firstBatch; batch < firstBatch + count; batch += 1)
    await wal.append([recordOf(batch, 0, size)]);
}

/** A store of `count` batches in several segments, closed or left as a power cut leaves it once its end mark has landed. */
export async function storeOf(
  count: number,
  options: { readonly size?: number; readonly isClosed?: boolean; readonly seed?: number } = {},
): Promise<SimulatedDisk> {
  const { size = 500, isClosed = false, seed = 1 } = options;
  const disk = newDisk(seed);
  const wal = await open(disk.environment);
  await appendEach(wal, count, size);
  if (isClosed) await wal.close();
  // The end mark of D12 is written, and what is in the cache of it reaches the disk.
  await disk.queue.runUntilIdle(disk.queue.nowMs + 200);
  disk.writeFile(MARKS, disk.readVolatile(MARKS) ?? new Uint8Array());
  disk.crash('power');
  return disk;
}

/** Every file of a disk with its bytes, to be compared as a whole. */
export function picture(disk: SimulatedDisk): ReadonlyMap<string, string> {
  return new Map(
    disk.list().map((path) => [path, Buffer.from(disk.readVolatile(path) ?? []).toString('base64')]),
  );
}
