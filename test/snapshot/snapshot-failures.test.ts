/**
 * A disk may refuse any call: the job must then fail by the right name, leave nothing half there, and leave
 * every other snapshot as it was. Each call of each job is made to fail in turn, and what is left is looked at.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { isKeelsonError } from '../../src/errors/index.js';
import { LIMITS } from '../../src/format/limits.js';
import { failing, type ObservedCall, type Observer } from './observed-disk.js';
import {
  bytesOf,
  inPieces,
  openObserved,
  openStore,
  patterned,
  publish,
  readAll,
  rejection,
  snapshotsDirectory,
} from './snapshots.js';

const REQUEST = { index: 2, term: 1, conf: bytesOf('conf'), data: patterned(40) } as const;

/** An observer that can be told to refuse calls; refuses none at first. */
function saboteur(): {
  readonly observe: Observer;
  refuse(when: (call: ObservedCall) => string | null): void;
} {
  let judge: (call: ObservedCall) => string | null = () => null;
  return {
    observe: (call) => {
      const code = judge(call);
      if (code !== null) throw failing(code, call);
    },
    refuse: (when) => {
      judge = when;
    },
  };
}

describe('a failure has its code', () => {
  test.each([
    { call: 'open', system: 'ENOSPC', code: 'KEELSON_NO_SPACE' },
    { call: 'open', system: 'EMFILE', code: 'KEELSON_WRITE_FAILED' },
    { call: 'write', system: 'ENOSPC', code: 'KEELSON_NO_SPACE' },
    { call: 'write', system: 'EDQUOT', code: 'KEELSON_NO_SPACE' },
    { call: 'write', system: 'EIO', code: 'KEELSON_WRITE_FAILED' },
    { call: 'dataSync', system: 'EIO', code: 'KEELSON_SYNC_FAILED' },
    // D7: a full disk that a sync tells of is a failed sync.
    { call: 'dataSync', system: 'ENOSPC', code: 'KEELSON_SYNC_FAILED' },
    { call: 'close', system: 'EIO', code: 'KEELSON_WRITE_FAILED' },
  ] as const)(
    '$system from $call of a write: $code, and the store goes on',
    async ({ call, system, code }) => {
      const { observe, refuse } = saboteur();
      const { store, disk } = await openObserved(snapshotsDirectory(), observe);
      const kept = await publish(store, 1, patterned(9));
      refuse(({ name }) => (name === call ? system : null));
      const error = await rejection(store.write(REQUEST));
      expect(error).toMatchObject({ code, family: 'environment', details: { systemCode: system } });
      expect(basename((error as { path: string }).path)).toBe('0000000000000002-0000000000000001.tmp');
      refuse(() => null);

      expect(disk.openFiles).toBe(0);
      expect(store.isFailed).toBe(false);
      expect(readdirSync(store.dir)).toEqual(['0000000000000001-0000000000000001.snap']);
      const ref = await publish(store, 2, REQUEST.data);
      expect(await readAll(store, ref)).toEqual(REQUEST.data);
      expect(await readAll(store, kept)).toEqual(patterned(9));
    },
  );

  test.each([
    { system: 'ENOSPC', code: 'KEELSON_NO_SPACE' },
    { system: 'EIO', code: 'KEELSON_WRITE_FAILED' },
  ])('$system from the rename: $code, and nothing is left', async ({ system, code }) => {
    const { observe, refuse } = saboteur();
    const { store } = await openObserved(snapshotsDirectory(), observe);
    const staged = await store.write(REQUEST);
    refuse(({ name }) => (name === 'rename' ? system : null));
    expect(await rejection(staged.publish())).toMatchObject({ code, path: staged.path });
    refuse(() => null);
    expect(store.isFailed).toBe(false);
    expect(readdirSync(store.dir)).toEqual([]);
    expect(await readAll(store, await publish(store, 2, REQUEST.data))).toEqual(REQUEST.data);
  });

  test('a failed sync of the directory fails the store, which still reads; reopening clears it (D5)', async () => {
    const { observe, refuse } = saboteur();
    const dir = snapshotsDirectory();
    const { store } = await openObserved(dir, observe);
    const kept = await publish(store, 1, patterned(9));
    const staged = await store.write(REQUEST);
    refuse(({ name }) => (name === 'syncDirectory' ? 'EIO' : null));
    expect(await rejection(staged.publish())).toMatchObject({ code: 'KEELSON_SYNC_FAILED', path: dir });
    expect(store.isFailed).toBe(true);

    // The next sync would say OK without having written the name.
    refuse(() => null);
    expect(await rejection(staged.publish())).toMatchObject({ code: 'KEELSON_SYNC_FAILED' });
    expect(await rejection(store.write({ ...REQUEST, index: 5 }))).toMatchObject({ code: 'KEELSON_FAILED' });
    expect(await rejection(store.retain([]))).toMatchObject({ code: 'KEELSON_FAILED' });
    expect(await readAll(store, kept)).toEqual(patterned(9));

    const reopened = await openStore(dir);
    expect((await reopened.retain([kept])).map((path) => basename(path))).toEqual([basename(staged.path)]);
    expect(await readAll(reopened, kept)).toEqual(patterned(9));
  });

  test('a snapshot staged before the store failed is not published', async () => {
    const { observe, refuse } = saboteur();
    const { store } = await openObserved(snapshotsDirectory(), observe);
    const [first, second] = [await store.write(REQUEST), await store.write({ ...REQUEST, index: 3 })];
    refuse(({ name }) => (name === 'syncDirectory' ? 'EIO' : null));
    await rejection(first.publish());
    refuse(() => null);
    expect(await rejection(second.publish())).toMatchObject({ code: 'KEELSON_FAILED' });
    expect((await store.list()).map(({ index }) => index)).toEqual([2]);
  });

  test.each(['open', 'stat', 'read'] as const)(
    'EIO from %s of a reader is never a tear (R9)',
    async (call) => {
      const { observe, refuse } = saboteur();
      const { store, disk } = await openObserved(snapshotsDirectory(), observe);
      const ref = await publish(store, 1, patterned(40));
      let reads = 0;
      const readsUntilFailure = call === 'read' ? 7 : 1;
      for (let failAt = 1; failAt <= readsUntilFailure; failAt += 1) {
        reads = 0;
        refuse(({ name }) => (name === call && ++reads === failAt ? 'EIO' : null));
        const error = await rejection(readAll(store, ref));
        expect(error).toMatchObject({ code: 'KEELSON_READ_FAILED', details: { systemCode: 'EIO' } });
        expect(disk.openFiles).toBe(0);
      }
      refuse(() => null);
      expect(await readAll(store, ref)).toEqual(patterned(40));
    },
  );

  test('a failed unlink is told after all others were tried, and the next retain finishes', async () => {
    const { observe, refuse } = saboteur();
    const { store } = await openObserved(snapshotsDirectory(), observe);
    for (const index of [1, 2, 3]) await publish(store, index, patterned(index));
    refuse(({ name, path }) => (name === 'unlink' && path.includes('0000002-') ? 'EIO' : null));
    expect(await rejection(store.retain([]))).toMatchObject({ code: 'KEELSON_WRITE_FAILED' });
    expect((await store.list()).map(({ index }) => index)).toEqual([2]);
    refuse(() => null);
    expect((await store.retain([])).length).toBe(1);
  });
});

