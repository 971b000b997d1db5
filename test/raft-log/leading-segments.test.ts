/**
 * Segments in front of a log's first entry go, and replay begins in the midst of what was written: a place that is one off
 * refuses a sound store, or shows entries of another history. A conflict, and a snapshot, are put below, at and above the
 * index at which the first live segment begins; the log is opened or cloned, and held against what was saved.
 */
import { expect, test } from 'vitest';
import { cloneRaftLog } from '../../src/raft-log/copies/clone-raft-log.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { entriesFrom, simulated } from './scratch-log.js';

const FIRST_SEGMENT = '/data/log/wal/0000000000000001.wal';
const SECOND_SEGMENT = '/data/log/wal/0000000000000002.wal';
const SEGMENT_BYTES = 8192;
const CONF = Uint8Array.of(3);

/** A log whose second segment begins with the entry `begin`, two more behind it. */
async function logOfTwoSegments(): Promise<
  ReturnType<typeof simulated> & {
    readonly log: Awaited<ReturnType<typeof openRaftLog>>;
    readonly begin: number;
  }
> {
  const world = simulated({ profile: { calls: 'inline' } });
  const log = await world.open({ segmentBytes: SEGMENT_BYTES });
  await log.setHardState({ term: 2 });
  let begin = 0;
  for (let index = 1; begin === 0 || index <= begin + 2; index += 1) {
    await log.append(entriesFrom(index, 1, 1, 500));
    if (begin === 0 && world.disk.list().includes(SECOND_SEGMENT)) begin = index;
  }
  return { ...world, log, begin };
}

test.each([-2, -1, 0, 1])('a conflict at %i from where the first live segment begins', async (off) => {
  const { disk, open, log, begin } = await logOfTwoSegments();
  const from = begin + off;
  const last = from + 3;
  await log.save({ entries: entriesFrom(from, 4, 2, 200), hardState: { commit: last } });
  await log.createSnapshot({ index: last, conf: CONF, data: CONF });
  await log.compact(last - 1);
  expect([disk.list().includes(FIRST_SEGMENT), disk.list().includes(SECOND_SEGMENT)]).toEqual([false, true]);
  await log.append(entriesFrom(last + 1, 2, 2, 200));
  await log.close();
  const again = await open({ segmentBytes: SEGMENT_BYTES });
  expect([again.firstIndex, again.lastIndex, again.term(last - 1)]).toEqual([last, last + 2, 2]);
  expect(await again.entries(last, last + 3)).toMatchObject(entriesFrom(last, 3, 2, 200));
  await again.close();
});

test.each([-2, -1, 0])(
  'the first segment gone, and a snapshot at %i from where the next begins',
  async (off) => {
    const { disk, log, begin } = await logOfTwoSegments();
    const index = begin + off;
    await log.setHardState({ commit: index });
    await log.createSnapshot({ index, conf: CONF, data: CONF });
    const entries = await log.entries(begin, begin + 3);
    await log.close();
    disk.remove(FIRST_SEGMENT);
    const { environment } = disk;
    const to = '/data/clone';
    const cloned = cloneRaftLog('/data/log', { to, identity: 'new-member', environment });
    if (index < begin - 1) {
      await expect(cloned).rejects.toMatchObject({ code: 'KEELSON_MISSING_SEGMENT', path: FIRST_SEGMENT });
      return;
    }
    expect(await cloned).toMatchObject({
      firstIndex: index + 1,
      lastIndex: begin + 2,
      skipped: [FIRST_SEGMENT],
    });
    const clone = await openRaftLog({ dir: to, create: 'never', environment });
    expect([clone.firstIndex, clone.term(index)]).toEqual([index + 1, 1]);
    const kept = entries.filter((entry) => entry.index > index);
    expect(await clone.entries(index + 1, begin + 3)).toEqual(kept);
    await clone.close();
  },
);
