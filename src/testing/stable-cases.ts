import { strict as assert } from 'node:assert';
import type { RaftLog } from '../raft-log/contract.js';
import { assertRejects, entriesOf, logWith, snapshotAt, type ConformanceCase } from './scene.js';

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

function assertStable(
  values: RaftLog['stable'],
  expected: Readonly<Record<string, readonly number[]>>,
): void {
  const found = Object.fromEntries([...values].map(([key, value]) => [key, [...value]]));
  assert.deepEqual(found, expected);
}

/** Small values beside the log: how they change, what they outlast, how many there may be. */
export const stableCases: readonly ConformanceCase[] = [
  {
    name: 'small values: those named change, null drops one, the others stay',
    run: async (scene) => {
      const log = await scene.open();
      assertStable(log.stable, {});
      await log.save({ stable: { a: bytes(1, 2), b: bytes(), 'c\0\u{1F980}': bytes(9) } });
      await log.save({ stable: { b: bytes(3), 'c\0\u{1F980}': null, none: null } });
      assertStable(log.stable, { a: [1, 2], b: [3] });
      await log.save({ stable: {} });
      assertStable(log.stable, { a: [1, 2], b: [3] });
    },
  },
  {
    name: 'small values: one atom with entries and hard state, shown by accepted at once',
    run: async (scene) => {
      const log = await scene.open();
      const saving = log.save({
        entries: entriesOf(1, [1]),
        hardState: { term: 1 },
        stable: { committed: bytes(1) },
      });
      assertStable(log.accepted.stable, { committed: [1] });
      await saving;
      assertStable(log.stable, { committed: [1] });
      // The whole save is refused for its entries, and for its values.
      await assertRejects('KEELSON_INDEX_GAP', () =>
        log.save({ entries: entriesOf(5, [1]), stable: { committed: null } }),
      );
      await assertRejects('KEELSON_TOO_LARGE', () =>
        log.save({ entries: entriesOf(2, [1]), stable: { big: new Uint8Array(5000) } }),
      );
      assert.equal(log.accepted.lastIndex, 1);
      assertStable(log.accepted.stable, { committed: [1] });
    },
  },
  {
    name: 'small values: what is handed in and out is copied',
    run: async (scene) => {
      const log = await scene.open();
      const value = bytes(1, 2, 3);
      const saving = log.save({ stable: { key: value } });
      value.fill(9);
      await saving;
      log.stable.get('key')?.fill(7);
      log.accepted.stable.get('key')?.fill(7);
      assertStable(log.stable, { key: [1, 2, 3] });
    },
  },
  {
    name: 'small values: at most 32 keys of 1..64 bytes, 4 KiB in all',
    run: async (scene) => {
      const log = await scene.open();
      const keys = Array.from({ length: 32 }, (_, at) => `key-${at}`);
      const full = Object.fromEntries(keys.map((key) => [key, bytes(1)]));
      await log.save({ stable: full });
      await assertRejects('KEELSON_TOO_LARGE', () => log.save({ stable: { more: bytes() } }));
      await log.save({ stable: { more: bytes(), 'key-0': null } });
      await log.save({ stable: Object.fromEntries([...keys, 'more'].map((key) => [key, null])) });
      await log.save({ stable: { ['\u00e9'.repeat(32)]: new Uint8Array(4096 - 64) } });
      await assertRejects('KEELSON_TOO_LARGE', () => log.save({ stable: { k: bytes() } }));
      for (const key of ['', 'x'.repeat(65), '\u00e9'.repeat(33), '\ud800'])
        await assertRejects('KEELSON_INVALID_ARGUMENT', () => log.save({ stable: { [key]: bytes() } }));
      for (const stable of [null, [], { key: undefined }, { key: 'text' }, { key: [1] }])
        await assertRejects('KEELSON_INVALID_ARGUMENT', () => log.save({ stable } as never));
      assert.equal(log.stable.size, 1);
    },
  },
  {
    name: 'small values: outlast snapshots, compaction and a log that was replaced',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      await log.save({ hardState: { commit: 2 }, stable: { key: bytes(4) } });
      await log.createSnapshot(snapshotAt(2));
      await log.compact(2);
      assertStable(log.stable, { key: [4] });
      await log.installSnapshot({ ...snapshotAt(9), term: 1 });
      assertStable(log.stable, { key: [4] });
      assertStable(log.accepted.stable, { key: [4] });
    },
  },
  {
    name: 'small values: are there after reopening',
    needs: ['reopen'],
    run: async (scene) => {
      const dir = scene.freshDir();
      const log = await scene.open(dir);
      await log.save({ stable: { a: bytes(1), '\uFEFFa': bytes(2), b: bytes(3) } });
      await log.save({ stable: { b: null } });
      const again = await scene.reopen(log, dir);
      assertStable(again.stable, { a: [1], '\uFEFFa': [2] });
      assertStable(again.accepted.stable, { a: [1], '\uFEFFa': [2] });
    },
  },
];