describe('the data that a caller streams in', () => {
  test.each(['at once', 'after some pieces'])(
    'what it throws is thrown on, that very value: %s',
    async (when) => {
      const { store, disk } = await openObserved(snapshotsDirectory(), () => undefined);
      const cause = new Error('state machine went away');
      async function* throwing(): AsyncGenerator<Uint8Array> {
        if (when !== 'at once') yield patterned(50);
        await Promise.resolve();
        throw cause;
      }
      expect(await rejection(store.write({ ...REQUEST, data: throwing() }))).toBe(cause);
      expect(disk.openFiles).toBe(0);
      expect(readdirSync(store.dir)).toEqual([]);
      expect(await readAll(store, await publish(store, 2, REQUEST.data))).toEqual(REQUEST.data);
    },
  );

  test('a piece that is not bytes is refused', async () => {
    const store = await openStore(snapshotsDirectory());
    for (const piece of ['text', null, undefined, new Uint16Array(4)]) {
      const data = inPieces([patterned(3), piece as unknown as Uint8Array]);
      expect(await rejection(store.write({ ...REQUEST, data }))).toMatchObject({
        code: 'KEELSON_INVALID_ARGUMENT',
        details: { argument: 'data' },
      });
    }
    expect(readdirSync(store.dir)).toEqual([]);
  });

  test('is ended when the disk fails, once, and its own complaint does not hide the failure', async () => {
    const { observe, refuse } = saboteur();
    const { store } = await openObserved(snapshotsDirectory(), observe);
    let returns = 0;
    const data: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: patterned(100) }),
        return: () => {
          returns += 1;
          return Promise.reject(new Error('while cleaning up'));
        },
      }),
    };
    let writes = 0;
    refuse(({ name }) => (name === 'write' && ++writes === 3 ? 'EIO' : null));
    expect(await rejection(store.write({ ...REQUEST, data }))).toMatchObject({
      code: 'KEELSON_WRITE_FAILED',
    });
    expect(returns).toBe(1);
  });

  test('is not ended by force when it came to its end', async () => {
    const store = await openStore(snapshotsDirectory());
    let returns = 0;
    const data: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: true, value: undefined }),
        return: () => {
          returns += 1;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    expect(await readAll(store, await publish(store, 2, data))).toEqual(bytesOf(''));
    expect(returns).toBe(0);
  });

  test('can be aborted before, between pieces, and while it is silent', async () => {
    const store = await openStore(snapshotsDirectory());
    const reason = new Error('leader changed');
    const aborted = { code: 'KEELSON_ABORTED', family: 'caller', cause: reason };
    const before = store.write({ ...REQUEST, signal: AbortSignal.abort(reason) });
    expect(await rejection(before)).toMatchObject(aborted);

    const between = new AbortController();
    async function* aborting(): AsyncGenerator<Uint8Array> {
      yield patterned(30);
      await Promise.resolve();
      between.abort(reason);
      yield patterned(30);
    }
    const data = aborting();
    expect(await rejection(store.write({ ...REQUEST, data, signal: between.signal }))).toMatchObject(aborted);

    const silent = new AbortController();
    async function* falling(): AsyncGenerator<Uint8Array> {
      yield patterned(30);
      queueMicrotask(() => {
        silent.abort(reason);
      });
      await new Promise<never>(() => undefined);
    }
    const write = store.write({ ...REQUEST, data: falling(), signal: silent.signal });
    expect(await rejection(write)).toMatchObject(aborted);

    const large = new AbortController();
    const { store: observed } = await openObserved(store.dir, ({ name }) => {
      if (name === 'write') large.abort(reason);
    });
    const atOnce = observed.write({ ...REQUEST, data: patterned(1000), signal: large.signal });
    expect(await rejection(atOnce)).toMatchObject(aborted);
    expect(readdirSync(store.dir)).toEqual([]);
  });
});

