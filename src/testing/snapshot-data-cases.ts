import { strict as assert } from 'node:assert';
import type { SnapshotData } from '../raft-log/contract.js';
import {
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

/** A stream that counts what is done to it. */
class Watched implements AsyncIterableIterator<Uint8Array> {
  pulled = 0;
  ended = 0;
  readonly #next: (count: number) => Promise<IteratorResult<Uint8Array, undefined>>;
  readonly #end: () => Promise<unknown>;

  /** @param end - how its clean-up ends */
  constructor(
    next: (count: number) => Promise<IteratorResult<Uint8Array, undefined>>,
    end: () => Promise<unknown> = () => Promise.resolve(),
  ) {
    this.#next = next;
    this.#end = end;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.pulled += 1;
    return this.#next(this.pulled);
  }
  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.ended += 1;
    await this.#end();
    return { done: true, value: undefined };
  }
}

const never = (): Promise<never> => new Promise<never>(() => undefined);
const piece = (value: Uint8Array): Promise<IteratorResult<Uint8Array, undefined>> =>
  Promise.resolve({ done: false, value });
const silent = (): Watched => new Watched(never, never);

async function* stump(bytes: number): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(bytes);
}

/** What a host's stream may do to the log it is handed to, and what becomes of it there. */
export const snapshotDataCases: readonly ConformanceCase[] = [
  {
    name: 'installSnapshot: the one that is held resolves, its data is let go unread, its hard state saved',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1]);
      const install = { ...snapshotAt(9), term: 1 };
      await log.installSnapshot(install);
      const data = silent();
      const meta = await log.installSnapshot({
        ...install,
        data,
        hardState: { term: 7, vote: 'a', commit: 3 },
      });
      assert.deepEqual(meta, log.snapshot);
      assert.deepEqual([data.pulled, data.ended], [0, 1]);
      assert.deepEqual({ ...log.hardState }, { term: 7, vote: 'a', commit: 9 });
      await log.append(entriesOf(10, [7]));
      await log.installSnapshot({ ...install, hardState: { term: 8 } });
      assert.deepEqual([log.lastIndex, log.hardState.term, log.snapshots.length], [10, 8, 1]);
      const opened = await log.openSnapshot();
      assert.deepEqual(await bytesOf(opened?.data ?? []), dataOf(9, 99));
      await assertRejects('KEELSON_SNAPSHOT_OUT_OF_DATE', () => log.installSnapshot({ ...install, term: 2 }));
    },
  },
  {
    name: 'snapshots: a refused call ends the stream that it was given, at any stage',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      await log.createSnapshot(snapshotAt(2));
      const refused = async (call: (data: SnapshotData) => Promise<unknown>): Promise<void> => {
        const data = silent();
        await assert.rejects(call(data));
        assert.deepEqual([data.pulled, data.ended], [0, 1]);
      };
      await refused((data) => log.createSnapshot({ ...snapshotAt(1), data }));
      await refused((data) => log.createSnapshot({ ...snapshotAt(9), data }));
      await refused((data) => log.createSnapshot({ ...snapshotAt(3), conf: 'no' as never, data }));
      await refused((data) => log.installSnapshot({ ...snapshotAt(1), term: 1, data }));
      await refused((data) => log.installSnapshot({ ...snapshotAt(9), term: 1, data, more: 1 } as never));
      await refused((data) => log.createSnapshot({ ...snapshotAt(3), data, signal: AbortSignal.abort() }));
      await log.close();
      await refused((data) => log.createSnapshot({ ...snapshotAt(3), data }));
    },
  },
  {
    name: 'snapshots: data that never comes, or never ends its clean-up, keeps nobody from anything',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      const wrong = new Watched(() => piece('no bytes' as never), never);
      await assertRejects('KEELSON_INVALID_ARGUMENT', () =>
        log.createSnapshot({ ...snapshotAt(1), data: wrong }),
      );
      assert.equal(wrong.ended, 1);
      await log.createSnapshot(snapshotAt(1));
      const endless = new Watched(() => piece(new Uint8Array(300_000)), never);
      const streaming = later(log.createSnapshot({ ...snapshotAt(2), data: endless }));
      const waiting = silent();
      const behind = later(log.createSnapshot({ ...snapshotAt(3), data: waiting }));
      await log.append([entry(4, 1)]);
      await log.close();
      await assertRejects('KEELSON_CLOSED', () => streaming);
      await assertRejects('KEELSON_CLOSED', () => behind);
      assert.deepEqual([endless.ended, waiting.pulled, waiting.ended, log.lastIndex], [1, 0, 1, 4]);
    },
  },
  {
    name: 'snapshots: data of another size than was said is refused, and the log is as it was',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1]);
      for (const data of [stump(400), stump(1001), new Uint8Array(999)]) {
        const error = await assertRejects('KEELSON_INVALID_ARGUMENT', () =>
          log.installSnapshot({ ...snapshotAt(9), term: 1, bytes: 1000, data }),
        );
        assert.equal(error.details.argument, 'data');
        assert.equal(error.details.expected, '1000 (bytes of the request)');
      }
      for (const bytes of [-1, 1.5, '5'])
        await assertRejects('KEELSON_INVALID_ARGUMENT', () =>
          log.createSnapshot({ ...snapshotAt(1), bytes: bytes as number }),
        );
      assert.deepEqual([log.lastIndex, log.snapshot], [2, null]);
      assert.equal((await log.createSnapshot({ ...snapshotAt(1), bytes: 20, data: stump(20) })).bytes, 20);
      const zero = { ...snapshotAt(9), term: 1, bytes: 0, data: new Uint8Array(0) };
      assert.equal((await log.installSnapshot(zero)).bytes, 0);
    },
  },
  {
    name: 'snapshots: one that is taken from inside the data of another would wait for itself: refused at once',
    run: async (scene) => {
      const log = await logWith(scene, [1, 1, 1]);
      const codes: unknown[] = [];
      async function* nesting(): AsyncGenerator<Uint8Array> {
        yield dataOf(1, 1);
        await log.append([entry(4, 1)]);
        const nested = [
          log.createSnapshot(snapshotAt(1)),
          log.installSnapshot({ ...snapshotAt(9), term: 1 }),
        ];
        for (const one of await Promise.allSettled(nested))
          codes.push(one.status === 'rejected' ? (one.reason as { code?: unknown }).code : one.status);
      }
      await log.createSnapshot({ ...snapshotAt(2), data: nesting() });
      assert.deepEqual(codes, ['KEELSON_INVALID_ARGUMENT', 'KEELSON_INVALID_ARGUMENT']);
      await log.createSnapshot(snapshotAt(3));
      assert.deepEqual([log.snapshot?.index, log.lastIndex], [3, 4]);
    },
  },
];
