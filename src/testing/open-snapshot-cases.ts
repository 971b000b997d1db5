import { strict as assert } from 'node:assert';
import { assertRejects, bytesOf, dataOf, later, logWith, snapshotAt, type ConformanceCase } from './scene.js';

/** What a host may do with a snapshot that it has opened, and what the log may not do to it. */
export const openSnapshotCases: readonly ConformanceCase[] = [
  {
    name: 'snapshots: every kept one is listed, newest first, and opened by its index; null for any other',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 2, 2]);
      assert.equal(log.snapshots.length, 0);
      for (const index of [1, 2, 3, 4]) await log.createSnapshot(snapshotAt(index));
      const kept = log.snapshots.map(({ index }) => index);
      assert.deepEqual(kept, [4, 3, 2, 1].slice(0, kept.length));
      assert.deepEqual(log.snapshots[0], log.snapshot);
      for (const meta of log.snapshots) {
        const opened = await log.openSnapshot({ index: meta.index });
        assert.deepEqual(opened?.meta, meta);
        assert.deepEqual(await bytesOf(opened?.data ?? []), dataOf(meta.index, 99));
        meta.conf.fill(0xee);
      }
      for (const index of [5, 9, ...(kept.length < 4 ? [1] : [])])
        assert.equal(await log.openSnapshot({ index }), null);
      assert.deepEqual([...(log.snapshots[0]?.conf ?? [])], [...snapshotAt(4).conf]);
      for (const wrong of [0, -1, 1.5, '2', null])
        await assertRejects('KEELSON_INVALID_ARGUMENT', () => log.openSnapshot({ index: wrong as number }));
      await assertRejects('KEELSON_INVALID_ARGUMENT', () => log.openSnapshot({ at: 2 } as object));
    },
  },
  {
    name: 'snapshots: those kept are the same after reopening',
    needs: ['reopen'],
    run: async (scene) => {
      const dir = scene.freshDir();
      const log = await logWith(scene, [1, 1, 2, 2], dir);
      for (const index of [1, 2, 4]) await log.createSnapshot(snapshotAt(index));
      await log.compact(3);
      const kept = log.snapshots;
      const again = await scene.reopen(log, dir);
      assert.deepEqual(again.snapshots, kept);
      const last = kept.at(-1)?.index ?? 0;
      const opened = await again.openSnapshot({ index: last });
      assert.deepEqual(await bytesOf(opened?.data ?? []), dataOf(last, 99));
    },
  },
  {
    name: 'openSnapshot: what is open is read to its end, begun or not, when it is no longer kept',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1, 1, 1, 1]);
      const large = new Uint8Array(600_000).map((_, at) => at * 7);
      await log.createSnapshot({ ...snapshotAt(1), data: large });
      const unread = await log.openSnapshot();
      const begun = (await log.openSnapshot())?.data[Symbol.asyncIterator]();
      const first = (await begun?.next())?.value as Uint8Array;
      for (let index = 2; log.snapshots.some((one) => one.index === 1) && index <= 6; index += 1)
        await log.createSnapshot(snapshotAt(index));
      const rest = await bytesOf({ [Symbol.asyncIterator]: () => begun as AsyncIterator<Uint8Array> });
      assert.equal(Buffer.compare(Buffer.concat([first, rest]), large), 0);
      assert.equal(Buffer.compare(await bytesOf(unread?.data ?? []), large), 0);
    },
  },
  {
    name: 'openSnapshot: the data is run through once, and close ends it, before, within and behind',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1]);
      await log.createSnapshot({ ...snapshotAt(1), data: new Uint8Array(600_000) });
      const opened = await log.openSnapshot();
      assert.ok(opened !== null);
      assert.equal((await bytesOf(opened.data)).length, 600_000);
      const twice = await assertRejects('KEELSON_INVALID_ARGUMENT', () => bytesOf(opened.data));
      assert.equal(twice.details.argument, 'data');
      await opened.close();
      await opened[Symbol.asyncDispose]();

      const unread = await log.openSnapshot();
      await unread?.close();
      await assertRejects('KEELSON_CLOSED', () => bytesOf(unread?.data ?? []));

      const half = await log.openSnapshot();
      const chunks = half?.data[Symbol.asyncIterator]();
      await chunks?.next();
      await half?.close();
      await assertRejects('KEELSON_CLOSED', async () => chunks?.next());
    },
  },
  {
    name: 'close: open snapshots end with the log, and say so',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1]);
      await log.createSnapshot({ ...snapshotAt(1), data: new Uint8Array(600_000) });
      const unread = await log.openSnapshot();
      const half = (await log.openSnapshot())?.data[Symbol.asyncIterator]();
      await half?.next();
      const opening = later(log.openSnapshot());
      await log.close();
      await assertRejects('KEELSON_CLOSED', () => bytesOf(unread?.data ?? []));
      await assertRejects('KEELSON_CLOSED', async () => half?.next());
      await assertRejects('KEELSON_CLOSED', async () => bytesOf((await opening)?.data ?? []));
      assert.equal(log.snapshots.length, 1);
    },
  },
];
