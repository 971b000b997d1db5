import { strict as assert } from 'node:assert';
import type { RaftLog } from '../raft-log/contract.js';
import {
  assertEntries,
  assertRejects,
  bytesOf,
  dataOf,
  entriesOf,
  later,
  logWith,
  snapshotAt,
  termsHeld,
  type ConformanceCase,
} from './scene.js';

async function assertSnapshot(log: RaftLog, index: number, term: number): Promise<void> {
  const { conf, data } = snapshotAt(index);
  const opened = await log.openSnapshot();
  assert.ok(opened !== null, 'there is no snapshot');
  for (const meta of [opened.meta, log.snapshot]) {
    assert.deepEqual([meta?.index, meta?.term, meta?.bytes], [index, term, data.length]);
    assert.deepEqual([...(meta?.conf ?? [])], [...conf]);
  }
  assert.deepEqual(await bytesOf(opened.data), new Uint8Array(data));
}

async function* inPieces(data: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += pieceBytes) {
    await Promise.resolve();
    yield data.subarray(at, at + pieceBytes);
  }
}

/** Snapshots of the host's own, snapshots from a leader, and compaction behind them. */
export const snapshotCases: readonly ConformanceCase[] = [
  {
    name: 'createSnapshot: takes its term from the log, drops no entry, raises commit',
    run: async (scene) => {
      const log = await logWith(scene, [1, 2, 3]);
      const meta = await log.createSnapshot(snapshotAt(2));
      assert.deepEqual([meta.index, meta.term], [2, 2]);
      await assertSnapshot(log, 2, 2);
      assert.deepEqual([log.firstIndex, log.lastIndex, log.hardState.commit], [1, 3, 2]);
      await log.setHardState({ commit: 3 });
      await log.createSnapshot(snapshotAt(3));
      await assertSnapshot(log, 3, 3);
      assert.deepEqual(await termsHeld(log), [1, 2, 3]);
    },
  },
  {
    name: 'snapshots: no data, much data, data as a stream, conf of 64 KiB',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1, 1]);
      const much = new Uint8Array(700_000).map((_, at) => at * 7);
      const conf = new Uint8Array(65_536).fill(5);
      const tries = [new Uint8Array(0), much, inPieces(much, 99_999), inPieces(new Uint8Array(0), 1)];
      const lengths = [0, much.length, much.length, 0];
      for (const [at, data] of tries.entries()) {
        const meta = await log.createSnapshot({ index: at + 1, conf, data });
        assert.equal(meta.bytes, lengths[at]);
        const opened = await log.openSnapshot();
        assert.ok(opened !== null);
        assert.deepEqual(await bytesOf(opened.data), much.slice(0, lengths[at]));
        assert.equal(opened.meta.conf.length, 65_536);
      }
    },
  },
  {
    name: 'snapshots: a stream that fails leaves the older snapshot',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      await log.createSnapshot(snapshotAt(1));
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield dataOf(1, 1);
        await Promise.resolve();
        throw new Error('the source broke');
      };
      await assert.rejects(log.createSnapshot({ ...snapshotAt(2), data: broken() }));
      await assert.rejects(log.installSnapshot({ ...snapshotAt(9), term: 1, data: broken() }));
      await assertSnapshot(log, 1, 1);
      assert.deepEqual([log.lastIndex, log.status], [3, 'open']);
      await log.createSnapshot(snapshotAt(2));
      await assertSnapshot(log, 2, 1);
    },
  },
  {
    name: 'installSnapshot: replaces a log that does not hold it, and the next entry joins',
    run: async (scene) => {
      for (const [terms, index, term] of [
        [[], 5, 3],
        [[1, 1], 5, 3],
        [[1, 1, 1, 1, 1, 1], 5, 2],
      ] as const) {
        const log = await logWith(scene, terms);
        const meta = await log.installSnapshot({ ...snapshotAt(index), term, hardState: { term: 3 } });
        assert.deepEqual([meta.index, meta.term], [index, term]);
        assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm], [index + 1, index, term]);
        assert.deepEqual({ ...log.hardState }, { term: 3, vote: null, commit: index });
        await assertSnapshot(log, index, term);
        assert.equal(log.term(index), term);
        await assertRejects('KEELSON_COMPACTED', () => log.entries(index, index + 1));
        await log.append(entriesOf(index + 1, [3, 3]));
        assert.deepEqual(await termsHeld(log), [3, 3]);
      }
    },
  },
  {
    name: 'installSnapshot: keeps every entry where the log holds its index and term',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 2, 2]);
      await log.installSnapshot({ ...snapshotAt(3), term: 2 });
      assert.deepEqual([log.firstIndex, log.lastIndex, log.hardState.commit], [1, 4, 3]);
      assert.deepEqual(await termsHeld(log), [1, 1, 2, 2]);
      await assertSnapshot(log, 3, 2);
    },
  },
  {
    name: 'installSnapshot: an uncommitted entry of another term is no hindrance, nothing of it stays',
    run: async (scene) => {
      const log = await logWith(scene, [1, 2, 2, 2]);
      await log.setHardState({ term: 5, commit: 1 });
      await log.installSnapshot({ ...snapshotAt(3), term: 4 });
      assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm], [4, 3, 4]);
      await log.append(entriesOf(4, [5]));
      assertEntries(await log.entries(4, 5), entriesOf(4, [5]));
    },
  },
  {
    name: 'snapshots: a reader goes on while a newer one comes',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      await log.createSnapshot(snapshotAt(1));
      const opened = await log.openSnapshot();
      await log.createSnapshot(snapshotAt(2));
      assert.ok(opened !== null);
      assert.deepEqual(await bytesOf(opened.data), dataOf(1, 99));
      await assertSnapshot(log, 2, 1);
    },
  },
  {
    name: 'snapshots: one at a time, each judged again when its record comes; saves go on beside them',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1, 1]);
      let saved = false;
      const data = async function* (): AsyncGenerator<Uint8Array> {
        yield dataOf(3, 99);
        await log.truncateFrom(3);
        saved = true;
      };
      const late = { ...snapshotAt(3), data: data() };
      const streaming = later(assertRejects('KEELSON_UNAVAILABLE', () => log.createSnapshot(late)));
      const behind = later(log.createSnapshot(snapshotAt(2)));
      await Promise.all([streaming, behind]);
      assert.equal(saved, true);
      await assertSnapshot(log, 2, 1);
      assert.deepEqual([log.lastIndex, log.hardState.commit], [2, 2]);
    },
  },
  {
    name: 'createSnapshot: another entry in its place by the time its record comes is refused',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      const data = async function* (): AsyncGenerator<Uint8Array> {
        yield dataOf(3, 99);
        await log.save({ entries: entriesOf(3, [2]), hardState: { term: 2 } });
      };
      await assertRejects('KEELSON_COMMITTED_TRUNCATION', () =>
        log.createSnapshot({ ...snapshotAt(3), data: data() }),
      );
      assert.deepEqual([log.snapshot, log.hardState.commit], [null, 0]);
    },
  },
  {
    name: 'compact: up to the snapshot and no further, every index on the way, idempotent',
    run: async (scene) => {
      const terms = [1, 1, 2, 2, 3, 3, 4];
      const log = await logWith(scene, terms);
      await assertRejects('KEELSON_UNAVAILABLE', () => log.compact(1));
      assert.deepEqual(await log.compact(0), { bytesFreed: 0 });
      await log.createSnapshot(snapshotAt(5));
      await assertRejects('KEELSON_UNAVAILABLE', () => log.compact(6));
      for (const wrong of [-1, NaN, 1.5])
        await assertRejects('KEELSON_INVALID_ARGUMENT', () => log.compact(wrong));
      for (let upTo = 1; upTo <= 5; upTo += 1) {
        await log.compact(upTo);
        assert.equal(log.firstIndex, upTo + 1);
        assert.equal(log.term(upTo), terms[upTo - 1]);
        assertEntries(await log.entries(upTo + 1, 8), entriesOf(1, terms).slice(upTo));
        await assertRejects('KEELSON_COMPACTED', () => log.entries(upTo, 8));
        assert.deepEqual(await log.compact(upTo), { bytesFreed: 0 });
        assert.deepEqual(await log.compact(upTo - 1), { bytesFreed: 0 });
      }
      assert.deepEqual([log.lastIndex, log.lastTerm], [7, 4]);
      await assertSnapshot(log, 5, 3);
    },
  },
  {
    name: 'compact: a whole log, and then it goes on',
    run: async (scene) => {
      const log = await logWith(scene, [1, 2]);
      await log.createSnapshot(snapshotAt(2));
      await log.compact(2);
      assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm, log.term(2)], [3, 2, 2, 2]);
      await log.append(entriesOf(1, [1, 2, 2]));
      assertEntries(await log.entries(3, 4), entriesOf(3, [2]));
    },
  },
];
