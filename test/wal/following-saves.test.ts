/**
 * A single saver must not wait for a turn of the event loop at each save, yet the loop must turn, and savers that come
 * from callbacks of their own must still share a sync. The rule is led through turns of each kind, in numbers; that it is
 * followed is counted on the disk of the simulator and on a real one.
 */
import { describe, expect, test } from 'vitest';
import { openWal } from '../../src/wal/index.js';
import { nodeEnvironment } from '../../src/disk/index.js';
import { FollowingSaves } from '../../src/wal/write/following-saves.js';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { newDisk } from './scratch-wal.js';
import { open } from './wal-life.js';
import { recordOf } from './wal-memory.js';

/** How many groups of `ms` follow a first one before the event loop has its turn. */
function followersOf(follow: FollowingSaves, ms: number): number {
  let atMs = 1000;
  follow.noteTurn(1);
  follow.noteGroup('inline', 1, atMs, ms);
  let count = 0;
  for (; follow.mayFollow && count < 1000; count += 1) follow.noteGroup('inline', 1, (atMs += ms), ms);
  follow.noteWaiting(1);
  return count;
}

describe('a saver that goes on at once', () => {
  test.each([
    [0.125, 7],
    [0.3, 2],
    [0.6, 0],
    [5, 0],
  ])('is followed for a millisecond: groups of %d ms', (ms, count) => {
    expect(followersOf(new FollowingSaves(), ms)).toBe(count);
  });

  test('waits for the turn once others have joined it there, and for no longer than they come', () => {
    const follow = new FollowingSaves();
    expect(followersOf(follow, 0.125)).toBe(7);
    follow.noteTurn(3);
    follow.noteGroup('inline', 3, 2000, 0.1);
    expect(follow.isAwaited).toBe(false);
    for (let turn = 0; turn < 16; turn += 1) {
      follow.noteWaiting(1);
      follow.noteTurn(1);
    }
    expect(followersOf(follow, 0.125)).toBe(7);
  });

  test('has threads bring their own turn', () => {
    const follow = new FollowingSaves();
    follow.noteTurn(1);
    follow.noteGroup('background', 1, 0, 0.1);
    expect(follow.isAwaited).toBe(false);
  });
});

test('the event loop turns while one saver never stops', async () => {
  const wal = await openWal({
    dir: scratchDirectory(),
    segmentBytes: 65_536,
    environment: nodeEnvironment(),
  });
  let turns = 0;
  let isDone = false;
  const turn = (): void => {
    turns += 1;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);
  for (let count = 0; count < 400; count += 1) await wal.append([recordOf(count, 0, 10)]);
  isDone = true;
  expect(turns).toBeGreaterThan(4);
  await wal.close();
});

test('savers that one durable save leads to come to share a sync, however deep each of them stands', async () => {
  const disk = newDisk(1, { calls: 'inline' });
  const wal = await open(disk.environment, 65_536);
  const append = (batch: number): Promise<unknown> => wal.append([recordOf(batch, 0, 10)]);
  const deep = async (batch: number): Promise<void> => {
    for (let hop = 0; hop < 9; hop += 1) await Promise.resolve();
    await append(batch);
  };
  for (let batch = 0; batch < 10; batch += 1) await append(batch);
  const { dataSync } = disk.callCounts;
  for (let batch = 0; batch < 200; batch += 1) await Promise.all([append(batch), deep(batch)]);
  // Those of the first rounds are taken for savers that are alone, until that is doubted.
  expect(disk.callCounts.dataSync - dataSync).toBeLessThan(250);
  await wal.close();
});
