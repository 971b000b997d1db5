import { strict as assert } from 'node:assert';
import { assertEntries, bytesOf, entriesOf, logWith, snapshotAt, type ConformanceCase } from './scene.js';

/** Whose bytes are whose: the caller's buffers before, the returned bytes after. */
export const ownershipCases: readonly ConformanceCase[] = [
  {
    name: 'bytes: the caller may reuse its buffers as soon as save has returned',
    run: async (scene) => {
      const log = await scene.open();
      const entries = entriesOf(1, [1, 1]).map((one) => ({
        ...one,
        data: new Uint8Array(50).fill(one.index),
      }));
      const request = { entries, hardState: { term: 1, vote: 'a' as string | null } };
      const saving = log.save(request);
      for (const one of entries) one.data.fill(0xee);
      entries.length = 0;
      request.hardState.vote = 'b';
      await saving;
      assert.equal(log.hardState.vote, 'a');
      for (const found of await log.entries(1, 3)) {
        assert.deepEqual([...found.data], new Array(50).fill(found.index));
      }
    },
  },
  {
    name: 'bytes: a view of a larger buffer is saved as that view alone',
    run: async (scene) => {
      const log = await scene.open();
      const buffer = new Uint8Array(100).map((_, at) => at);
      await log.save({
        entries: [
          { index: 1, term: 1, kind: 0, data: buffer.subarray(10, 13) },
          { index: 2, term: 1, kind: 0, data: Buffer.from(buffer.buffer, 20, 2) },
        ],
        hardState: { term: 1 },
      });
      const found = await log.entries(1, 3);
      assert.deepEqual(
        found.map(({ data }) => [...data]),
        [
          [10, 11, 12],
          [20, 21],
        ],
      );
    },
  },
  {
    name: 'bytes: what reads return belongs to the caller',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 2]);
      for (const view of [log, log.accepted]) {
        for (const one of await view.entries(1, 4)) one.data.fill(0xee);
      }
      for await (const one of log.stream(1, 4)) one.data.fill(0xee);
      assertEntries(await log.entries(1, 4), entriesOf(1, [1, 1, 2]));
      assertEntries(await log.accepted.entries(1, 4), entriesOf(1, [1, 1, 2]));
    },
  },
  {
    name: 'bytes: a snapshot keeps its own, whatever its caller and its readers do with theirs',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1]);
      const { conf, data } = snapshotAt(1);
      const ours = { index: 1, conf: Uint8Array.from(conf), data: Uint8Array.from(data) };
      const meta = await log.createSnapshot(ours);
      ours.conf.fill(0xee);
      ours.data.fill(0xee);
      meta.conf.fill(0xdd);
      log.snapshot?.conf.fill(0xcc);
      for (let time = 0; time < 2; time += 1) {
        const opened = await log.openSnapshot();
        assert.ok(opened !== null);
        assert.deepEqual([...opened.meta.conf], [...conf]);
        assert.deepEqual([...(log.snapshot?.conf ?? [])], [...conf]);
        assert.deepEqual(await bytesOf(opened.data), data);
        opened.meta.conf.fill(0xbb);
        const again = await log.openSnapshot();
        if (again !== null) for await (const chunk of again.data) chunk.fill(0xaa);
      }
    },
  },
];
