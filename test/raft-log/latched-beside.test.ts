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

test('the sync of a directory that held no snapshot yet latches the log when it fails, for that very reason', async () => {
  const { disk, open } = simulated({ seed: 7 });
  const run = disk.queue.runUntil.bind(disk.queue);
  const before = await run(open());
  await run(before.save({ entries: entriesFrom(1, 4), hardState: { term: 1 } }));
  await run(before.close());
  // Found empty: its own name, and what is in it, are proven before the first snapshot is written.
  const log = await run(open());
  const reasons: string[] = [];
  log.events.on('failed', ({ code }) => reasons.push(code));
  disk.onCall = ({ kind, path }) =>
    kind === 'syncDirectory' && path.endsWith('/snapshots') ? { code: 'EIO' } : undefined;
  const snapshot = log.createSnapshot({ index: 3, conf: dataOf(1, 1), data: dataOf(3, 1) });
  await expect(run(snapshot)).rejects.toMatchObject({ code: 'KEELSON_SYNC_FAILED' });
  disk.onCall = null;
  expect(reasons).toEqual(['KEELSON_SYNC_FAILED']);
  await expect(run(log.setHardState({ term: 2 }))).rejects.toMatchObject({ code: 'KEELSON_FAILED' });
  await run(log.close());
});

test('a log that has latched makes no checkpoint, and leaves nothing where one was to be', async () => {
  const { disk, open } = simulated({ seed: 8 });
  const run = disk.queue.runUntil.bind(disk.queue);
  const log = await run(open());
  await run(log.save({ entries: entriesFrom(1, 4), hardState: { term: 1 } }));
  disk.onCall = ({ kind }) => (kind === 'dataSync' ? { code: 'EIO' } : undefined);
  await expect(run(log.setHardState({ term: 2 }))).rejects.toMatchObject({ code: 'KEELSON_SYNC_FAILED' });
  disk.onCall = null;
  const checkpoint = log.checkpoint({ scope: 'durable', to: '/data/checkpoint' });
  await expect(run(checkpoint)).rejects.toMatchObject({ code: 'KEELSON_FAILED' });
  expect(await run(Promise.resolve(disk.environment.disk.stat('/data/checkpoint')))).toBe(null);
  await run(log.close());
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

/** Where another file's sync fails: within each call of a rotation in turn. */
test('a rotation that is under way when another file fails to sync names nothing any more', async () => {
  let latchedWithin = 0;
  for (let nth = 1; nth <= 14; nth += 1) {
    const { disk, open } = simulated({ seed: 5 });
    const log = await disk.queue.runUntil(open());
    await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 3, 1, 900), hardState: { term: 1 } }));
    const behind: string[] = [];
    let calls = 0;
    let snapshot: Promise<unknown> | null = null;
    disk.onCall = ({ kind, path }) => {
      const isChange =
        kind === 'write' || kind === 'rename' || kind === 'dataSync' || kind === 'syncDirectory';
      // A file that is no segment yet holds nothing, whatever is written to it.
      const isName = kind === 'rename' || (kind === 'write' && path.endsWith('/superblock'));
      if (isName && log.status === 'failed') behind.push(`${kind} ${path}`);
      if (kind === 'syncDirectory' && path.endsWith('/snapshots')) return { code: 'EIO' };
      if (!isChange || path.includes('/snapshots')) return undefined;
      calls += 1;
      if (calls !== nth) return undefined;
      snapshot = log
        .createSnapshot({ index: 2, conf: dataOf(1, 1), data: dataOf(2, 1) })
        .catch(() => 'failed');
      return { fault: 'stuck' };
    };
    const saved = log.append(entriesFrom(4, 5, 1, 900)).catch((error: unknown) => error);
    await disk.queue.runUntil(saved);
    await disk.queue.runUntil(snapshot ?? Promise.resolve());
    expect(behind, `with call ${nth} stuck`).toEqual([]);
    if (log.status === 'failed' && log.lastIndex === 3) latchedWithin += 1;
    await disk.queue.runUntil(log.close());
  }
  expect(latchedWithin).toBeGreaterThan(5);
});

test('an end mark that is about to be written when the log latches is not', async () => {
  const { disk, open } = simulated({ seed: 6 });
  const log = await disk.queue.runUntil(open());
  await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 1), hardState: { term: 1 } }));
  const marked: string[] = [];
  let told = 'nothing failed';
  let isFailing = false;
  disk.onCall = ({ kind, path }) => {
    if (kind === 'write' && path.endsWith('/marks')) marked.push(log.status);
    if (kind === 'dataSync' && isFailing) return { code: 'EIO' };
    if (kind !== 'read' || isFailing || !path.endsWith('/superblock')) return undefined;
    // The mark looks whether it still may; meanwhile a save fails.
    isFailing = true;
    log.setHardState({ term: 2 }).catch((error: unknown) => {
      told = String(error);
    });
    return { fault: 'slow' };
  };
  await disk.queue.runUntilIdle(disk.queue.nowMs + 60_000);
  expect(told).toContain('EIO');
  expect(log.status).toBe('failed');
  expect(marked).toEqual([]);
  await disk.queue.runUntil(log.close());
});
