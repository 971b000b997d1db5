import { strict as assert } from 'node:assert';
import type { Entry, RaftLog } from '../raft-log/contract.js';
import {
  assertEntries,
  assertRejects,
  dataOf,
  entriesOf,
  entry,
  logWith,
  snapshotAt,
  termsHeld,
  type ConformanceCase,
  type Scene,
} from './scene.js';

/** Entries 4..6 of terms 3, 4, 5 behind a compacted boundary at 3, hard state's term 9. */
async function behindBoundary(scene: Scene): Promise<RaftLog> {
  const log = await logWith(scene, [1, 2, 3, 3, 4, 5]);
  await log.createSnapshot(snapshotAt(3));
  await log.compact(3);
  await log.setHardState({ term: 9 });
  return log;
}

/** Appends, conflicts and truncation: figure 2 of the paper, and what openraft, etcd and hashicorp/raft ask. */
export const appendingCases: readonly ConformanceCase[] = [
  {
    name: 'append: what is held is skipped, the first conflict drops the rest, what is covered is skipped',
    run: async (scene) => {
      const table: readonly (readonly [string, Entry[], number[]])[] = [
        ['all held', entriesOf(4, [3, 4, 5]), [3, 4, 5]],
        ['conflict in the middle', entriesOf(4, [3, 6, 6]), [3, 6, 6]],
        ['conflict, fewer entries than held', entriesOf(5, [7]), [3, 7]],
        ['conflict at the first', entriesOf(4, [5]), [5]],
        ['held, then new', entriesOf(5, [4, 5, 5, 9]), [3, 4, 5, 5, 9]],
        ['new', entriesOf(7, [5]), [3, 4, 5, 5]],
        ['covered, then held', entriesOf(2, [2, 3, 3, 4]), [3, 4, 5]],
        ['covered, then conflict', entriesOf(3, [3, 8]), [8]],
        ['only covered', entriesOf(1, [1, 2, 3]), [3, 4, 5]],
        ['covered with other terms', entriesOf(1, [6, 6, 6]), [3, 4, 5]],
        ['none', [], [3, 4, 5]],
      ];
      for (const [name, entries, expected] of table) {
        const log = await behindBoundary(scene);
        const { lastIndex } = await log.append(entries);
        assert.deepEqual(await termsHeld(log), expected, name);
        assert.equal(lastIndex, 3 + expected.length, name);
        assertEntries(await log.entries(4, lastIndex + 1), entriesOf(4, expected), name);
        await scene.close(log);
      }
    },
  },
  {
    name: 'append: a stale, repeated or reordered request never loses a newer suffix',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 2, 2, 2]);
      await log.append(entriesOf(1, [1]));
      await log.append(entriesOf(2, [1, 2]));
      await log.append(entriesOf(1, [1, 1, 2, 2, 2]));
      await log.append(entriesOf(3, [2]));
      assert.deepEqual(await termsHeld(log), [1, 1, 2, 2, 2]);
    },
  },
  {
    name: 'append: a gap is refused, inside the entries and behind the log',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1]);
      await assertRejects('KEELSON_INDEX_GAP', () => log.append([entry(4, 1)]));
      await assertRejects('KEELSON_INDEX_GAP', () => log.append([entry(3, 1), entry(5, 1)]));
      await assertRejects('KEELSON_INDEX_GAP', () => log.save({ truncateFrom: 2, entries: [entry(3, 1)] }));
      assert.equal(log.lastIndex, 2);
      assert.deepEqual(await termsHeld(log), [1, 1]);
    },
  },
  {
    name: 'append: entries keep their kind and data, of length 0 and of many bytes',
    run: async (scene) => {
      const log = await scene.open();
      const large = new Uint8Array(scene.harness.supports.entryBytesMax ?? 100_000).map((_, at) => at * 31);
      const entries: Entry[] = [
        { index: 1, term: 1, kind: 0, data: new Uint8Array(0) },
        { index: 2, term: 1, kind: 255, data: large },
        { index: 3, term: 1, kind: 128, data: new Uint8Array(600) },
        { index: 4, term: 1, kind: 1, data: Uint8Array.of(0) },
      ];
      await log.save({ entries, hardState: { term: 1 } });
      await log.append([{ index: 5, term: 1, data: Uint8Array.of(5) }]);
      assertEntries(await log.entries(1, 6), [
        ...entries,
        { index: 5, term: 1, kind: 0, data: Uint8Array.of(5) },
      ]);
    },
  },
  {
    name: 'append: one entry at a time, a thousand times, and all at once, leave the same',
    run: async (scene) => {
      const terms = Array.from({ length: 1000 }, (_, at) => 1 + Math.floor(at / 300));
      const atOnce = await logWith(scene, terms);
      const singly = await scene.open();
      await singly.setHardState({ term: 4 });
      await Promise.all(entriesOf(1, terms).map((one) => singly.append([one])));
      assertEntries(await singly.entries(1, 1001), await atOnce.entries(1, 1001));
      assert.equal(singly.lastTerm, 4);
    },
  },
  {
    name: 'append: large indexes and terms survive',
    run: async (scene) => {
      const log = await scene.open();
      const base = 2 ** 40;
      const term = 2 ** 45 + 1;
      await log.setHardState({ term: Number.MAX_SAFE_INTEGER });
      await log.installSnapshot({ ...snapshotAt(1), index: base, term });
      await log.append([{ index: base + 1, term: term + 1, kind: 3, data: dataOf(1, 1) }]);
      assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm], [base + 1, base + 1, term + 1]);
      assert.deepEqual([log.term(base), log.term(base + 1)], [term, term + 1]);
      assertEntries(await log.entries(base + 1, base + 2), [
        { index: base + 1, term: term + 1, kind: 3, data: dataOf(1, 1) },
      ]);
      assert.equal(log.hardState.term, Number.MAX_SAFE_INTEGER);
    },
  },
  {
    name: 'append: at the last index and in the last term there are, and not beyond',
    run: async (scene) => {
      const dir = scene.freshDir();
      const term = Number.MAX_SAFE_INTEGER;
      // Where a log ends is one above its last index, and a number, too.
      const last = term - 1;
      let log = await scene.open(dir);
      await log.installSnapshot({ ...snapshotAt(1), index: last - 2, term: 1, hardState: { term } });
      const entries = [entry(last - 1, 1), entry(last, term)];
      await log.save({ entries, hardState: { vote: 'a', commit: last } });
      const { supports } = scene.harness;
      if (supports.reopen) log = await scene.reopen(log, dir);
      assert.deepEqual({ ...log.hardState }, { term, vote: 'a', commit: last });
      assertEntries(await log.entries(last - 1, last + 1), entries);
      await assertRejects('KEELSON_INVALID_ARGUMENT', () => log.append([entry(last + 1, term)]));
      await assertRejects('KEELSON_INVALID_ARGUMENT', () =>
        log.installSnapshot({ ...snapshotAt(1), index: last + 1, term }),
      );
      await assertRejects('KEELSON_INVALID_ARGUMENT', () => log.setHardState({ term: term + 1 }));
      await log.createSnapshot({ ...snapshotAt(1), index: last });
      await log.compact(last);
      if (supports.reopen) log = await scene.reopen(log, dir);
      assert.deepEqual([log.firstIndex, log.lastIndex, log.term(last)], [last + 1, last, term]);
      assert.deepEqual(await log.entries(last + 1, last + 1), []);
    },
  },
  {
    name: 'append: an entry held with the same term but other bytes is refused, or kept as it was',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1]);
      const other = { ...entry(2, 1), data: Uint8Array.of(250, 251) };
      // Where the checksum is no longer in memory, the entry counts as held.
      await log.append([other]).catch((error: unknown) => {
        assert.equal((error as { code?: unknown }).code, 'KEELSON_ENTRY_MISMATCH');
      });
      assertEntries(await log.entries(1, 3), entriesOf(1, [1, 1]));
    },
  },
  {
    name: 'truncateFrom: drops the end, nothing at the end, and is refused outside by code',
    run: async (scene) => {
      const log = await behindBoundary(scene);
      await assertRejects('KEELSON_UNAVAILABLE', () => log.truncateFrom(8));
      await assertRejects('KEELSON_COMPACTED', () => log.truncateFrom(3));
      await assertRejects('KEELSON_COMPACTED', () => log.truncateFrom(0));
      assert.equal((await log.truncateFrom(7)).lastIndex, 6);
      assert.equal((await log.truncateFrom(6)).lastIndex, 5);
      assert.deepEqual(await termsHeld(log), [3, 4]);
      assert.deepEqual([log.lastIndex, log.lastTerm], [5, 4]);
      await assertRejects('KEELSON_UNAVAILABLE', () => log.entries(6, 7));
      assert.equal((await log.truncateFrom(4)).lastIndex, 3);
      assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm], [4, 3, 3]);
    },
  },
  {
    name: 'truncateFrom: at or below the snapshot is refused, also where its entries are still held',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1, 1]);
      await log.createSnapshot(snapshotAt(2));
      await assertRejects('KEELSON_COMPACTED', () => log.truncateFrom(2));
      await assertRejects('KEELSON_COMPACTED', () => log.truncateFrom(1));
      await log.truncateFrom(3);
      assert.deepEqual(await termsHeld(log), [1, 1]);
    },
  },
  {
    name: 'save: truncation first, then entries against the log as truncated, then hard state',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 2, 2]);
      const { lastIndex } = await log.save({
        truncateFrom: 4,
        entries: entriesOf(3, [2, 3, 3]),
        hardState: { term: 3, vote: 'n1', commit: 4 },
      });
      assert.equal(lastIndex, 5);
      assert.deepEqual(await termsHeld(log), [1, 1, 2, 3, 3]);
      assert.deepEqual({ ...log.hardState }, { term: 3, vote: 'n1', commit: 4 });
      await log.save({ truncateFrom: 5, entries: entriesOf(5, [3]) });
      assertEntries(await log.entries(5, 6), entriesOf(5, [3]));
    },
  },
  {
    name: 'save: a refused save leaves nothing of itself, in either view',
    needs: ['interlocks'],
    run: async (scene) => {
      const log = await logWith(scene, [1, 1]);
      await assertRejects('KEELSON_UNAVAILABLE', () =>
        log.save({ entries: entriesOf(3, [1]), hardState: { commit: 4 } }),
      );
      await assertRejects('KEELSON_INDEX_GAP', () =>
        log.save({ truncateFrom: 2, entries: entriesOf(9, [1]), hardState: { vote: 'x' } }),
      );
      assert.deepEqual(
        [log.lastIndex, log.accepted.lastIndex, log.hardState.vote, log.hardState.commit],
        [2, 2, null, 0],
      );
      await log.append(entriesOf(3, [1]));
      assert.deepEqual(await termsHeld(log), [1, 1, 1]);
    },
  },
];
