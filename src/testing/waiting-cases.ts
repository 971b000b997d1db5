import { strict as assert } from 'node:assert';
import {
  assertEntries,
  assertRejects,
  bytesOf,
  dataOf,
  entriesOf,
  entry,
  later,
  logWith,
  snapshotAt,
  type ConformanceCase,
} from './scene.js';

/** Waiting for room, and giving up a wait. */
export const waitingCases: readonly ConformanceCase[] = [
  {
    name: 'drained: at once where nothing waits, else when saves have ended; refused once the log is closed',
    run: async (scene) => {
      const log = await logWith(scene, [1]);
      await log.drained();
      const saving = later(log.append(entriesOf(2, [1, 1])));
      await log.drained();
      assert.equal(log.lastIndex, 3, 'drained before any save had ended');
      await saving;
      const waiting = [later(log.append([entry(4, 1)])), later(log.drained())];
      await log.close();
      await Promise.all(waiting);
      await assertRejects('KEELSON_CLOSED', () => log.drained());
    },
  },
  {
    name: 'signals: a call that was given up before it began reads and changes nothing',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      await log.createSnapshot(snapshotAt(1));
      const reason = new Error('the host gave up');
      const signal = AbortSignal.abort(reason);
      const calls: readonly (() => Promise<unknown>)[] = [
        () => log.entries(1, 3, { signal }),
        () => log.accepted.entries(1, 3, { signal }),
        async () => {
          for await (const one of log.stream(1, 3, { signal })) assert.fail(`entry ${one.index} was read`);
        },
        async () => {
          for await (const chunk of log.streamChunks(1, 3, { signal }))
            assert.fail(`${chunk.length} entries were read`);
        },
        () => log.openSnapshot({ signal }),
        () => log.createSnapshot({ ...snapshotAt(2), signal }),
        () => log.installSnapshot({ ...snapshotAt(9), term: 1, signal }),
      ];
      for (const call of calls) assert.equal((await assertRejects('KEELSON_ABORTED', call)).cause, reason);
      assert.deepEqual([log.snapshot?.index, log.lastIndex], [1, 3]);
      for (const wrong of [null, 'now', {}]) {
        const options = { signal: wrong as unknown as AbortSignal };
        for (const call of [() => log.entries(1, 2, options), () => log.openSnapshot(options)])
          await assertRejects('KEELSON_INVALID_ARGUMENT', call);
      }
    },
  },
  {
    name: 'signals: a stream, a snapshot that is read, one that is taken and one that waits its turn end at once',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      await log.createSnapshot({ ...snapshotAt(1), data: new Uint8Array(600_000) });
      const given = new AbortController();
      const { signal } = given;
      const entries = log.stream(1, 4, { signal })[Symbol.asyncIterator]();
      assertEntries([(await entries.next()).value as never], entriesOf(1, [1]));
      const opened = await log.openSnapshot({ signal });
      const chunks = opened?.data[Symbol.asyncIterator]();
      await chunks?.next();
      const silence = new Promise<never>(() => undefined);
      async function* silent(): AsyncGenerator<Uint8Array> {
        yield dataOf(2, 1);
        await silence;
      }
      const taken = later(log.createSnapshot({ ...snapshotAt(2), data: silent(), signal }));
      const behind = later(log.createSnapshot({ ...snapshotAt(3), signal }));
      const unaware = later(log.createSnapshot(snapshotAt(2)));
      await log.append([entry(4, 1)]);
      given.abort();
      for (const call of [() => taken, () => behind, () => entries.next(), async () => chunks?.next()])
        await assertRejects('KEELSON_ABORTED', call);
      assert.equal((await unaware).index, 2);
      const again = await log.openSnapshot();
      assert.deepEqual(await bytesOf(again?.data ?? []), dataOf(2, 99));
    },
  },
];
