/**
 * A snapshot streams beside saves for a long time, and the log may have moved on when it is whole; what it then does
 * must be what a record of that moment may do. Each way in which it can come too late, fail or be in another's way is
 * brought about, and what is left on the disk is looked at.
 */
import { readdirSync, renameSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeSuperblock, encodeSuperblock, SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { createMemoryRaftLog } from '../../src/raft-log/memory/memory-raft-log.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { bytesOf, dataOf, entriesFrom, openLog, pictureOf, scratch, simulated } from './scratch-log.js';

const CONF = Uint8Array.of(1, 2);

/** Data whose end the test decides. */
function held(): {
  readonly data: AsyncIterable<Uint8Array>;
  end(): void;
  fail(error: Error): void;
  readonly begun: Promise<void>;
} {
  let end!: () => void;
  let fail!: (error: Error) => void;
  let begin!: () => void;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const ended = new Promise<void>((resolve, reject) => {
    end = resolve;
    fail = reject;
  });
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield dataOf(1, 1);
    begin();
    await ended;
    yield dataOf(2, 1);
  }
  return { data: pieces(), end, fail, begun };
}

const snapshotsIn = (dir: string): string[] => readdirSync(join(dir, 'snapshots')).sort();

describe('judged again when its record is queued', () => {
  test('the index was truncated away: KEELSON_UNAVAILABLE, and no file is left', async () => {
    const dir = join(scratch(), 'log');
    const log = await openLog(dir);
    await log.save({ entries: entriesFrom(1, 5), hardState: { term: 1, commit: 2 } });
    const { data, end, begun } = held();
    const taken = log.createSnapshot({ index: 5, conf: CONF, data });
    await begun;
    await log.truncateFrom(4);
    end();
    await expect(taken).rejects.toMatchObject({ code: 'KEELSON_UNAVAILABLE', family: 'caller' });
    expect(snapshotsIn(dir)).toEqual([]);
    expect(log.snapshot).toBeNull();
  });

  test('the same in the moment in which its file gets its name: that file goes again', async () => {
    const { disk, open } = simulated();
    await disk.run(async () => {
      const log = await open();
      await log.save({ entries: entriesFrom(1, 5), hardState: { term: 1, commit: 2 } });
      const truncated: Promise<unknown>[] = [];
      disk.onCall = ({ kind, path }) => {
        if (kind === 'rename' && path.endsWith('.tmp')) truncated.push(log.truncateFrom(4));
        return undefined;
      };
      const taken = log.createSnapshot({ index: 5, conf: CONF, data: dataOf(5, 1) });
      await expect(taken).rejects.toMatchObject({ code: 'KEELSON_UNAVAILABLE' });
      await Promise.all(truncated);
      expect(log.lastIndex).toBe(3);
      expect(disk.list().filter((path) => path.includes('/snapshots/'))).toEqual([]);
      await log.close();
    });
  });

  test('another entry took its place: KEELSON_COMMITTED_TRUNCATION', async () => {
    const dir = join(scratch(), 'log');
    const log = await openLog(dir);
    await log.save({ entries: entriesFrom(1, 5), hardState: { term: 2, commit: 2 } });
    const { data, end, begun } = held();
    const taken = log.createSnapshot({ index: 5, conf: CONF, data });
    await begun;
    await log.append(entriesFrom(5, 2, 2));
    end();
    await expect(taken).rejects.toMatchObject({ code: 'KEELSON_COMMITTED_TRUNCATION' });
    expect(snapshotsIn(dir)).toEqual([]);
  });

  test('an install finds another term committed meanwhile: KEELSON_COMMITTED_TRUNCATION', async () => {
    const log = await openLog(join(scratch(), 'log'));
    await log.save({ entries: entriesFrom(1, 5), hardState: { term: 2 } });
    const { data, end, begun } = held();
    const taken = log.installSnapshot({ index: 5, term: 2, conf: CONF, data });
    await begun;
    await log.setHardState({ commit: 5 });
    end();
    await expect(taken).rejects.toMatchObject({ code: 'KEELSON_COMMITTED_TRUNCATION' });
    expect(log.lastIndex).toBe(5);
  });

  test('a lower commit saved while it streamed is left out, and rises with it', async () => {
    const log = await openLog(join(scratch(), 'log'));
    await log.save({ entries: entriesFrom(1, 5), hardState: { term: 1 } });
    const { data, end, begun } = held();
    const taken = log.createSnapshot({ index: 4, conf: CONF, data });
    await begun;
    await log.setHardState({ commit: 2 });
    end();
    expect(await taken).toEqual({ index: 4, term: 1, conf: CONF, bytes: 40 });
    expect(log.hardState.commit).toBe(4);
    await log.setHardState({ commit: 3 });
    expect(log.hardState.commit).toBe(4);
  });
});

