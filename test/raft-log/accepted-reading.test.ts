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