test('a job that fails at any one call leaves the kept snapshot whole and its own name absent or whole', async () => {
  for (const system of ['EIO', 'ENOSPC']) {
    let hasFailed = true;
    for (let failAt = 1; hasFailed; failAt += 1) {
      const { observe, refuse } = saboteur();
      const { store, disk } = await openObserved(snapshotsDirectory(), observe);
      const kept = await publish(store, 1, patterned(9));
      const orphan = await publish(store, 8, patterned(9));
      let calls = 0;
      refuse(() => (++calls === failAt ? system : null));
      let ref = null;
      try {
        ref = await publish(store, 2, REQUEST.data);
        await store.retain([kept, ref]);
        hasFailed = calls >= failAt;
      } catch (error) {
        expect(isKeelsonError(error), `${system} at call ${String(failAt)}: ${String(error)}`).toBe(true);
        expect((error as { family: unknown }).family).toBe('environment');
      }
      refuse(() => null);
      expect(disk.openFiles).toBe(0);
      expect(await readAll(store, kept)).toEqual(patterned(9));
      if (ref !== null) expect(await readAll(store, ref)).toEqual(REQUEST.data);

      const reopened = await openStore(store.dir);
      const names = ref === null ? [kept] : [kept, ref];
      await reopened.retain(names);
      expect((await reopened.list()).map(({ index }) => index)).toEqual(names.map(({ index }) => index));
      expect(await rejection(reopened.open(orphan))).toMatchObject({ code: 'KEELSON_MISSING_SNAPSHOT' });
    }
  }
});

