/**
 * Reads share a few open files of segments, while compaction hands the same files to the writer to be used again. If the
 * two lose track of each other, a healthy log calls itself damaged, or runs out of descriptors: so many reads are raced with
 * compaction on a disk whose calls overtake each other, with as few descriptors as a server may have.
 */
import { describe, expect, test } from 'vitest';
import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { dataOf, entriesFrom, simulated } from '../raft-log/scratch-log.js';

const SEEDS = process.env['KEELSON_DEEP'] === '1' ? 200 : 6;
const CONF = Uint8Array.of(1);

/** One entry a segment. */
async function fill(log: RaftLog, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await log.append(entriesFrom(log.lastIndex + 1, 1, 1, 1300));
}

async function readOne(log: RaftLog, index: number): Promise<boolean> {
  try {
    const [entry] = await log.entries(index, index + 1);
    expect(Buffer.compare(entry?.data ?? CONF, dataOf(index, 1, 1300))).toBe(0);
    return true;
  } catch (error) {
    if (!isKeelsonError(error, 'KEELSON_COMPACTED')) throw error;
    return false;
  }
}

describe('reads beside compaction', () => {
  test('give the entry or KEELSON_COMPACTED, and leave no descriptor behind', async () => {
    let read = 0;
    let compacted = 0;
    let recycled = 0;
    for (let seed = 0; seed < SEEDS; seed += 1) {
      const { disk, open } = simulated({ seed });
      await disk.run(async () => {
        const log = await open({ segmentBytes: 4096 });
        await log.setHardState({ term: 1 });
        await fill(log, 30);
        let calls = seed;
        // A read or a close in nine takes so long that the log rotates several times beside it.
        disk.onCall = ({ kind, path }) =>
          (kind === 'read' || kind === 'close') && path.endsWith('.wal') && calls++ % 9 === 0
            ? { fault: 'slow' }
            : undefined;
        const readers = Array.from({ length: 40 }, async (_, reader) => {
          for (let round = 0; round < 6; round += 1) {
            const { firstIndex, lastIndex } = log;
            const index = firstIndex + ((reader * 7 + round * 5 + seed) % (lastIndex + 1 - firstIndex));
            if (await readOne(log, index)) read += 1;
            else compacted += 1;
          }
        });
        for (let round = 1; round <= 6; round += 1) {
          const index = log.lastIndex - 20;
          await log.createSnapshot({ index, conf: CONF, data: CONF });
          await log.compact(index);
          await fill(log, 6);
        }
        await Promise.all(readers);
        recycled += log.stats().segmentsRecycled;
        await log.close();
        expect(disk.process.openFileCount).toBe(0);
      });
    }
    expect(Math.min(read, compacted, recycled), `${read} ${compacted} ${recycled}`).toBeGreaterThan(0);
  });
});

test('a segment of another log under the name of ours is damage, and nothing of it is served', async () => {
  const { disk, open } = simulated();
  await disk.run(async () => {
    const other = await openRaftLog({
      dir: '/data/other',
      segmentBytes: 4096,
      environment: disk.environment,
    });
    for (const log of [other, await open({ segmentBytes: 4096 })]) {
      await log.setHardState({ term: 2 });
      const data = new Uint8Array(1300).fill(log === other ? 7 : 1);
      for (let index = 1; index < 9; index += 1) await log.append([{ index, term: 2, data }]);
      await log.close();
    }
    const log = await open({ segmentBytes: 4096 });
    const name = 'wal/0000000000000002.wal';
    disk.writeFile(`/data/log/${name}`, disk.readVolatile(`/data/other/${name}`) ?? CONF);
    await expect(log.entries(1, 8)).rejects.toMatchObject({
      code: 'KEELSON_CORRUPT',
      details: { path: `/data/log/${name}`, offset: 0 },
    });
    await log.close();
  });
});

describe('where descriptors are few', () => {
  async function withReads(
    more: number,
    judge: (
      log: RaftLog,
      readAll: () => Promise<PromiseSettledResult<boolean>[]>,
      allow: (count: number) => void,
    ) => Promise<void>,
  ): Promise<void> {
    const { disk, open } = simulated();
    const allow = (count: number): void => {
      (disk.profile as { openFilesMax: number }).openFilesMax = disk.process.openFileCount + count;
    };
    await disk.run(async () => {
      const log = await open({ segmentBytes: 4096 });
      await log.setHardState({ term: 1 });
      await fill(log, 60);
      allow(more);
      await judge(
        log,
        () => Promise.allSettled(Array.from({ length: 200 }, (_, at) => readOne(log, 1 + (at % 60)))),
        allow,
      );
      expect(log.status).toBe('open');
      await log.close();
      expect(disk.process.openFileCount).toBe(0);
    });
  }

  test.each([40, 16, 9, 2, 1])('%i more, reads of all segments at once wait for each other', async (more) => {
    await withReads(more, async (_log, readAll) => {
      for (const one of await readAll()) expect(one).toMatchObject({ status: 'fulfilled', value: true });
    });
  });

  test('none more, reads are refused by name, and come back with the first that is free', async () => {
    await withReads(0, async (log, readAll, allow) => {
      for (const one of await readAll())
        expect(one).toMatchObject({
          status: 'rejected',
          reason: { code: 'KEELSON_READ_FAILED', details: { systemCode: 'EMFILE' } },
        });
      allow(1);
      expect(await readOne(log, 7)).toBe(true);
      for (const one of await readAll()) expect(one).toMatchObject({ status: 'fulfilled', value: true });
    });
  });
});
