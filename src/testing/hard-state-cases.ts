import { strict as assert } from 'node:assert';
import {
  assertEntries,
  assertRejects,
  entriesOf,
  logWith,
  snapshotAt,
  type ConformanceCase,
} from './scene.js';

/** Votes, each beside one that a store which does not keep text byte for byte would take it for. */
const LOOKALIKES: readonly (readonly [string, string])[] = [
  ['\uFEFFnode', 'node'],
  ['\uFEFF', 'x'],
  ['node\uFEFF', 'node'],
  ['\uFEFF\uFEFFnode', '\uFEFFnode'],
  ['\u00e9', 'e\u0301'],
  ['e\u0301', '\u00e9'],
  ['\u212b', '\u00c5'],
  ['a\0b', 'a'],
  ['\0', ' '],
  ['node ', 'node'],
  ['node\n', 'node'],
  ['Node', 'node'],
  ['null', 'undefined'],
  ['\uFFFD', '\uFFFE'],
  ['\u{1F980}', '\uFFFD'],
  ['x'.repeat(255), 'x'.repeat(254)],
  ['\uFEFF'.repeat(85), '\uFEFF'.repeat(84)],
  ['\u00e9'.repeat(127), '\u00e9'.repeat(126)],
  ['\u{1F980}'.repeat(63), '\u{1F980}'.repeat(62)],
];

/** Term, vote and commit: how they change, alone and beside entries. */
export const hardStateCases: readonly ConformanceCase[] = [
  {
    name: 'hard state: fields left out stay',
    run: async (scene) => {
      const log = await logWith(scene, [2, 2, 2]);
      await log.setHardState({ vote: 'a' });
      assert.deepEqual({ ...log.hardState }, { term: 2, vote: 'a', commit: 0 });
      await log.setHardState({ commit: 2 });
      assert.deepEqual({ ...log.hardState }, { term: 2, vote: 'a', commit: 2 });
      await log.setHardState({});
      await log.save({ entries: entriesOf(4, [2]) });
      assert.deepEqual({ ...log.hardState }, { term: 2, vote: 'a', commit: 2 });
    },
  },
  {
    name: 'hard state: a higher term forgets the vote, and takes any',
    run: async (scene) => {
      const log = await scene.open();
      await log.setHardState({ term: 1, vote: 'a' });
      await log.setHardState({ term: 2 });
      assert.deepEqual({ ...log.hardState }, { term: 2, vote: null, commit: 0 });
      await log.setHardState({ vote: 'b' });
      await log.setHardState({ term: 2, vote: 'b' });
      await log.setHardState({ term: 3, vote: 'c' });
      assert.deepEqual({ ...log.hardState }, { term: 3, vote: 'c', commit: 0 });
    },
  },
  {
    name: 'hard state: votes come back code unit for code unit, and none is taken for another',
    run: async (scene) => {
      const dir = scene.freshDir();
      let log = await scene.open(dir);
      let term = 0;
      for (const [vote, other] of LOOKALIKES) {
        term += 1;
        await log.setHardState({ term, vote });
        if (scene.harness.supports.reopen) log = await scene.reopen(log, dir);
        assert.deepEqual({ ...log.hardState }, { term, vote, commit: 0 });
        await log.setHardState({ term, vote });
        if (scene.harness.supports.interlocks === false) continue;
        await assertRejects('KEELSON_VOTE_CONFLICT', () => log.setHardState({ term, vote: other }));
      }
    },
  },
  {
    name: 'hard state: a value handed out does not change later',
    run: async (scene) => {
      const log = await logWith(scene, [1]);
      const before = log.hardState;
      await log.setHardState({ term: 2, vote: 'a' });
      assert.deepEqual({ ...before }, { term: 1, vote: null, commit: 0 });
    },
  },
  {
    name: 'hard state: a commit at or below the snapshot counts as left out',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1, 1]);
      await log.createSnapshot(snapshotAt(3));
      assert.equal(log.hardState.commit, 3);
      await log.setHardState({ term: 2, commit: 1 });
      assert.deepEqual({ ...log.hardState }, { term: 2, vote: null, commit: 3 });
      await log.setHardState({ commit: 4 });
      assert.equal(log.hardState.commit, 4);
    },
  },
  {
    name: 'hard state: entries and vote of one save arrive together',
    run: async (scene) => {
      const log = await scene.open();
      await log.save({ entries: entriesOf(1, [1, 3]), hardState: { term: 4, vote: 'n', commit: 1 } });
      assert.deepEqual({ ...log.hardState }, { term: 4, vote: 'n', commit: 1 });
      assertEntries(await log.entries(1, 3), entriesOf(1, [1, 3]));
    },
  },
];
