import { strict as assert } from 'node:assert';
import { ArrayLog } from './array-log.js';
import {
  assertEntries,
  assertRejects,
  assertThrows,
  entriesOf,
  entry,
  later,
  logWith,
  portraitOf,
  snapshotAt,
  type ConformanceCase,
  type Scene,
} from './scene.js';
import type { RaftLog } from '../raft-log/contract.js';

/** What outlives a log: close, reopening, crash. */
export const lifetimeCases: readonly ConformanceCase[] = [
  {
    name: 'close: waits for accepted saves, is idempotent, and later calls say so',
    run: async (scene) => {
      const log = await logWith(scene, [1]);
      const saving = later(log.append(entriesOf(2, [1, 1])));
      const closing = log.close().then(() => {
        assert.equal(log.lastIndex, 3, 'closed before an accepted save was durable');
      });
      await Promise.all([saving, later(closing), later(log.close())]);
      await log.close();
      await log[Symbol.asyncDispose]();
      await assertClosed(log);
      assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm, log.status], [1, 3, 1, 'closed']);
      assert.deepEqual({ ...log.hardState }, { term: 1, vote: null, commit: 0 });
      assert.deepEqual([log.accepted.lastIndex, log.snapshot], [3, null]);
    },
  },
  {
    name: 'close: calls made after it are refused while it is still under way',
    run: async (scene) => {
      const log = await logWith(scene, [1]);
      const closing = log.close();
      await assertRejects('KEELSON_CLOSED', () => log.append([entry(2, 1)]));
      await closing;
      assert.equal(log.lastIndex, 1);
    },
  },
  {
    name: 'reopen: everything is there, and the getters of the closed log keep their values',
    needs: ['reopen'],
    run: async (scene) => {
      const dir = scene.freshDir();
      const log = await busyLog(scene, dir);
      const before = await portraitOf(log);
      const again = await scene.reopen(log, dir);
      assert.deepEqual(await portraitOf(again), before);
      assert.equal(again.recovery.verdict, 'clean');
      assert.equal(again.recovery.damage, null);
      await again.append(entriesOf(8, [9]));
      assert.deepEqual([log.lastIndex, again.lastIndex], [7, 8]);
    },
  },
  {
    name: 'reopen: an empty log stays empty, again and again',
    needs: ['reopen'],
    run: async (scene) => {
      const dir = scene.freshDir();
      let log = await scene.open(dir);
      for (let time = 0; time < 3; time += 1) {
        log = await scene.reopen(log, dir);
        assert.deepEqual(await portraitOf(log), new ArrayLog().portrait());
      }
    },
  },
  {
    name: 'reopen: after each kind of change, one by one',
    needs: ['reopen'],
    run: (scene) => runStory(scene, (log, dir) => scene.reopen(log, dir)),
  },
  {
    name: 'reopen: an LSN is never given twice',
    needs: ['reopen'],
    run: async (scene) => {
      const dir = scene.freshDir();
      let log = await scene.open(dir);
      let last = (await log.setHardState({ term: 1 })).lsn;
      for (let index = 1; index <= 4; index += 1) {
        log = await scene.reopen(log, dir);
        const { lsn } = await log.append([entry(index, 1)]);
        assert.ok(lsn > last, `LSN ${lsn} after ${last}`);
        last = lsn;
      }
    },
  },
  {
    name: 'reopen: two names are two logs',
    needs: ['reopen'],
    run: async (scene) => {
      const [one, two] = [scene.freshDir(), scene.freshDir()];
      const first = await logWith(scene, [1, 1], one);
      const second = await logWith(scene, [2], two);
      const firstAgain = await scene.reopen(first, one);
      const secondAgain = await scene.reopen(second, two);
      assert.deepEqual([firstAgain.lastIndex, firstAgain.lastTerm], [2, 1]);
      assert.deepEqual([secondAgain.lastIndex, secondAgain.lastTerm], [1, 2]);
    },
  },
  {
    name: 'crash: what was acknowledged is there, after each kind of change, one by one',
    needs: ['crash'],
    run: (scene) =>
      runStory(scene, async (_log, dir) => {
        await scene.crash();
        return scene.open(dir);
      }),
  },
  {
    name: 'crash: a vote that was acknowledged is never given again',
    needs: ['crash', 'interlocks'],
    run: async (scene) => {
      const dir = scene.freshDir();
      const log = await scene.open(dir);
      await log.setHardState({ term: 7, vote: 'a' });
      await scene.crash();
      const again = await scene.open(dir);
      assert.deepEqual({ ...again.hardState }, { term: 7, vote: 'a', commit: 0 });
      await assertRejects('KEELSON_VOTE_CONFLICT', () => again.setHardState({ vote: 'b' }));
    },
  },
  {
    name: 'crash: a save that was not acknowledged is there whole or not at all',
    needs: ['crash'],
    run: async (scene) => {
      for (let time = 0; time < 10; time += 1) {
        const dir = scene.freshDir();
        const log = await logWith(scene, [1, 1], dir);
        log
          .save({
            truncateFrom: 2,
            entries: entriesOf(2, [2, 2, 2]),
            hardState: { term: 2, vote: 'n', commit: 3 },
          })
          .catch(() => undefined);
        for (let turn = 0; turn < time; turn += 1) await Promise.resolve();
        await scene.crash();
        const again = await scene.open(dir);
        const isThere = again.lastIndex === 4;
        assert.deepEqual(
          { ...again.hardState },
          isThere ? { term: 2, vote: 'n', commit: 3 } : { term: 1, vote: null, commit: 0 },
        );
        assertEntries(
          await again.entries(1, again.lastIndex + 1),
          entriesOf(1, isThere ? [1, 2, 2, 2] : [1, 1]),
        );
      }
    },
  },
];

