/**
 * A snapshot replaces the log before it: if it comes back otherwise than it was given, state is lost for good.
 * Whole lives of snapshots are run on real files, in every chunking, and held against what was written.
 */
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isKeelsonError, KeelsonError } from '../../src/errors/index.js';
import { LIMITS } from '../../src/format/limits.js';
import type { SnapshotStore, SnapshotStream } from '../../src/snapshot/index.js';
import {
  bytesOf,
  collected,
  concatenated,
  inPieces,
  openObserved,
  openStore,
  patterned,
  publish,
  readAll,
  rejection,
  snapshotsDirectory,
  LINEAGE,
} from './snapshots.js';

const unheard = (): void => undefined;

describe('a round trip', () => {
  test('gives back the same bytes, however they are cut on the way in', async () => {
    const store = await openStore(snapshotsDirectory());
    let index = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 12 }),
        fc.uint8Array({ maxLength: 30 }),
        async (pieces, conf) => {
          index += 1;
          const ref = await publish(store, index, inPieces(pieces), { conf, term: 3 });
          const data = concatenated(pieces);
          expect((await store.readEnds(ref)).meta).toEqual({ index, term: 3, conf, bytes: data.length });
          expect(await readAll(store, ref)).toEqual(data);
          await store.retain([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    0,
    1,
    LIMITS.snapshotChunkBytes - 1,
    LIMITS.snapshotChunkBytes,
    LIMITS.snapshotChunkBytes + 1,
    1_000_000,
  ])('%i bytes at once, in chunks of the default size, after reopening', async (length) => {
    const dir = snapshotsDirectory();
    const chunkBytes = LIMITS.snapshotChunkBytes;
    const data = patterned(length);
    const ref = await publish(await openStore(dir, { chunkBytes }), 7, data);
    const reopened = await openStore(dir, { chunkBytes });
    // Compared as buffers: toEqual walks a million numbers for seconds.
    expect(Buffer.compare(await readAll(reopened, ref), data)).toBe(0);
  });

  test('a buffer that the caller reuses for each piece', async () => {
    const store = await openStore(snapshotsDirectory());
    async function* reusing(): AsyncGenerator<Uint8Array> {
      const buffer = new Uint8Array(10);
      for (let round = 1; round <= 9; round += 1) {
        await Promise.resolve();
        yield buffer.fill(round);
      }
      buffer.fill(0xff);
    }
    const ref = await publish(store, 1, reusing());
    const expected = concatenated(Array.from({ length: 9 }, (_, at) => new Uint8Array(10).fill(at + 1)));
    expect(await readAll(store, ref)).toEqual(expected);
  });

  test('the largest conf and the largest labels', async () => {
    const store = await openStore(snapshotsDirectory());
    const conf = patterned(LIMITS.confBytesMax);
    const staged = await store.write({ index: 2 ** 53 - 1, term: 2 ** 53 - 1, conf, data: bytesOf('x') });
    await staged.publish();
    const index = 2 ** 53 - 1;
    expect((await store.readEnds(staged.ref)).meta).toEqual({ index, term: index, conf, bytes: 1 });
    expect(await store.list()).toEqual([{ index, term: index, path: staged.path }]);
  });

  test('chunks handed out belong to the reader', async () => {
    const store = await openStore(snapshotsDirectory());
    const ref = await publish(store, 1, patterned(40));
    const { meta } = await store.readEnds(ref);
    const data = await store.open(ref);
    const pieces: Uint8Array[] = [];
    for await (const piece of data) {
      pieces.push(piece.slice());
      piece.fill(0);
    }
    meta.conf.fill(0);
    expect(concatenated(pieces)).toEqual(patterned(40));
    expect((await store.readEnds(ref)).meta.conf).toEqual(bytesOf('conf of 1'));
  });
});

describe('publishing', () => {
  test('shows a snapshot to nobody before it', async () => {
    const store = await openStore(snapshotsDirectory());
    const staged = await store.write({ index: 4, term: 2, conf: bytesOf(''), data: patterned(33) });
    expect(await store.list()).toEqual([]);
    const missing = await rejection(store.readEnds(staged.ref));
    expect(missing).toMatchObject({ code: 'KEELSON_MISSING_SNAPSHOT', path: staged.path });
    await staged.publish();
    await staged.publish();
    expect(await store.list()).toEqual([{ index: 4, term: 2, path: staged.path }]);
    expect(readdirSync(store.dir)).toEqual(['0000000000000004-0000000000000002.snap']);
  });

  test('discard removes the file, and the same labels can be written again', async () => {
    const store = await openStore(snapshotsDirectory());
    const request = { index: 4, term: 2, conf: bytesOf(''), data: patterned(33) };
    const staged = await store.write(request);
    expect(await rejection(store.write(request))).toMatchObject({ code: 'KEELSON_INVALID_ARGUMENT' });
    await staged.discard();
    expect(readdirSync(store.dir)).toEqual([]);
    expect(await rejection(staged.publish())).toMatchObject({ code: 'KEELSON_ABORTED' });
    const again = await store.write(request);
    await again.publish();
    await again.discard();
    expect(await readAll(store, again.ref)).toEqual(patterned(33));
  });

  test('discard behind publish does nothing: the same labels may be on their way again', async () => {
    const store = await openStore(snapshotsDirectory());
    const first = await store.write({ index: 1, term: 1, conf: bytesOf('c'), data: patterned(20) });
    await first.publish();
    const again = await store.write({ index: 1, term: 1, conf: bytesOf('c'), data: patterned(50) });
    await first.discard();
    await store.retain([first.ref]);
    await again.publish();
    expect(await readAll(store, again.ref)).toEqual(patterned(50));
  });

  test('replaces an orphan of the same labels, whose own ref then names nothing', async () => {
    const store = await openStore(snapshotsDirectory());
    const orphan = await publish(store, 9, bytesOf('never named by a record'));
    const ref = await publish(store, 9, bytesOf('named'));
    expect(await readAll(store, ref)).toEqual(bytesOf('named'));
    expect(await rejection(store.open(orphan))).toMatchObject({
      code: 'KEELSON_CORRUPT',
      expected: orphan.checksum,
    });
  });

  test("a leftover of a write that was killed is in nobody's way", async () => {
    const store = await openStore(snapshotsDirectory());
    writeFileSync(
      join(store.dir, '0000000000000009-0000000000000001.tmp'),
      'half of something much longer'.repeat(40),
    );
    const ref = await publish(store, 9, bytesOf('whole'));
    expect(await readAll(store, ref)).toEqual(bytesOf('whole'));
    expect(readdirSync(store.dir)).toEqual(['0000000000000009-0000000000000001.snap']);
  });

  test('a leftover that shares its inode with a published file, after a crash inside a rename, is not written into', async () => {
    const store = await openStore(snapshotsDirectory());
    const ref = await publish(store, 9, bytesOf('published'));
    linkSync(
      join(store.dir, '0000000000000009-0000000000000001.snap'),
      join(store.dir, '0000000000000009-0000000000000001.tmp'),
    );
    const staged = await store.write({ index: 9, term: 1, conf: bytesOf(''), data: bytesOf('other') });
    expect(await readAll(store, ref)).toEqual(bytesOf('published'));
    await staged.publish();
    expect(await readAll(store, staged.ref)).toEqual(bytesOf('other'));
    expect(readdirSync(store.dir)).toEqual(['0000000000000009-0000000000000001.snap']);
  });
});

describe('reading', () => {
  test('goes on while retention takes the name away, and ends there if it never began', async () => {
    const { store, disk } = await openObserved(snapshotsDirectory(), () => undefined);
    const ref = await publish(store, 1, patterned(100));
    const begun = (await store.open(ref))[Symbol.asyncIterator]();
    const first = await begun.next();
    const unread = await store.open(ref);
    await store.retain([]);
    expect(existsSync(join(store.dir, '0000000000000001-0000000000000001.snap'))).toBe(false);
    const pieces = [first.value as Uint8Array];
    for (let next = await begun.next(); next.done !== true; next = await begun.next())
      pieces.push(next.value);
    expect(concatenated(pieces)).toEqual(patterned(100));
    expect(await collected(unread)).toEqual(patterned(100));
    expect(disk.openFiles).toBe(0);
  });

  test('a file that takes the name of one that is open is another, and both are read', async () => {
    const store = await openStore(snapshotsDirectory());
    const opened = await store.open(await publish(store, 9, bytesOf('first')));
    const ref = await publish(store, 9, bytesOf('second'));
    expect(await readAll(store, ref)).toEqual(bytesOf('second'));
    expect(await collected(opened)).toEqual(bytesOf('first'));
  });

  test('takes one descriptor for all readers, and none before it begins and behind its end', async () => {
    const { store, disk } = await openObserved(snapshotsDirectory(), () => undefined);
    const ref = await publish(store, 1, patterned(100));
    const opened = await Promise.all(Array.from({ length: 5 }, () => store.open(ref)));
    expect(disk.openFiles).toBe(0);
    const [whole, left, half, ...unread] = opened as [SnapshotStream, SnapshotStream, SnapshotStream];
    expect(await collected(whole)).toEqual(patterned(100));
    expect(disk.openFiles).toBe(0);
    for await (const piece of left) {
      expect(piece).toEqual(patterned(16));
      expect(disk.openFiles).toBe(1);
      await half[Symbol.asyncIterator]().next();
      expect(disk.openFiles).toBe(1);
      break;
    }
    expect(disk.openFiles).toBe(1);
    await half.close();
    expect(disk.openFiles).toBe(0);
    for (const data of unread as SnapshotStream[]) await data.close();
    expect(disk.openFiles).toBe(0);
  });

  test('is done once: a second run says so instead of bringing nothing', async () => {
    const store = await openStore(snapshotsDirectory());
    const ref = await publish(store, 1, patterned(40));
    const data = await store.open(ref);
    expect(await collected(data)).toEqual(patterned(40));
    expect(await rejection(collected(data))).toMatchObject({
      code: 'KEELSON_INVALID_ARGUMENT',
      details: { argument: 'data' },
    });
  });

  test('ends with the store, also one that is being opened: KEELSON_CLOSED, and no file stays open', async () => {
    const { store, disk } = await openObserved(snapshotsDirectory(), () => undefined);
    const ref = await publish(store, 1, patterned(100));
    const half = (await store.open(ref))[Symbol.asyncIterator]();
    await half.next();
    const opening = rejection(store.open(ref));
    await store.close();
    for (const refused of [await opening, await rejection(half.next()), await rejection(store.open(ref))])
      expect(refused).toMatchObject({ code: 'KEELSON_CLOSED' });
    expect(disk.openFiles).toBe(0);
  });

  test('a file that cannot be kept open keeps its name', async () => {
    let isShort = false;
    const { store } = await openObserved(snapshotsDirectory(), (call) => {
      if (isShort && call.name === 'open')
        throw Object.assign(new Error('no descriptors'), { code: 'EMFILE' });
      return undefined;
    });
    const ref = await publish(store, 1, patterned(100));
    const data = await store.open(ref);
    isShort = true;
    expect(await rejection(store.retain([]))).toMatchObject({ family: 'environment' });
    isShort = false;
    expect(await collected(data)).toEqual(patterned(100));
    expect(await store.retain([])).toHaveLength(1);
  });
});

describe('retention', () => {
  test('deletes what is not named and leftovers, and touches no foreign name', async () => {
    const store = await openStore(snapshotsDirectory());
    const refs = [];
    for (const index of [1, 2, 3]) refs.push(await publish(store, index, patterned(index)));
    const foreign = [
      'notes.txt',
      '1-1.snap',
      '0000000000000001-0000000000000001.snap.bak',
      '9999999999999999-0000000000000001.tmp',
    ];
    for (const name of foreign) writeFileSync(join(store.dir, name), 'mine');
    mkdirSync(join(store.dir, '0000000000000077-0000000000000001.snap'));
    writeFileSync(join(store.dir, '0000000000000005-0000000000000001.tmp'), 'left by a crash');

    const deleted = await store.retain(refs.slice(1, 2));
    const names = deleted.map((path) => path.slice(store.dir.length + 1)).sort();
    expect(names).toEqual([
      '0000000000000001-0000000000000001.snap',
      '0000000000000003-0000000000000001.snap',
      '0000000000000005-0000000000000001.tmp',
    ]);
    expect((await store.list()).map(({ index }) => index)).toEqual([2]);
    expect(readdirSync(store.dir)).toEqual(
      [...foreign, '0000000000000002-0000000000000001.snap', '0000000000000077-0000000000000001.snap'].sort(),
    );
    expect(await store.retain(refs.slice(1, 2))).toEqual([]);
  });

  test('leaves alone what is being written, at every moment of it', async () => {
    const store = await openStore(snapshotsDirectory());
    async function* retaining(): AsyncGenerator<Uint8Array> {
      for (let round = 0; round < 4; round += 1) {
        await store.retain([]);
        yield patterned(20);
      }
    }
    const [staged] = await Promise.all([
      store.write({ index: 1, term: 1, conf: bytesOf(''), data: retaining() }),
      store.retain([]),
    ]);
    await store.retain([]);
    await Promise.all([staged.publish(), store.retain([])]);
    expect((await readAll(store, staged.ref)).length).toBe(80);
    expect((await store.retain([])).length).toBe(1);
  });
});

describe('opening', () => {
  test('makes the directory and syncs its parent and itself; before it holds a snapshot, its name is made again (D5)', async () => {
    const dir = snapshotsDirectory();
    const synced = [`syncDirectory ${dirname(dir)}`, `syncDirectory ${dir}`];
    const opened = async (): Promise<{ calls: string[]; store: SnapshotStore }> => {
      const calls: string[] = [];
      const { store } = await openObserved(dir, ({ name, path }) => calls.push(`${name} ${path}`));
      return { calls, store };
    };
    const missing = [`stat ${dir}`, `stat ${dir}.aside`, `mkdir ${dir}`];
    expect((await opened()).calls).toEqual([`readdir ${dir}`, ...missing, ...synced]);
    const renamed = [`rename ${dir}.aside`, `rename ${dir}`];
    const { calls, store } = await opened();
    expect(calls.splice(0)).toEqual([`readdir ${dir}`]);
    await publish(store, 1, patterned(20));
    const proven = [`stat ${dir}`, `readdir ${dir}`, ...renamed, ...synced];
    expect(calls.slice(0, proven.length)).toEqual(proven);
    calls.length = 0;
    await publish(store, 2, patterned(20));
    expect(calls.filter((call) => call.startsWith('rename'))).toHaveLength(1);
    expect((await opened()).calls).toEqual([`readdir ${dir}`, `syncDirectory ${dir}`]);
  });

  test('a directory that a crash left away from its name is put back', async () => {
    const dir = snapshotsDirectory();
    await openStore(dir);
    renameSync(dir, `${dir}.aside`);
    const written = await publish(await openStore(dir), 1, patterned(20));
    expect(await readAll(await openStore(dir), written)).toEqual(patterned(20));
    expect(existsSync(`${dir}.aside`)).toBe(false);
  });

  test('for reading only changes nothing and refuses to write', async () => {
    const dir = snapshotsDirectory();
    const store = await openStore(dir, { readOnly: true });
    expect(await store.list()).toEqual([]);
    const ref = { index: 1, term: 1, checksum: 0 };
    expect(await rejection(store.open(ref))).toMatchObject({ code: 'KEELSON_MISSING_SNAPSHOT' });
    expect(await rejection(store.retain([]))).toMatchObject({ code: 'KEELSON_READ_ONLY' });
    const write = store.write({ index: 1, term: 1, conf: bytesOf(''), data: bytesOf('') });
    expect(await rejection(write)).toMatchObject({ code: 'KEELSON_READ_ONLY' });
    expect(existsSync(dir)).toBe(false);

    const written = await publish(await openStore(dir), 1, patterned(20));
    expect(await readAll(store, written)).toEqual(patterned(20));
  });

  test('refuses a file in its place', async () => {
    const dir = snapshotsDirectory();
    writeFileSync(dir, '');
    expect(await rejection(openStore(dir))).toMatchObject({ code: 'KEELSON_NOT_A_LOG', path: dir });
  });

  test.each([
    { lineage: new Uint8Array(15) },
    { chunkBytes: 0 },
    { chunkBytes: 262_145 },
    { chunkBytes: 1.5 },
  ])('refuses %o before any I/O', async (options) => {
    const dir = snapshotsDirectory();
    expect(await rejection(openStore(dir, options))).toMatchObject({ code: 'KEELSON_INVALID_ARGUMENT' });
    expect(existsSync(dir)).toBe(false);
  });
});

describe('a wrong request is refused before any I/O', () => {
  const good = { index: 1, term: 1, conf: bytesOf(''), data: bytesOf('') };
  test.each([
    { change: { index: -1 }, code: 'KEELSON_INVALID_ARGUMENT', argument: 'index' },
    { change: { index: 2 ** 53 }, code: 'KEELSON_INVALID_ARGUMENT', argument: 'index' },
    { change: { term: 0.5 }, code: 'KEELSON_INVALID_ARGUMENT', argument: 'term' },
    { change: { term: Number.NaN }, code: 'KEELSON_INVALID_ARGUMENT', argument: 'term' },
    { change: { conf: 'text' }, code: 'KEELSON_INVALID_ARGUMENT', argument: 'conf' },
    { change: { conf: new Uint8Array(65_537) }, code: 'KEELSON_TOO_LARGE', argument: 'conf' },
    { change: { data: [1, 2] }, code: 'KEELSON_INVALID_ARGUMENT', argument: 'data' },
    { change: { data: null }, code: 'KEELSON_INVALID_ARGUMENT', argument: 'data' },
  ])('$argument: $code', async ({ change, code, argument }) => {
    const calls: string[] = [];
    const { store } = await openObserved(snapshotsDirectory(), ({ name }) => calls.push(name));
    calls.length = 0;
    const request = { ...good, ...change } as unknown as typeof good;
    const error = await rejection(store.write(request));
    expect(error).toMatchObject({ code, family: 'caller', details: { argument } });
    expect(calls).toEqual([]);
  });
});

test('a file of another store is named as such', async () => {
  const dir = snapshotsDirectory();
  const ref = await publish(await openStore(dir), 1, patterned(20));
  const other = await openStore(dir, { lineage: new Uint8Array(16).fill(0x0f) });
  const error = await rejection(other.open(ref));
  expect(isKeelsonError(error, 'KEELSON_CORRUPT')).toBe(true);
  expect(error).toMatchObject({ offset: 16, expected: '0f'.repeat(16), found: '5e'.repeat(LINEAGE.length) });
});

describe('a writer that was succeeded (D11)', () => {
  const fenced = new KeelsonError('KEELSON_FENCED', 'another writer has taken over.', {});

  test('takes no name away: not those that it keeps no more, not one that it would write, not one that it gives up', async () => {
    const dir = snapshotsDirectory();
    const store = await openStore(dir);
    await publish(store, 1, patterned(40));
    const newest = await publish(store, 2, patterned(41));
    const given = await store.write({ index: 3, term: 1, conf: bytesOf(''), data: patterned(9) });
    await (await openStore(dir)).write({ index: 4, term: 1, conf: bytesOf(''), data: patterned(9) });
    const before = readdirSync(dir);
    store.guardBy(() => Promise.reject(fenced), unheard);
    expect(await rejection(store.retain([newest]))).toBe(fenced);
    const again = { index: 4, term: 1, conf: bytesOf(''), data: patterned(8) };
    expect(await rejection(store.write(again))).toBe(fenced);
    await given.discard();
    expect(readdirSync(dir)).toEqual(before);
  });

  test('stops between two names', async () => {
    const dir = snapshotsDirectory();
    const store = await openStore(dir);
    for (const index of [1, 2, 3]) await publish(store, index, patterned(40));
    const answers = [Promise.resolve()];
    store.guardBy(() => answers.shift() ?? Promise.reject(fenced), unheard);
    expect(await rejection(store.retain([]))).toBe(fenced);
    expect(readdirSync(dir)).toHaveLength(2);
  });
});
