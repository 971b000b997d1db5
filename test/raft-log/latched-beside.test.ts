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
    if (told[1] !== 'saved') refused += 1;
    await disk.queue.runUntil(log.close());
  }
  expect(refused).toBeGreaterThan(0);
});
