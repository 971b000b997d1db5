import { strict as assert } from 'node:assert';
import type { SaveResult } from '../raft-log/contract.js';
import {
  assertEntries,
  assertRejects,
  assertThrows,
  entriesOf,
  entry,
  later,
  logWith,
  termsHeld,
  type ConformanceCase,
} from './scene.js';

/** Saves that overlap: their order, the accepted view ahead of the durable one, saves of nothing. */
export const orderingCases: readonly ConformanceCase[] = [
  {
    name: 'order: overlapping saves are checked, ordered and resolved in call order',
    run: async (scene) => {
      const log = await scene.open();
      const resolved: number[] = [];
      const results: Promise<SaveResult>[] = [later(log.setHardState({ term: 1 }))];
      for (let index = 1; index <= 100; index += 1) {
        const saving = log.append([entry(index, 1)]).then((result) => {
          assert.ok(log.lastIndex >= index, `${index} was acknowledged before it is in the durable view`);
          resolved.push(index);
          return result;
        });
        results.push(later(saving));
      }
      const settled = await Promise.all(results);
      assert.deepEqual(
        resolved,
        Array.from({ length: 100 }, (_, at) => at + 1),
      );
      settled.forEach(({ lastIndex }, at) => {
        assert.equal(lastIndex, at);
      });
      const lsns = settled.map(({ lsn }) => lsn);
      assert.deepEqual(
        lsns,
        [...new Set(lsns)].sort((a, b) => a - b),
        'LSNs do not rise',
      );
      assertEntries(await log.entries(1, 101), entriesOf(1, new Array<number>(100).fill(1)));
    },
  },
  {
    name: 'order: a save is judged against those queued before it',
    run: async (scene) => {
      const log = await scene.open();
      const saves = [
        log.save({ hardState: { term: 2 }, entries: entriesOf(1, [1, 1, 1]) }),
        log.append(entriesOf(2, [2])),
        log.append(entriesOf(3, [2])),
        log.truncateFrom(3),
        log.append(entriesOf(3, [2, 2])),
      ].map((saving) => later(saving));
      const refused = later(assertRejects('KEELSON_INDEX_GAP', () => log.append([entry(6, 2)])));
      const last = await Promise.all(saves);
      await refused;
      assert.deepEqual(
        last.map(({ lastIndex }) => lastIndex),
        [3, 2, 3, 2, 4],
      );
      assert.deepEqual(await termsHeld(log), [1, 2, 2, 2]);
    },
  },
  {
    name: 'order: the durable view never shows what is only queued, the accepted view does at once',
    run: async (scene) => {
      const log = await logWith(scene, [1]);
      const request = { entries: entriesOf(2, [2, 2]), hardState: { term: 2, vote: 'a' } };
      const saving = later(log.save(request));
      assert.deepEqual([log.lastIndex, log.lastTerm, log.hardState.term], [1, 1, 1]);
      assertThrows('KEELSON_UNAVAILABLE', () => log.term(2));
      assert.deepEqual([log.accepted.lastIndex, log.accepted.lastTerm], [3, 2]);
      assert.deepEqual({ ...log.accepted.hardState }, { term: 2, vote: 'a', commit: 0 });
      assert.deepEqual(
        [0, 1, 2, 3].map((index) => log.accepted.term(index)),
        [0, 1, 2, 2],
      );
      const ahead = later(log.accepted.entries(1, 4));
      await saving;
      assertEntries(await ahead, entriesOf(1, [1, 2, 2]));
      assert.deepEqual([log.lastIndex, log.accepted.lastIndex], [3, 3]);
      await assertRejects('KEELSON_UNAVAILABLE', () => log.accepted.entries(1, 5));
      await assertRejects('KEELSON_COMPACTED', () => log.accepted.entries(0, 2));
      assert.deepEqual(await log.accepted.entries(4, 4), []);
      assert.equal((await log.accepted.entries(1, 4, { bytesMax: 0 })).length, 1);
    },
  },
  {
    name: 'order: a truncation is accepted at once and durable later',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      const saving = later(log.truncateFrom(2));
      assert.deepEqual([log.lastIndex, log.accepted.lastIndex], [3, 1]);
      assertThrows('KEELSON_UNAVAILABLE', () => log.accepted.term(2));
      await saving;
      assert.deepEqual([log.lastIndex, log.accepted.lastIndex], [1, 1]);
    },
  },
  {
    name: 'order: a save of nothing resolves when all before it is durable',
    run: async (scene) => {
      const log = await scene.open();
      const fresh = await log.save({});
      assert.equal(fresh.lastIndex, 0);
      let firstDone = false;
      const request = { entries: entriesOf(1, [1, 1]), hardState: { term: 1 } };
      const first = log.save(request).then((result) => {
        firstDone = true;
        return result;
      });
      const empties = [
        later(log.save({})),
        later(log.append([])),
        later(log.append(entriesOf(1, [1]))),
        later(log.setHardState({ term: 1 })),
        later(log.truncateFrom(3)),
      ].map((saving) =>
        later(
          saving.then((result) => {
            assert.ok(
              firstDone && log.lastIndex === 2,
              'a save of nothing overtook what it was checked against',
            );
            return result;
          }),
        ),
      );
      const { lsn } = await first;
      for (const { lsn: waitedFor, lastIndex } of await Promise.all(empties)) {
        assert.deepEqual([waitedFor, lastIndex], [lsn, 2]);
      }
    },
  },
];
