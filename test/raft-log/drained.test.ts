/**
 * Who was told `KEELSON_QUEUE_FULL` needs to know when to try again, and to be told when there is no use. A queue is
 * filled until it refuses, on a real disk, on one that fails and in memory, and `drained()` is all that is waited for.
 */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { createMemoryRaftLog } from '../../src/raft-log/memory/memory-raft-log.js';
import { entriesFrom, openLog, scratch, simulated } from './scratch-log.js';

const QUEUE = { queueBytesMax: 4000 } as const;
const BYTES = 700;

/** Appends from `from` on until the queue refuses; each save under way, and the index that was refused. */
async function fill(
  log: RaftLog,
  from: number,
): Promise<{ readonly saves: Promise<unknown>[]; readonly refused: number }> {
  const saves: Promise<unknown>[] = [];
  for (let index = from; ; index += 1) {
    const save = log.append(entriesFrom(index, 1, 1, BYTES));
    if (log.accepted.lastIndex === index) {
      saves.push(save);
      continue;
    }
    await expect(save).rejects.toMatchObject({ code: 'KEELSON_QUEUE_FULL' });
    return { saves, refused: index };
  }
}

describe.each([
  ['on a disk', () => openLog(join(scratch(), 'log'), QUEUE)],
  ['in memory', () => Promise.resolve(createMemoryRaftLog(QUEUE))],
] as [string, () => Promise<RaftLog>][])('%s', (_, open) => {
  test('once it resolves the refused save is taken, again and again', async () => {
    const log = await open();
    await log.setHardState({ term: 1 });
    let from = 1;
    for (let round = 0; round < 5; round += 1) {
      const { saves, refused } = await fill(log, from);
      expect(saves.length).toBeGreaterThan(2);
      await log.drained();
      expect(log.stats().queuedBytes).toBeLessThanOrEqual(QUEUE.queueBytesMax / 2);
      await log.append(entriesFrom(refused, 1, 1, BYTES));
      await Promise.all(saves);
      from = refused + 1;
    }
    expect(log.lastIndex).toBe(from - 1);
    expect((await log.entries(1, from)).map(({ index }) => index)).toHaveLength(from - 1);
    await log.close();
  });
});

test('on a disk that fails it rejects: there is no use in another try', async () => {
  const { disk, open } = simulated();
  await disk.run(async () => {
    const log = await open(QUEUE);
    await log.setHardState({ term: 1 });
    disk.onCall = ({ kind }) => (kind === 'dataSync' ? { fault: 'sync-error' } : undefined);
    const { saves } = await fill(log, 1);
    const settled = Promise.allSettled(saves);
    await expect(log.drained()).rejects.toMatchObject({ code: 'KEELSON_FAILED' });
    disk.onCall = null;
    for (const { status } of await settled) expect(status).toBe('rejected');
    await log.close();
  });
});