describe('data that misbehaves', () => {
  test('what the iterable throws is thrown on, that very value, and the next snapshot goes ahead', async () => {
    const dir = join(scratch(), 'log');
    const log = await openLog(dir);
    await log.save({ entries: entriesFrom(1, 5), hardState: { term: 1 } });
    const { data, fail, begun } = held();
    const taken = log.createSnapshot({ index: 3, conf: CONF, data });
    const next = log.createSnapshot({ index: 4, conf: CONF, data: dataOf(4, 1) });
    await begun;
    const error = new Error('the host cannot read its state');
    fail(error);
    await expect(taken).rejects.toBe(error);
    expect((await next).index).toBe(4);
    expect(snapshotsIn(dir)).toHaveLength(1);
  });

  test('a piece that is no bytes: KEELSON_INVALID_ARGUMENT', async () => {
    const log = await openLog(join(scratch(), 'log'));
    await log.save({ entries: entriesFrom(1, 2), hardState: { term: 1 } });
    async function* wrong(): AsyncGenerator<Uint8Array> {
      yield 'text' as unknown as Uint8Array;
    }
    const taken = log.createSnapshot({ index: 1, conf: CONF, data: wrong() });
    await expect(taken).rejects.toMatchObject({ code: 'KEELSON_INVALID_ARGUMENT' });
    expect(log.snapshot).toBeNull();
  });

  // On a real disk and in memory alone: in virtual time, what is ready at once takes none.
  test.each([
    ['on a disk', (): Promise<RaftLog> => openLog(join(scratch(), 'log'))],
    ['in memory', (): Promise<RaftLog> => Promise.resolve(createMemoryRaftLog())],
  ])('pieces that are ready at once, without end, let other work go on %s', async (_where, open) => {
    const log = await open();
    await log.save({ entries: entriesFrom(1, 5), hardState: { term: 1 } });
    async function* empty(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(0);
    }
    const refused = expect(log.createSnapshot({ index: 3, conf: CONF, data: empty() })).rejects.toMatchObject(
      { code: 'KEELSON_CLOSED' },
    );
    for (const from of [6, 7]) await log.append(entriesFrom(from, 1));
    await new Promise((resolve) => setImmediate(resolve));
    await log.close();
    await refused;
    expect(log.lastIndex).toBe(7);
  });

  test('close does not wait for data that never ends, nor for those behind it: KEELSON_CLOSED', async () => {
    const dir = join(scratch(), 'log');
    const log = await openLog(dir);
    await log.save({ entries: entriesFrom(1, 5), hardState: { term: 1 } });
    const { data, begun } = held();
    const taken = log.createSnapshot({ index: 3, conf: CONF, data });
    const next = log.createSnapshot({ index: 4, conf: CONF, data: dataOf(4, 1) });
    const refused = Promise.all([
      expect(taken).rejects.toMatchObject({ code: 'KEELSON_CLOSED' }),
      expect(next).rejects.toMatchObject({ code: 'KEELSON_CLOSED' }),
    ]);
    await begun;
    const last = log.append(entriesFrom(6, 1));
    await log.close();
    await refused;
    expect((await last).lastIndex).toBe(6);
    expect(snapshotsIn(dir)).toEqual([]);
    const reopened = await openLog(dir);
    expect(reopened).toMatchObject({ lastIndex: 6, snapshot: null });
    expect(reopened.recovery.verdict).toBe('clean');
  });
});

