/**
 * After a failed sync the cache shows what the disk does not hold, and a recovery that trusts what it reads loses
 * it at the next power cut. Syncs fail, processes die, pages leave the cache, and recoveries are crashed in turn.
 */
import { expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { FRAME_MAGIC } from '../../src/format/frame-header.js';
import { isKeelsonError } from '../../src/errors/index.js';
import { appendEach, newDisk, segment } from './scratch-wal.js';
import { DIR, open } from './wal-life.js';
import { readAll, recordOf } from './wal-memory.js';

const SUPERBLOCK = `${DIR}/superblock`;

/** A store whose process died after a sync of `path` had failed, in the midst of an append of a large record. */
async function afterFailedSync(seed: number, path: string): Promise<SimulatedDisk> {
  const disk = newDisk(seed, { failedSync: 'keeps', sectorBytes: 32, images: 'mixed' });
  const wal = await open(disk.environment);
  await appendEach(wal, 3, 300);
  let isDone = false;
  disk.onCall = (call) => {
    if (isDone || call.kind !== 'dataSync' || call.path !== path) return undefined;
    isDone = true;
    return { fault: 'sync-error' };
  };
  await expect(wal.append([recordOf(4, 0, 1500)])).rejects.toMatchObject({ code: 'KEELSON_SYNC_FAILED' });
  disk.onCall = null;
  return disk;
}

async function countOf(disk: SimulatedDisk): Promise<number> {
  return (await readAll(await open(disk.environment))).records.length;
}

test('a superblock slot that lives only in the cache is made durable before the other is written over (D5)', async () => {
  for (let seed = 0; seed < 16; seed += 1) {
    const failed = await afterFailedSync(seed, SUPERBLOCK);
    failed.crash('kill');
    const whole = failed.fork();
    const calls: number[] = [];
    whole.onCall = ({ number, kind, path }) => {
      if (path === SUPERBLOCK && (kind === 'write' || kind === 'dataSync')) calls.push(number);
      return undefined;
    };
    await countOf(whole);
    for (const call of calls) {
      for (let outcome = 0; outcome < 4; outcome += 1) {
        const disk = failed.fork({ seed: outcome });
        disk.stopAt({ call, at: 'inside', crash: 'power' });
        await disk.run(() => countOf(disk));
        expect(await countOf(disk), `seed ${seed}, outcome ${outcome}, power inside call ${call}`).toBe(3);
      }
    }
  }
});

test('what recovery shows is what it made durable, though pages leave the cache meanwhile (D5)', async () => {
  let refused = 0;
  for (let seed = 0; seed < 12; seed += 1) {
    const disk = newDisk(seed, { failedSync: 'keeps' });
    const wal = await open(disk.environment);
    await appendEach(wal, 2, 300);
    disk.onCall = ({ kind, path }) =>
      kind === 'dataSync' && path === segment(1) ? { fault: 'sync-error' } : undefined;
    await expect(wal.append([recordOf(3, 0, 600)])).rejects.toMatchObject({ code: 'KEELSON_SYNC_FAILED' });
    disk.onCall = null;
    disk.crash('kill');
    const whole = disk.fork();
    const first = whole.callCount + 1;
    await countOf(whole);
    for (let call = first; call <= whole.callCount; call += 1) {
      const fork = disk.fork({ seed: call });
      fork.direct(call, { fault: 'eviction' });
      let shown = 2;
      try {
        shown = await countOf(fork);
      } catch (error) {
        if (!isKeelsonError(error, 'KEELSON_READ_FAILED')) throw error;
        refused += 1;
      }
      fork.crash('power');
      expect(await countOf(fork), `seed ${seed}, evicted at call ${call}`).toBeGreaterThanOrEqual(shown);
    }
  }
  expect(refused).toBeGreaterThan(0);
});

test('what a recycled segment held before is never taken for live (D3)', async () => {
  const disk = newDisk();
  const wal = await open(disk.environment);
  await appendEach(wal, 12, 600);
  await wal.dropBefore(11);
  await appendEach(wal, 5, 600, 13);
  const names = disk.list().filter((path) => path.endsWith('.wal'));
  const tail = names[names.length - 1] as string;
  // One of the old frames is whole still, just where the next one would begin.
  const frames = Buffer.from(disk.readVolatile(tail) ?? []);
  const offsets = [0, 1, 2].map((after) => frames.indexOf(FRAME_MAGIC, 512 + after * 600));
  expect(offsets.every((offset) => offset >= 0)).toBe(true);
  disk.crash('power');
  const again = await open(disk.environment);
  expect(again.recovery).toMatchObject({ verdict: 'clean', cut: null, lastLsn: 17 });
  expect((await readAll(again)).records.at(-1)?.lsn).toBe(17);
});