async function assertClosed(log: RaftLog): Promise<void> {
  const closed = 'KEELSON_CLOSED';
  await assertRejects(closed, () => log.save({}));
  await assertRejects(closed, () => log.append([]));
  await assertRejects(closed, () => log.setHardState({}));
  await assertRejects(closed, () => log.truncateFrom(2));
  await assertRejects(closed, () => log.entries(1, 2));
  await assertRejects(closed, () => log.accepted.entries(1, 2));
  await assertRejects(closed, () => log.createSnapshot(snapshotAt(1)));
  await assertRejects(closed, () => log.installSnapshot({ ...snapshotAt(9), term: 1 }));
  await assertRejects(closed, () => log.openSnapshot());
  await assertRejects(closed, () => log.compact(0));
  await assertRejects(closed, async () => {
    for await (const one of log.stream(1, 2)) assert.fail(`read entry ${one.index} of a closed log`);
  });
  assertThrows(closed, () => log.term(1));
  assertThrows(closed, () => log.accepted.term(1));
}

/** A log that went through each kind of change: entries 4..7, snapshot at 5. */
async function busyLog(scene: Scene, dir: string): Promise<RaftLog> {
  const log = await logWith(scene, [1, 1, 2, 2, 2, 2], dir);
  await log.save({ entries: entriesOf(5, [3, 3]), hardState: { term: 3, vote: 'a', commit: 4 } });
  await log.createSnapshot(snapshotAt(5));
  await log.compact(3);
  await log.save({ entries: entriesOf(6, [9, 9]), hardState: { term: 9 } });
  return log;
}

/** One change after the other, the log interrupted after each and held against an array. */
async function runStory(
  scene: Scene,
  interrupt: (log: RaftLog, dir: string) => Promise<RaftLog>,
): Promise<void> {
  const dir = scene.freshDir();
  let log = await scene.open(dir);
  let model = new ArrayLog();
  const step = async (
    name: string,
    after: ArrayLog | string,
    call: () => Promise<unknown>,
  ): Promise<void> => {
    if (typeof after === 'string') assert.fail(`the story is wrong: ${name} gives ${after}`);
    await call();
    log = await interrupt(log, dir);
    model = after;
    assert.deepEqual(await portraitOf(log), model.portrait(), name);
  };
  const save = (name: string, request: Parameters<RaftLog['save']>[0]): Promise<void> =>
    step(name, model.save(request), () => log.save(request));

  await save('vote', { hardState: { term: 1, vote: 'a' } });
  await save('entries', { entries: entriesOf(1, [1, 1, 1, 1, 1, 1]) });
  await save('commit', { hardState: { commit: 2 } });
  await save('conflict', { entries: entriesOf(4, [2, 2]), hardState: { term: 2 } });
  await save('truncation', { truncateFrom: 5 });
  await save('truncation and entries', { truncateFrom: 4, entries: entriesOf(4, [2, 2, 2]) });
  await save('vote beside entries', {
    entries: entriesOf(7, [3]),
    hardState: { term: 3, vote: 'b', commit: 5 },
  });
  await step('snapshot', model.createSnapshot(4), () => log.createSnapshot(snapshotAt(4)));
  await step('compaction', model.compact(3), () => log.compact(3));
  await save('stale entries', { entries: entriesOf(3, [1, 2]) });
  await step('snapshot held', model.installSnapshot(6, 2), () =>
    log.installSnapshot({ ...snapshotAt(6), term: 2 }),
  );
  await step('compaction to it', model.compact(6), () => log.compact(6));
  await save('truncation of all', { truncateFrom: 7 });
  await save('entry at the boundary', { entries: entriesOf(7, [3]) });
  await step('foreign snapshot', model.installSnapshot(20, 3), () =>
    log.installSnapshot({ ...snapshotAt(20), term: 3 }),
  );
  await save('entries behind it', { entries: entriesOf(21, [3, 3]), hardState: { commit: 21 } });
}