test('memory is bounded: no call moves more than a chunk, and nothing is pulled ahead of the disk', async () => {
  const dir = snapshotsDirectory();
  const chunkBytes = LIMITS.snapshotChunkBytes;
  const pieceBytes = 100_000;
  let movedBytes = 0;
  let pulledBytes = 0;
  let outstandingMax = 0;
  let largestCall = 0;
  const { store } = await openObserved(
    dir,
    ({ name, bytes }) => {
      largestCall = Math.max(largestCall, bytes);
      if (name === 'write') movedBytes += bytes;
    },
    { chunkBytes },
  );
  async function* counted(): AsyncGenerator<Uint8Array> {
    for (let round = 0; round < 100; round += 1) {
      await Promise.resolve();
      pulledBytes += pieceBytes;
      outstandingMax = Math.max(outstandingMax, pulledBytes - movedBytes);
      yield new Uint8Array(pieceBytes).fill(round);
    }
  }
  const ref = await publish(store, 1, counted());
  expect(largestCall).toBe(chunkBytes + 8);
  expect(outstandingMax).toBeLessThanOrEqual(chunkBytes + pieceBytes);

  // Reading: what was read from the disk and not yet handed out is never more than a chunk.
  let readBytes = 0;
  const reader = await openObserved(dir, ({ name, bytes }) => (readBytes += name === 'read' ? bytes : 0), {
    readOnly: true,
  });
  const { meta } = await reader.store.readEnds(ref);
  const data = await reader.store.open(ref);
  readBytes = 0;
  let handedBytes = 0;
  for await (const piece of data) {
    handedBytes += piece.length;
    expect(readBytes - handedBytes).toBeLessThan(chunkBytes);
  }
  expect(handedBytes).toBe(meta.bytes);
});

test('a long snapshot is synced on the way, so that no sync has to wait for all of it', async () => {
  let unsyncedBytes = 0;
  let unsyncedMax = 0;
  const { store } = await openObserved(
    snapshotsDirectory(),
    ({ name, bytes }) => {
      if (name === 'write') unsyncedBytes += bytes;
      unsyncedMax = Math.max(unsyncedMax, unsyncedBytes);
      if (name === 'dataSync') unsyncedBytes = 0;
    },
    { chunkBytes: LIMITS.snapshotChunkBytes },
  );
  await publish(store, 1, new Uint8Array(20 * 1024 * 1024));
  expect(unsyncedBytes).toBe(0);
  expect(unsyncedMax).toBeLessThan(9 * 1024 * 1024);
});

test('a staged file that the log names outlives the rename that fails', async () => {
  const dir = snapshotsDirectory();
  const { ref } = await (await openStore(dir)).write(REQUEST);
  const { observe, refuse } = saboteur();
  const { store } = await openObserved(dir, observe);
  refuse(({ name }) => (name === 'rename' ? 'EIO' : null));
  const failed = await rejection(store.publishStaged(ref, dir, () => Promise.resolve()));
  expect(failed).toMatchObject({ code: 'KEELSON_WRITE_FAILED' });
  refuse(() => null);
  expect(await store.publishStaged(ref, dir, () => Promise.resolve())).toEqual([]);
  expect(await readAll(store, ref)).toEqual(REQUEST.data);
  expect(readdirSync(dir)).toEqual(['0000000000000002-0000000000000001.snap']);
});

test('what is no snapshot and finds no room aside stays, and so does the named one that waits for its name', async () => {
  const dir = snapshotsDirectory();
  const { ref } = await (await openStore(dir)).write(REQUEST);
  for (const name of ['0000000000000001-0000000000000001.snap', '0000000000000002-0000000000000001.snap'])
    writeFileSync(join(dir, name), 'no snapshot');
  const before = readdirSync(dir);
  const { observe, refuse } = saboteur();
  const { store } = await openObserved(dir, observe);
  refuse(({ name }) => (name === 'mkdir' ? 'ENOSPC' : null));
  const place = { folder: join(dir, '..', 'quarantine'), checkFence: () => Promise.resolve() };
  expect(await store.publishStaged(ref, place.folder, place.checkFence)).toEqual([]);
  const { moved } = await store.setUnusableAside({ ...place, named: ref, holds: () => false });
  expect(moved).toEqual([]);
  refuse(() => null);
  // Nobody has looked at what these hold, and under the temporary name stands all there is of the named one.
  expect(await store.retain([ref])).toEqual([]);
  expect(readdirSync(dir)).toEqual(before);
  expect(await readAll(store, ref)).toEqual(REQUEST.data);
});