describe('retention', () => {
  test.each([1, 2, 3])('snapshotsKept %d keeps the newest', async (snapshotsKept) => {
    const dir = join(scratch(), 'log');
    const log = await openLog(dir, { snapshotsKept });
    await log.save({ entries: entriesFrom(1, 9), hardState: { term: 1 } });
    for (const index of [2, 4, 6, 8]) await log.createSnapshot({ index, conf: CONF, data: dataOf(index, 1) });
    const kept = [2, 4, 6, 8].slice(-snapshotsKept);
    expect(snapshotsIn(dir).map((name) => Number.parseInt(name, 10))).toEqual(kept);
  });

  test('an opened snapshot is read to its end while its name goes', async () => {
    const dir = join(scratch(), 'log');
    const log = await openLog(dir, { snapshotsKept: 1 });
    await log.save({ entries: entriesFrom(1, 9), hardState: { term: 1 } });
    const large = new Uint8Array(600_000).fill(7);
    await log.createSnapshot({ index: 2, conf: CONF, data: large });
    const opened = await log.openSnapshot();
    await log.createSnapshot({ index: 3, conf: CONF, data: dataOf(3, 1) });
    expect(snapshotsIn(dir)).toHaveLength(1);
    expect(opened?.meta.index).toBe(2);
    expect(await bytesOf(opened?.data ?? ([].values() as never))).toEqual(large);
  });

  test('one that is being opened while a newer one takes its place is read to its end', async () => {
    const { disk, open } = simulated();
    await disk.run(async () => {
      const log = await open({ snapshotsKept: 1 });
      await log.save({ entries: entriesFrom(1, 9), hardState: { term: 1 } });
      await log.createSnapshot({ index: 2, conf: CONF, data: dataOf(2, 1) });
      // The reader's call takes so long that the other has been taken when the disk comes to it.
      disk.onCall = ({ kind, path }) =>
        kind === 'open' && path.includes('0000000000000002-') ? { fault: 'slow' } : undefined;
      const opening = log.openSnapshot();
      await log.createSnapshot({ index: 3, conf: CONF, data: dataOf(3, 1) });
      const opened = await opening;
      expect(opened?.meta.index).toBe(2);
      expect(await bytesOf(opened?.data as AsyncIterable<Uint8Array>)).toEqual(dataOf(2, 1));
      expect(await log.openSnapshot({ index: 2 })).toBeNull();
      await log.close();
    });
  });
});

describe('nothing is left to do, and what came before is not durable yet: it is waited for', () => {
  async function withSnapshot(): Promise<RaftLog> {
    const log = await openLog(join(scratch(), 'log'), { writeMode: 'background' });
    await log.save({ entries: entriesFrom(1, 5), hardState: { term: 1, commit: 5 } });
    await log.createSnapshot({ index: 4, conf: CONF, data: dataOf(4, 1) });
    return log;
  }

  test('by a compaction of what another one drops', async () => {
    const log = await withSnapshot();
    const first = log.compact(4);
    expect(log.firstIndex).toBe(1);
    await log.compact(4);
    expect(log.firstIndex).toBe(5);
    await first;
  });

  test('by the install of a snapshot that is held', async () => {
    const log = await withSnapshot();
    const saved = log.append(entriesFrom(6, 1));
    await log.installSnapshot({ index: 4, term: 1, conf: CONF, data: dataOf(4, 1) });
    expect(log.lastIndex).toBe(6);
    await saved;
  });
});

