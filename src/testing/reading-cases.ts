import { strict as assert } from 'node:assert';
import type { ErrorCode } from '../errors/index.js';
import type { RaftLog } from '../raft-log/contract.js';
import {
  assertEntries,
  assertRejects,
  assertThrows,
  entriesOf,
  entry,
  logWith,
  snapshotAt,
  type ConformanceCase,
  type Scene,
} from './scene.js';

/** Terms of entries 1..6 of the log that the tables read; 1..3 are then compacted away. */
const TERMS = [1, 1, 2, 4, 5, 5];

async function compactedLog(scene: Scene): Promise<RaftLog> {
  const log = await logWith(scene, TERMS);
  await log.createSnapshot(snapshotAt(3));
  await log.compact(3);
  return log;
}

/** Reads at every bound: the tables that etcd/raft's storage is held to, with numbers of our own. */
export const readingCases: readonly ConformanceCase[] = [
  {
    name: 'a fresh log is empty and knows its boundary',
    run: async (scene) => {
      const log = await scene.open();
      assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm, log.term(0)], [1, 0, 0, 0]);
      assert.deepEqual({ ...log.hardState }, { term: 0, vote: null, commit: 0 });
      assert.equal(log.snapshot, null);
      assert.equal(await log.openSnapshot(), null);
      assert.equal(log.status, 'open');
      assert.equal(log.recovery.verdict, 'fresh');
      assert.equal(log.unfitUntil, 0);
      assert.deepEqual(await log.entries(1, 1), []);
      await assertRejects('KEELSON_COMPACTED', () => log.entries(0, 1));
      await assertRejects('KEELSON_UNAVAILABLE', () => log.entries(1, 2));
      assertThrows('KEELSON_UNAVAILABLE', () => log.term(1));
    },
  },
  {
    name: 'term: known from the boundary to the end, refused by code on either side',
    run: async (scene) => {
      const log = await compactedLog(scene);
      const table: readonly (readonly [number, number | ErrorCode])[] = [
        [0, 'KEELSON_COMPACTED'],
        [2, 'KEELSON_COMPACTED'],
        [3, 2],
        [4, 4],
        [5, 5],
        [6, 5],
        [7, 'KEELSON_UNAVAILABLE'],
      ];
      for (const [index, expected] of table) {
        if (typeof expected === 'number') assert.equal(log.term(index), expected, `term(${index})`);
        else assertThrows(expected, () => log.term(index), `term(${index})`);
      }
      for (const wrong of [-1, 1.5, NaN, 2 ** 53])
        assertThrows('KEELSON_INVALID_ARGUMENT', () => log.term(wrong));
    },
  },
  {
    name: 'entries: every range inside, and each bound refused by code',
    run: async (scene) => {
      const log = await compactedLog(scene);
      for (let from = 4; from <= 7; from += 1) {
        for (let until = from; until <= 7; until += 1) {
          const expected = entriesOf(1, TERMS).slice(from - 1, until - 1);
          assertEntries(await log.entries(from, until), expected, `[${from}, ${until})`);
        }
      }
      const refusals: readonly (readonly [number, number, ErrorCode])[] = [
        [3, 5, 'KEELSON_COMPACTED'],
        [1, 7, 'KEELSON_COMPACTED'],
        [4, 8, 'KEELSON_UNAVAILABLE'],
        [7, 9, 'KEELSON_UNAVAILABLE'],
        [6, 5, 'KEELSON_INVALID_ARGUMENT'],
        [-1, 5, 'KEELSON_INVALID_ARGUMENT'],
        [4, 5.5, 'KEELSON_INVALID_ARGUMENT'],
        [NaN, 5, 'KEELSON_INVALID_ARGUMENT'],
      ];
      for (const [from, until, code] of refusals) {
        await assertRejects(code, () => log.entries(from, until), `entries(${from}, ${until})`);
      }
    },
  },
  {
    name: 'entries: bytesMax counts data, stops before it is passed, and lets one entry through',
    run: async (scene) => {
      const log = await scene.open();
      const sizes = [10, 20, 0, 30];
      const entries = sizes.map((size, at) => ({
        index: at + 1,
        term: 1,
        kind: 0,
        data: new Uint8Array(size).fill(at),
      }));
      await log.save({ entries, hardState: { term: 1 } });
      const table: readonly (readonly [number, number])[] = [
        [0, 1],
        [9, 1],
        [10, 1],
        [29, 1],
        [30, 3],
        [59, 3],
        [60, 4],
        [Infinity, 4],
      ];
      for (const [bytesMax, count] of table) {
        assertEntries(await log.entries(1, 5, { bytesMax }), entries.slice(0, count), `bytesMax ${bytesMax}`);
      }
      assertEntries(await log.entries(4, 5, { bytesMax: 1 }), entries.slice(3));
      assert.deepEqual(await log.entries(5, 5, { bytesMax: 0 }), []);
      for (const bytesMax of [-1, NaN, 1.5]) {
        await assertRejects('KEELSON_INVALID_ARGUMENT', () => log.entries(1, 5, { bytesMax }));
      }
    },
  },
  {
    name: 'stream: all entries in order, and a range outside is refused by the iteration',
    run: async (scene) => {
      const terms = Array.from({ length: 300 }, (_, at) => 1 + Math.floor(at / 100));
      const log = await logWith(scene, terms);
      const found = [];
      for await (const one of log.stream(1, 301)) found.push(one);
      assertEntries(found, entriesOf(1, terms));
      const few = [];
      for await (const one of log.stream(100, 103)) few.push(one);
      assertEntries(few, entriesOf(1, terms).slice(99, 102));
      const chunked = [];
      for await (const chunk of log.streamChunks(1, 301)) {
        assert.notEqual(chunk.length, 0);
        for (const one of chunk) chunked.push(one);
      }
      assertEntries(chunked, entriesOf(1, terms));
      const drains = [
        async (from: number, until: number): Promise<void> => {
          for await (const one of log.stream(from, until)) assert.ok(one.index >= from);
        },
        async (from: number, until: number): Promise<void> => {
          for await (const [one] of log.streamChunks(from, until)) assert.ok(one !== undefined);
        },
      ];
      for (const drain of drains) {
        await drain(301, 301);
        await assertRejects('KEELSON_COMPACTED', () => drain(0, 2));
        await assertRejects('KEELSON_UNAVAILABLE', () => drain(300, 302));
        await assertRejects('KEELSON_INVALID_ARGUMENT', () => drain(3, 2));
      }
    },
  },
  {
    name: 'stream: steps that are asked for at once come in order, and none comes after the end',
    run: async (scene) => {
      const terms = Array.from({ length: 130 }, () => 1);
      const log = await logWith(scene, terms);
      const steps = log.stream(1, 131)[Symbol.asyncIterator]();
      const asked = await Promise.all(Array.from({ length: 132 }, () => steps.next()));
      assertEntries(
        asked.flatMap(({ value }) => (value === undefined ? [] : [value as never])),
        entriesOf(1, terms),
      );
      assert.deepEqual(
        asked.slice(130).map(({ done }) => done),
        [true, true],
      );
      const left = log.stream(1, 131)[Symbol.asyncIterator]();
      await left.next();
      await left.return?.();
      assert.equal((await left.next()).done, true);
    },
  },
  {
    name: 'entriesInMemory: what the log holds, or null; refused by code as entries is, and by throwing',
    run: async (scene) => {
      const log = await compactedLog(scene);
      for (const view of [log, log.accepted]) {
        for (let from = 4; from <= 7; from += 1) {
          for (let until = from; until <= 7; until += 1) {
            const read = view.entriesInMemory(from, until);
            if (read === null) continue;
            assertEntries(read, entriesOf(1, TERMS).slice(from - 1, until - 1), `[${from}, ${until})`);
            for (const one of read) one.data.fill(0xee);
          }
        }
        const first = view.entriesInMemory(4, 7, { bytesMax: 0 });
        if (first !== null) assertEntries(first, entriesOf(4, [4]));
        assertThrows('KEELSON_COMPACTED', () => view.entriesInMemory(3, 5));
        assertThrows('KEELSON_UNAVAILABLE', () => view.entriesInMemory(4, 8));
        assertThrows('KEELSON_INVALID_ARGUMENT', () => view.entriesInMemory(6, 5));
        assertThrows('KEELSON_INVALID_ARGUMENT', () => view.entriesInMemory(4, 5, { bytesMax: -1 }));
      }
      assertEntries(await log.entries(4, 7), entriesOf(1, TERMS).slice(3));
    },
  },
  {
    name: 'entriesInMemory: the durable view never shows what is queued, and the accepted one always does',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      const saving = log.save({ entries: entriesOf(3, [2, 2]), hardState: { term: 2 } });
      const queued = log.accepted.entriesInMemory(3, 5);
      assertEntries(queued ?? [], entriesOf(3, [2, 2]));
      const durable = log.entriesInMemory(3, log.lastIndex + 1);
      const isShown = log.lastTerm === 2;
      if (durable !== null) assertEntries(durable, entriesOf(3, isShown ? [2, 2] : [1]));
      await saving;
      const after = log.entriesInMemory(1, 5);
      if (after !== null) assertEntries(after, entriesOf(1, [1, 1, 2, 2]));
      await log.truncateFrom(3);
      const cut = log.entriesInMemory(1, 3);
      if (cut !== null) assertEntries(cut, entriesOf(1, [1, 1]));
      assertThrows('KEELSON_UNAVAILABLE', () => log.entriesInMemory(1, 4));
    },
  },
  {
    name: 'stream: ends with KEELSON_UNAVAILABLE where what it has read is replaced, and never mixes two logs',
    run: async (scene) => {
      const log = await scene.open();
      const data = new Uint8Array(3000);
      const appendFrom = async (first: number, term: number): Promise<void> => {
        for (let from = first; from <= 400; from += 10) {
          const length = Math.min(10, 401 - from);
          await log.append(Array.from({ length }, (_, at) => ({ index: from + at, term, data })));
        }
      };
      await log.setHardState({ term: 2 });
      await appendFrom(1, 1);
      const terms: number[] = [];
      await assertRejects('KEELSON_UNAVAILABLE', async () => {
        for await (const { term } of log.stream(1, 401)) {
          terms.push(term);
          if (terms.length === 1) await appendFrom(2, 2);
        }
      });
      assert.deepEqual(terms, [1]);
    },
  },
  {
    name: 'stream: may be left early',
    run: async (scene) => {
      const log = await logWith(
        scene,
        Array.from({ length: 200 }, () => 1),
      );
      for await (const one of log.stream(1, 201)) {
        if (one.index === 3) break;
      }
      await log.append([entry(201, 1)]);
      assert.equal(log.lastIndex, 201);
    },
  },
  {
    name: 'firstIndex and lastIndex follow appends, truncation and compaction',
    run: async (scene) => {
      const log = await compactedLog(scene);
      assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm], [4, 6, 5]);
      await log.append([entry(7, 5)]);
      assert.deepEqual([log.firstIndex, log.lastIndex], [4, 7]);
      await log.createSnapshot(snapshotAt(4));
      await log.compact(4);
      assert.deepEqual([log.firstIndex, log.lastIndex], [5, 7]);
      await log.truncateFrom(5);
      assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm], [5, 4, 4]);
      assert.deepEqual(await log.entries(5, 5), []);
      await log.append([entry(5, 5)]);
      assert.deepEqual([log.firstIndex, log.lastIndex, log.lastTerm], [5, 5, 5]);
    },
  },
];
