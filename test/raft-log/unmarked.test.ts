/**
 * A log whose end marks cannot be written acknowledges without a second witness, and damage to its newest groups may pass for
 * a tear: whoever runs it must hear of that. The file of the marks is refused in passing and for good, at an open and later.
 */
import { describe, expect, test } from 'vitest';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';

const MARKS = '/data/log/marks';

describe('marks that cannot be opened', () => {
  test.each(['EIO', 'ENOSPC', 'EDQUOT', 'EMFILE'])(
    'for what may pass (%s): the open says so, and goes on',
    async (code) => {
      const { disk, open } = simulated({ profile: { calls: 'inline' } });
      await (await open()).close();
      // The first is the open's look at what stands there.
      let opens = 0;
      disk.onCall = ({ kind, path }) =>
        kind === 'open' && path === MARKS && (opens += 1) > 1 ? { code } : undefined;
      const log = await open();
      const told: string[] = [];
      log.events.on('unmarked', (error) => told.push(error.message));
      expect(log.recovery.unmarked).toMatchObject({ path: MARKS });
      expect(log.recovery.unmarked?.reason).toContain(code);
      await log.setHardState({ term: 1 });
      await disk.queue.runUntilIdle(disk.queue.nowMs + 500);
      expect(told).toHaveLength(1);
      expect(log.stats().endMarksFailed).toBeGreaterThan(1);
      disk.onCall = null;
      await log.close();
      const again = await open();
      expect(again.recovery.unmarked).toBeNull();
      await again.close();
    },
  );

  test.each(['EACCES', 'EPERM', 'EROFS'])(
    'for good (%s): the open fails, with nothing lost',
    async (code) => {
      const { disk, open } = simulated({ profile: { calls: 'inline' } });
      const log = await open();
      await log.save({ entries: entriesFrom(1, 3), hardState: { term: 1 } });
      await log.close();
      let opens = 0;
      disk.onCall = ({ kind, path }) =>
        kind === 'open' && path === MARKS && (opens += 1) > 1 ? { code } : undefined;
      const opening = open();
      await expect(opening).rejects.toMatchObject({ code: 'KEELSON_WRITE_FAILED', details: { path: MARKS } });
      await expect(opening).rejects.toThrow(/end marks .* open again/);
      disk.onCall = null;
      const again = await open();
      expect(again.lastIndex).toBe(3);
      await again.close();
    },
  );
});

test('a mark that fails later is told once, until one lands again', async () => {
  const { disk, open } = simulated({ profile: { calls: 'inline' } });
  const log = await open();
  expect(log.recovery.unmarked).toBeNull();
  const told: string[] = [];
  log.events.on('unmarked', (error) => told.push(error.code));
  const save = async (term: number): Promise<void> => {
    await log.setHardState({ term });
    await disk.queue.runUntilIdle(disk.queue.nowMs + 200);
  };
  const fail = (): void => {
    disk.onCall = ({ kind, path }) => (kind === 'write' && path === MARKS ? { code: 'EIO' } : undefined);
  };
  fail();
  await save(1);
  await save(2);
  expect([told, log.stats().endMarksFailed]).toEqual([['KEELSON_WRITE_FAILED'], 2]);
  disk.onCall = null;
  await save(3);
  fail();
  await save(4);
  expect([told.length, log.stats().endMarksFailed]).toEqual([2, 3]);
  disk.onCall = null;
  await log.close();
});

test('a mark that fails while the open still clears away is told to whoever listens once it has resolved', async () => {
  let failedWithin = 0;
  for (let nth = 1; nth <= 8; nth += 1) {
    const { disk, open } = simulated();
    const first = await disk.queue.runUntil(open());
    await disk.queue.runUntil(first.save({ entries: entriesFrom(1, 3), hardState: { term: 1 } }));
    for (const index of [1, 2])
      await disk.queue.runUntil(first.createSnapshot({ index, conf: dataOf(1, 1), data: dataOf(index, 1) }));
    await disk.queue.runUntil(first.close());
    let opens = 0;
    let seen = 0;
    disk.onCall = ({ kind, path }) => {
      if (kind === 'write' && path === MARKS) return { code: 'EIO' };
      if (kind === 'open' && path === MARKS) opens += 1;
      // What an open does once it has the marks to write to takes so long that the first of them falls due.
      if (opens > 1) seen += 1;
      return opens > 1 && seen === nth ? { fault: 'slow' } : undefined;
    };
    // One snapshot is to go.
    const log = await disk.queue.runUntil(open({ snapshotsKept: 1 }));
    const failed = log.stats().endMarksFailed;
    const told: string[] = [];
    log.events.on('unmarked', ({ code }) => told.push(code));
    await disk.queue.runUntilIdle(disk.queue.nowMs + 1000);
    expect(told, `with call ${nth} slow`).toEqual(['KEELSON_WRITE_FAILED']);
    if (failed > 0) failedWithin += 1;
    disk.onCall = null;
    await disk.queue.runUntil(log.close());
  }
  expect(failedWithin).toBeGreaterThan(0);
});