describe('a named snapshot that cannot be had', () => {
  async function withSnapshot(): Promise<{ dir: string; path: string }> {
    const dir = join(scratch(), 'log');
    const log = await openRaftLog({ dir, segmentBytes: 8192 });
    await log.save({ entries: entriesFrom(1, 9), hardState: { term: 1 } });
    await log.createSnapshot({ index: 5, conf: CONF, data: dataOf(5, 1, 3000) });
    await log.compact(5);
    await log.close();
    return { dir, path: join(dir, 'snapshots', snapshotsIn(dir)[0] as string) };
  }

  test('missing: KEELSON_MISSING_SNAPSHOT, nothing changed, the lock is free', async () => {
    const { dir, path } = await withSnapshot();
    const aside = join(dir, '..', 'aside.snap');
    renameSync(path, aside);
    const before = pictureOf(dir);
    for (const readOnly of [false, true, false]) {
      const opening = openRaftLog({ dir, readOnly });
      await expect(opening).rejects.toMatchObject({
        code: 'KEELSON_MISSING_SNAPSHOT',
        family: 'damage',
        path,
      });
    }
    expect(pictureOf(dir)).toEqual(before);
    renameSync(aside, path);
    const log = await openLog(dir);
    expect(log.snapshot?.index).toBe(5);
  });

  test('damaged at its head or end: KEELSON_MISSING_SNAPSHOT, nothing changed, the lock is free', async () => {
    const { dir, path } = await withSnapshot();
    const whole = readFileSync(path);
    for (const at of [20, whole.length - 3]) {
      const damaged = Uint8Array.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 4;
      writeFileSync(path, damaged);
      const before = pictureOf(dir);
      await expect(openRaftLog({ dir })).rejects.toMatchObject({
        code: 'KEELSON_MISSING_SNAPSHOT',
        family: 'damage',
        path,
      });
      expect(pictureOf(dir)).toEqual(before);
    }
    writeFileSync(path, whole);
    expect((await openLog(dir)).snapshot?.index).toBe(5);
  });

  test('damaged inside: opened, and thrown by the stream that meets it (R8)', async () => {
    const { dir, path } = await withSnapshot();
    const bytes = readFileSync(path);
    const at = bytes.length - 1000;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const log = await openLog(dir);
    const opened = await log.openSnapshot();
    await expect(bytesOf(opened?.data as AsyncIterable<Uint8Array>)).rejects.toMatchObject({
      code: 'KEELSON_CORRUPT',
    });
  });

  test('an orphan that no record names goes at open', async () => {
    const { dir, path } = await withSnapshot();
    const orphan = path.replace('0000000000000005-', '0000000000000008-');
    writeFileSync(orphan, 'anything');
    writeFileSync(orphan.replace('.snap', '.tmp'), 'anything');
    await openLog(dir);
    expect(snapshotsIn(dir)).toHaveLength(1);
    rmSync(orphan, { force: true });
  });
});

test('one that is asked for while the same is taken waits for it, and is judged behind it', async () => {
  const log = await openLog(join(scratch(), 'log'));
  await log.save({ entries: entriesFrom(1, 5), hardState: { term: 1, commit: 5 } });
  const { data, end, begun } = held();
  const first = log.createSnapshot({ index: 5, conf: CONF, data });
  await begun;
  const second = log.createSnapshot({ index: 5, conf: CONF, data: dataOf(9, 1) });
  const refused = expect(second).rejects.toMatchObject({ code: 'KEELSON_SNAPSHOT_OUT_OF_DATE' });
  end();
  expect(await first).toMatchObject({ index: 5 });
  await refused;
});

test('a writer that is succeeded while it clears old snapshots stops before the next (D11)', async () => {
  const { disk, open } = simulated();
  const generous = await open({ snapshotsKept: 4 });
  await generous.save({ entries: entriesFrom(1, 6), hardState: { term: 1, commit: 6 } });
  for (const index of [1, 2, 3, 4])
    await generous.createSnapshot({ index, conf: CONF, data: Uint8Array.of(index) });
  await generous.close();
  let unlinks = 0;
  disk.onCall = ({ kind, path }) => {
    if (kind !== 'unlink' || !path.endsWith('.snap')) return undefined;
    unlinks += 1;
    const superblock = '/data/log/superblock';
    const slot = (disk.readVolatile(superblock) ?? new Uint8Array()).slice(0, SUPERBLOCK_SLOT_BYTES);
    const verdict = decodeSuperblock(slot);
    if (verdict.kind !== 'valid') throw new Error('the slot is not valid');
    const { epoch, generation } = verdict.superblock;
    const stamped = { ...verdict.superblock, epoch: epoch + 1, generation: generation + 2 };
    disk.overwrite(superblock, 0, encodeSuperblock(stamped));
    return undefined;
  };
  await expect(open({ snapshotsKept: 1 })).rejects.toMatchObject({ family: 'environment' });
  expect(unlinks).toBe(1);
});
