/**
 * A leader sends what it has accepted while it writes. What one read of that brings is one log's: where a conflict is accepted
 * while the disk is read for the first part, entries that it replaced are not followed by those that it brought.
 */
import { expect, test } from 'vitest';
import { entriesFrom, simulated } from './scratch-log.js';

test('a read of what is accepted, across a conflict that comes meanwhile, shows one log', async () => {
  const { disk, open } = simulated();
  const log = await disk.queue.runUntil(open({ recentBytes: 0 }));
  await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 30, 1, 200), hardState: { term: 1 } }));
  await disk.queue.runUntil(log.append(entriesFrom(31, 30, 1, 200)));
  expect(log.stats().rotations).toBeGreaterThan(0);
  let isCut = false;
  let saved: Promise<unknown> = Promise.resolve();
  disk.onCall = ({ kind, path }) => {
    if (kind !== 'read' || !path.includes('/wal/') || isCut) return undefined;
    isCut = true;
    saved = log.save({ entries: entriesFrom(11, 50, 2, 20), hardState: { term: 2 } });
    return undefined;
  };
  const read = await disk.queue.runUntil(log.accepted.entries(1, 61));
  await disk.queue.runUntil(saved);
  expect(isCut).toBe(true);
  expect(read.map(({ term }) => term)).toEqual(read.map(({ index }) => (index <= 10 ? 1 : 2)));
  expect(read).toHaveLength(60);
  await disk.queue.runUntil(log.close());
});

test('a read whose end is cut off meanwhile says so, and brings nothing of it', async () => {
  const { disk, open } = simulated();
  const log = await disk.queue.runUntil(open({ recentBytes: 0 }));
  await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 30, 1, 200), hardState: { term: 1 } }));
  await disk.queue.runUntil(log.append(entriesFrom(31, 30, 1, 200)));
  let cut: Promise<unknown> | null = null;
  disk.onCall = ({ kind, path }) => {
    if (kind === 'read' && path.includes('/wal/')) cut ??= log.save({ truncateFrom: 11 });
    return undefined;
  };
  const read = disk.queue.runUntil(log.accepted.entries(1, 61));
  await expect(read).rejects.toMatchObject({ code: 'KEELSON_UNAVAILABLE' });
  expect(cut).not.toBeNull();
  await disk.queue.runUntil(cut ?? Promise.resolve());
  expect(await disk.queue.runUntil(log.accepted.entries(1, 11))).toHaveLength(10);
  await disk.queue.runUntil(log.close());
});

test('an install that is queued is the log that is accepted already, and what is queued behind it joins that', async () => {
  const { disk, open } = simulated();
  const log = await disk.queue.runUntil(open());
  await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 6), hardState: { term: 1 } }));
  const seen: unknown[] = [];
  let saved: Promise<unknown> = Promise.resolve();
  disk.onCall = ({ kind, path }) => {
    if (kind !== 'write' || !path.includes('/wal/') || seen.length > 0) return undefined;
    const { lastIndex, lastTerm } = log.accepted;
    seen.push({ lastIndex, lastTerm, term: log.accepted.term(4), durable: log.term(4) });
    saved = log.save({ entries: entriesFrom(5, 2, 2) });
    seen.push([4, 5, 6].map((index) => log.accepted.term(index)));
    return undefined;
  };
  const installed = log.installSnapshot({
    index: 4,
    term: 2,
    conf: Uint8Array.of(1),
    data: Uint8Array.of(4),
    hardState: { term: 2 },
  });
  await disk.queue.runUntil(installed);
  await disk.queue.runUntil(saved);
  expect(seen).toEqual([{ lastIndex: 4, lastTerm: 2, term: 2, durable: 1 }, [2, 2, 2]]);
  expect([log.firstIndex, log.lastIndex, log.term(4), log.snapshot?.index]).toEqual([5, 6, 2, 4]);
  await disk.queue.runUntil(log.close());
});
