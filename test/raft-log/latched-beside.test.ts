/**
 * A failed sync of any file latches the log, also where it is none of the writer's: what is queued by then must not be
 * written any more (D5). The sync of a snapshot's name fails while one save is being written and another waits behind it.
 */
import { expect, test } from 'vitest';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';

test('what waits when the sync of a snapshot fails is not written any more', async () => {
  let refused = 0;
  for (let seed = 1; seed <= 12; seed += 1) {
    const { disk, open } = simulated({ seed, profile: { calls: 'background' } });
    const log = await disk.queue.runUntil(open());
    await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 4), hardState: { term: 1 } }));
    const reasons: string[] = [];
    log.events.on('failed', ({ code }) => reasons.push(code));
    const saves: Promise<string>[] = [];
    const save = (index: number): void => {
      const saved = log.save({ entries: entriesFrom(index, 1) });
      saves.push(
        saved.then(
          () => 'saved',
          (error: unknown) => String(error),
        ),
      );
    };
    let writesBehind = 0;
    disk.onCall = ({ kind, path }) => {
      const isFrame = kind === 'write' && path.endsWith('.wal');
      if (isFrame && log.status === 'failed') writesBehind += 1;
      if (isFrame && saves.length === 1) save(6);
      if (kind !== 'syncDirectory' || !path.endsWith('/snapshots') || saves.length > 0) return undefined;
      save(5);
      return { code: 'EIO' };
    };
    const snapshot = log.createSnapshot({ index: 3, conf: dataOf(1, 1), data: dataOf(3, 1, 100) });
    await expect(disk.queue.runUntil(snapshot)).rejects.toMatchObject({ code: 'KEELSON_SYNC_FAILED' });
    const told = await disk.queue.runUntil(Promise.all(saves));
    expect(writesBehind, `with seed ${seed}`).toBe(0);
    expect(reasons).toEqual(['KEELSON_SYNC_FAILED']);
    if (told[1] !== 'saved') refused += 1;
    await disk.queue.runUntil(log.close());
  }
  expect(refused).toBeGreaterThan(0);
});

test('a log that has latched makes no spare once there is room again, and tells of none', async () => {
  const { disk, open } = simulated({ seed: 3 });
  const log = await disk.queue.runUntil(open());
  const isSpare = (path: string): boolean => path.endsWith('.spare');
  const behind: string[] = [];
  let isFull = true;
  let isBroken = false;
  disk.onCall = ({ kind, path }) => {
    if (log.status === 'failed' && isSpare(path)) behind.push(`${kind} ${path}`);
    if (isFull && kind === 'write' && isSpare(path)) return { code: 'ENOSPC' };
    return isBroken && kind === 'dataSync' ? { code: 'EIO' } : undefined;
  };
  log.events.on('space-back', () => behind.push('space-back'));
  await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 1), hardState: { term: 1 } }));
  const fill = async (): Promise<void> => {
    for (let index = 2; index < 40; index += 1) await log.save({ entries: entriesFrom(index, 1, 1, 700) });
  };
  await expect(disk.queue.runUntil(fill())).rejects.toMatchObject({ code: 'KEELSON_NO_SPACE' });
  isBroken = true;
  await expect(disk.queue.runUntil(log.setHardState({ term: 2 }))).rejects.toMatchObject({
    code: 'KEELSON_SYNC_FAILED',
  });
  isBroken = false;
  isFull = false;
  await disk.queue.runUntilIdle(disk.queue.nowMs + 10_000);
  expect(behind).toEqual([]);
  await disk.queue.runUntil(log.close());
});

test('a log that has latched writes no end mark of what was durable before', async () => {
  const { disk, open } = simulated({ seed: 4 });
  const log = await disk.queue.runUntil(open());
  const behind: string[] = [];
  let isBroken = false;
  disk.onCall = ({ kind, path }) => {
    if (log.status === 'failed' && kind === 'write') behind.push(path);
    return isBroken && kind === 'dataSync' ? { code: 'EIO' } : undefined;
  };
  await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 1), hardState: { term: 1 } }));
  isBroken = true;
  await expect(disk.queue.runUntil(log.setHardState({ term: 2 }))).rejects.toMatchObject({
    code: 'KEELSON_SYNC_FAILED',
  });
  isBroken = false;
  await disk.queue.runUntilIdle(disk.queue.nowMs + 1000);
  await disk.queue.runUntil(log.close());
  expect(behind).toEqual([]);
  expect(log.stats().endMarksFailed).toBe(0);
});
