/**
 * A copy of a store has to be the log as it was at one moment, whole, and must never pass for the server that it was taken of.
 * Checkpoints and clones of logs in every situation are made on real files, opened, written on and compared.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Environment, withDisk } from '../../src/disk/environment.js';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import type { Disk } from '../../src/disk/port.js';
import { isKeelsonError } from '../../src/errors/index.js';
import { decodeCheckpointFile } from '../../src/format/checkpoint-file.js';
import { decodeRaftPreamble } from '../../src/format/raft-records.js';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES } from '../../src/format/segment-header.js';
import { decodeSuperblock, SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import { cloneRaftLog } from '../../src/raft-log/copies/clone-raft-log.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { bytesOfSegment } from '../../src/wal/copy/copy-segment.js';
import { flipBit } from '../cli/stores.js';
import { bytesOf, entriesFrom, openLog, pictureOf, scratch } from './scratch-log.js';

const conf = Uint8Array.of(7);

async function snapshotAt(log: RaftLog, index: number): Promise<void> {
  await log.createSnapshot({ index, conf, data: new Uint8Array(300).fill(index) });
}

/** Term 3, a vote, entries 1..60 in several segments, of which 40 are committed. */
async function fill(log: RaftLog): Promise<void> {
  await log.save({ hardState: { term: 3, vote: 'node-1' } });
  for (let index = 1; index <= 60; index += 4) await log.append(entriesFrom(index, 4, 2, 300));
  await log.setHardState({ commit: 40 });
}

async function all(log: RaftLog, from: number = log.firstIndex): Promise<unknown> {
  const snapshot = await log.openSnapshot();
  return {
    lastIndex: log.lastIndex,
    entries: await log.entries(from, log.lastIndex + 1),
    snapshot: snapshot === null ? null : { meta: snapshot.meta, data: await bytesOf(snapshot.data) },
  };
}

function walOf(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.endsWith('.wal'))
    .sort()
    .map((name) => join(dir, name));
}

function numberOf(segment = ''): number {
  return Number(segment.slice(-20, -4));
}

/** How the store at `dir` says that it came to be. */
function originOf(dir: string): unknown {
  const slot = readFileSync(join(dir, 'superblock')).subarray(0, SUPERBLOCK_SLOT_BYTES);
  const verdict = decodeSuperblock(slot);
  return verdict.kind === 'valid' ? verdict.superblock.origin : verdict.kind;
}

/** A clone must go on by itself, and keep what it was given across a close. */
async function expectLives(dir: string, options: { readonly walDir?: string } = {}): Promise<void> {
  const log = await openLog(dir, { create: 'never', ...options });
  const last = log.lastIndex;
  const term = log.hardState.term + 1;
  await log.save({ hardState: { term }, entries: entriesFrom(last + 1, 3, term) });
  await log.close();
  const again = await openLog(dir, { create: 'never', ...options });
  expect([again.recovery.verdict, again.lastIndex, again.hardState.term]).toEqual(['clean', last + 3, term]);
  expect(await again.entries(last + 1, last + 4)).toMatchObject(entriesFrom(last + 1, 3, term));
  expect((await again.verify()).damage).toEqual([]);
  await again.close();
}

test("scope 'all' on an empty log names no segment", async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  const made = await log.checkpoint({ scope: 'all', to: join(root, 'copy') });
  expect(made).toEqual({
    scope: 'all',
    snapshot: null,
    segments: [],
    replayAfter: 0,
    hardState: { term: 0, vote: null, commit: 0 },
  });
  await cloneRaftLog(join(root, 'copy'), { to: join(root, 'clone'), identity: 'new-member' });
  await expectLives(join(root, 'clone'));
  // One entry is enough to be lost.
  await log.save({ hardState: { term: 2 }, entries: entriesFrom(1, 1, 2) });
  await expect(log.checkpoint({ scope: 'all', to: join(root, 'next') })).rejects.toMatchObject({
    code: 'KEELSON_UNAVAILABLE',
    details: { found: 1, expected: 0 },
  });
});

test("scope 'all' right after open, when the segments are gone by the time it is cloned, votes included", async () => {
  const root = scratch();
  const first = await openLog(join(root, 'log'));
  await fill(first);
  await snapshotAt(first, 60);
  await first.compact(60);
  const { lsn } = await first.setHardState({ term: 5, vote: 'node-2' });
  await first.close();
  const log = await openLog(join(root, 'log'));
  const made = await log.checkpoint({ scope: 'all', to: join(root, 'copy') });
  expect(made).toMatchObject({
    segments: [],
    replayAfter: lsn,
    hardState: { term: 5, vote: 'node-2', commit: 60 },
  });
  expect(made.snapshot).toMatchObject({ index: 60, term: 2, conf, bytes: 300 });
  expect(existsSync(join(root, 'copy', 'wal'))).toBe(false);
  const expected = await all(log);
  await log.close();
  rmSync(join(root, 'log', 'wal'), { recursive: true });
  const to = join(root, 'clone');
  const report = await cloneRaftLog(join(root, 'copy'), { to, identity: 'same', wholeCluster: true });
  expect(report).toMatchObject({
    hardState: { term: 5, vote: 'node-2', commit: 60 },
    unfitUntil: 0,
    skipped: [],
  });
  const clone = await openLog(to, { create: 'never' });
  expect(await all(clone)).toEqual(expected);
  await expect(clone.setHardState({ vote: 'node-3' })).rejects.toMatchObject({
    code: 'KEELSON_VOTE_CONFLICT',
  });
  await clone.close();
  await expectLives(to);
});

test("scope 'all' with entries still held below the snapshot, and refused where it does not cover them", async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  await fill(log);
  await snapshotAt(log, 59);
  await expect(log.checkpoint({ scope: 'all', to: join(root, 'copy') })).rejects.toMatchObject({
    code: 'KEELSON_UNAVAILABLE',
    details: { found: 60, expected: 59 },
  });
  expect(existsSync(join(root, 'copy'))).toBe(false);
  await snapshotAt(log, 60);
  const made = await log.checkpoint({ scope: 'all', to: join(root, 'copy') });
  expect([made.segments.length, made.replayAfter]).toEqual([0, (await log.save({})).lsn]);
  // Its file alone says where the log in it begins: behind the snapshot, whoever reads it.
  const written = decodeCheckpointFile(readFileSync(join(root, 'copy', 'checkpoint')));
  if (written.kind !== 'valid') throw new Error(written.kind);
  expect(decodeRaftPreamble(written.file.state)?.boundary).toEqual({ index: 60, term: 2 });
  // The log itself keeps what the copy leaves out.
  expect([log.firstIndex, log.term(1), log.term(59)]).toEqual([1, 2, 2]);
  await cloneRaftLog(join(root, 'copy'), { to: join(root, 'clone'), identity: 'new-member' });
  const [segment = ''] = walOf(join(root, 'clone', 'wal'));
  expect(decodeSegmentHeader(readFileSync(segment).subarray(0, SEGMENT_HEADER_BYTES))).toMatchObject({
    header: { end: { lastIndex: 60, lastTerm: 2 } },
  });
  const clone = await openLog(join(root, 'clone'), { create: 'never' });
  expect([clone.firstIndex, clone.lastIndex, clone.snapshot?.index, clone.term(60)]).toEqual([61, 60, 60, 2]);
  await clone.close();
  await expectLives(join(root, 'clone'));
});

test("scope 'durable' names what is needed behind the snapshot, and the clone replays it", async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  await fill(log);
  await snapshotAt(log, 40);
  const made = await log.checkpoint({ scope: 'durable', to: join(root, 'copy') });
  const live = walOf(join(root, 'log', 'wal'));
  expect(made.segments.length).toBeGreaterThan(0);
  expect(made.segments.length).toBeLessThan(live.length);
  expect(made.segments.map(({ path }) => path)).toEqual(walOf(join(root, 'copy', 'wal')));
  expect(made.replayAfter).toBe((made.segments[0]?.firstLsn ?? 0) - 1);
  // What comes later is not in it.
  const expected = await all(log, 41);
  await log.append(entriesFrom(61, 4, 3, 300));
  const to = join(root, 'clone');
  await cloneRaftLog(join(root, 'copy'), { to, identity: 'same' });
  const clone = await openLog(to, { create: 'never' });
  expect(await all(clone, 41)).toEqual(expected);
  expect([clone.firstIndex, clone.hardState.commit]).toEqual([41, 40]);
  expect(numberOf(walOf(join(to, 'wal'))[0])).toBeGreaterThan(numberOf(live.at(-1)));
  await clone.close();
  await expectLives(to);
});

test('a clone of a store beside its writer equals it, and is above all its numbers', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  await fill(log);
  await snapshotAt(log, 20);
  await log.compact(10);
  const { lsn } = await log.save({});
  const to = join(root, 'clone');
  const report = await cloneRaftLog(join(root, 'log'), { to, identity: 'new-member' });
  expect(report).toMatchObject({ sourceLsn: lsn, firstIndex: 11, lastIndex: 60, unfitUntil: 0, skipped: [] });
  const clone = await openLog(to, { create: 'never' });
  expect(await all(clone)).toEqual(await all(log));
  expect(clone.hardState).toEqual({ term: 3, vote: null, commit: 40 });
  expect(clone.recovery.verdict).toBe('clean');
  expect(clone.recovery.epoch).toBeGreaterThan(log.recovery.epoch + 1);
  expect((await clone.save({})).lsn).toBeGreaterThan(lsn);
  expect(numberOf(walOf(join(to, 'wal'))[0])).toBeGreaterThan(
    numberOf(walOf(join(root, 'log', 'wal')).at(-1)),
  );
  await clone.close();
  await expectLives(to);
});

test('the segments in a directory of their own: only the right one will do, and the clone has its own', async () => {
  const root = scratch();
  const [dir, walDir] = [join(root, 'log'), join(root, 'segments')];
  const log = await openLog(dir, { walDir });
  await fill(log);
  const expected = await all(log);
  await log.close();
  const firstSegment = (at: string): string => join(at, '0000000000000001.wal');
  const to = join(root, 'clone');
  mkdirSync(join(root, 'empty'));
  const other = await openLog(join(root, 'other'));
  await fill(other);
  await other.close();
  const before = [pictureOf(dir), pictureOf(walDir)];
  for (const [wrong, path] of [
    [undefined, firstSegment(join(dir, 'wal'))],
    [join(root, 'empty'), firstSegment(join(root, 'empty'))],
    [join(root, 'nowhere'), firstSegment(join(root, 'nowhere'))],
    [join(root, 'other', 'wal'), firstSegment(join(root, 'other', 'wal'))],
  ] as const) {
    const options = {
      to,
      identity: 'new-member',
      ...(wrong === undefined ? {} : { walDir: wrong }),
    } as const;
    await expect(cloneRaftLog(dir, options)).rejects.toMatchObject({
      code: 'KEELSON_MISSING_SEGMENT',
      path,
    });
    expect(readdirSync(to).filter((name) => name !== 'snapshots')).toEqual([]);
  }
  await cloneRaftLog(dir, { to, walDir, identity: 'new-member' });
  expect([pictureOf(dir), pictureOf(walDir)]).toEqual(before);
  const clone = await openLog(to, { create: 'never' });
  expect(await all(clone)).toEqual(expected);
  await clone.close();
  await expectLives(to);
});

test('a clone whose own segments lie elsewhere knows it, and one of another store will not do', async () => {
  const root = scratch();
  const [dir, walDir, to, toWalDir] = ['log', 'log-wal', 'clone', 'clone-wal'].map((name) =>
    join(root, name),
  ) as [string, string, string, string];
  const log = await openLog(dir, { walDir });
  await fill(log);
  await snapshotAt(log, 40);
  const expected = await all(log);
  const identity = 'new-member';
  for (const wrong of [walDir, join(walDir, 'inner'), join(dir, 'wal'), join(to, 'inner'), root])
    await expect(cloneRaftLog(dir, { to, walDir, toWalDir: wrong, identity })).rejects.toMatchObject({
      code: 'KEELSON_INVALID_ARGUMENT',
      details: { argument: 'toWalDir' },
    });
  await expect(cloneRaftLog(dir, { to: join(walDir, 'clone'), walDir, identity })).rejects.toMatchObject({
    details: { argument: 'to' },
  });
  mkdirSync(toWalDir);
  writeFileSync(join(toWalDir, 'notes'), '');
  await expect(cloneRaftLog(dir, { to, walDir, toWalDir, identity })).rejects.toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    details: { argument: 'toWalDir', found: 'notes' },
  });
  expect(readdirSync(toWalDir)).toEqual(['notes']);
  unlinkSync(join(toWalDir, 'notes'));
  await cloneRaftLog(dir, { to, walDir, toWalDir, identity });
  expect(readdirSync(to)).not.toContain('wal');
  const own = walOf(toWalDir);
  for (const wrong of [undefined, walDir, join(root, 'nowhere')]) {
    const opening = openLog(to, { create: 'never', ...(wrong === undefined ? {} : { walDir: wrong }) });
    const path = join(wrong ?? join(to, 'wal'), (own[0] as string).slice(-20));
    await expect(opening).rejects.toSatisfy(
      (error) =>
        isKeelsonError(error, 'KEELSON_LOCKED') ||
        (isKeelsonError(error, 'KEELSON_MISSING_SEGMENT') && error.path === path),
    );
  }
  const clone = await openLog(to, { create: 'never', walDir: toWalDir });
  expect(await all(clone)).toEqual(expected);
  await clone.close();
  await expectLives(to, { walDir: toWalDir });
});

test('the segments of a store, or of a checkpoint, that were moved elsewhere are found by walDir', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  await fill(log);
  await log.checkpoint({ scope: 'durable', to: join(root, 'copy') });
  const expected = await all(log);
  await log.close();
  for (const from of ['log', 'copy']) {
    renameSync(join(root, from, 'wal'), join(root, `${from}-wal`));
    const to = join(root, `${from}-clone`);
    await cloneRaftLog(join(root, from), { to, walDir: join(root, `${from}-wal`), identity: 'new-member' });
    const clone = await openLog(to, { create: 'never' });
    expect(await all(clone)).toEqual(expected);
  }
});

test('leading segments that the snapshot covers are skipped and told; any other that is missing is refused', async () => {
  const root = scratch();
  const dir = join(root, 'log');
  const log = await openLog(dir);
  await fill(log);
  await snapshotAt(log, 40);
  const expected = await all(log, 41);
  await log.close();
  const segments = walOf(join(dir, 'wal'));
  expect(segments.length).toBeGreaterThan(3);
  cpSync(dir, join(root, 'hole'), { recursive: true });
  for (const path of segments.slice(0, 2)) unlinkSync(path);
  const to = join(root, 'clone');
  const report = await cloneRaftLog(dir, { to, identity: 'same' });
  expect(report.skipped).toEqual(segments.slice(0, 2));
  const clone = await openLog(to, { create: 'never' });
  expect(clone.firstIndex).toBe(41);
  expect(await all(clone, 41)).toEqual(expected);
  await clone.close();
  await expectLives(to);

  const missing = walOf(join(root, 'hole', 'wal'))[1] as string;
  unlinkSync(missing);
  const refused = cloneRaftLog(join(root, 'hole'), { to: join(root, 'none'), identity: 'same' });
  await expect(refused).rejects.toMatchObject({ code: 'KEELSON_MISSING_SEGMENT', path: missing });

  // Without the snapshot nothing covers them.
  const bare = await openLog(join(root, 'bare'));
  await fill(bare);
  await bare.close();
  const first = walOf(join(root, 'bare', 'wal'))[0] as string;
  unlinkSync(first);
  const uncovered = cloneRaftLog(join(root, 'bare'), { to: join(root, 'none'), identity: 'same' });
  await expect(uncovered).rejects.toMatchObject({ code: 'KEELSON_MISSING_SEGMENT', path: first });
});

test("identity 'same' keeps no vote and never votes, but where the whole cluster is restored", async () => {
  const root = scratch();
  const dir = join(root, 'log');
  const log = await openLog(dir);
  await fill(log);
  await log.close();
  const restored = join(root, 'restored');
  expect(await cloneRaftLog(dir, { to: restored, identity: 'same' })).toMatchObject({
    hardState: { term: 4, vote: null, commit: 40 },
    unfitUntil: Infinity,
  });
  const alone = await openLog(restored, { create: 'never' });
  expect(alone.unfitUntil).toBe(Infinity);
  const vote = alone.setHardState({ term: 9, vote: 'node-1' });
  await expect(vote).rejects.toMatchObject({ code: 'KEELSON_UNFIT_TO_VOTE' });
  // Under another id it has promised nothing.
  const joined = join(root, 'joined');
  const identity = 'new-member';
  expect(await cloneRaftLog(restored, { to: joined, identity })).toMatchObject({ unfitUntil: 0 });
  await (await openLog(joined, { create: 'never' })).setHardState({ term: 9, vote: 'node-4' });
  expect([restored, joined].map(originOf)).toEqual(['restored', 'cloned']);
  const whole = join(root, 'whole');
  await cloneRaftLog(dir, { to: whole, identity: 'same', wholeCluster: true });
  const together = await openLog(whole, { create: 'never' });
  expect(together.hardState).toEqual({ term: 3, vote: 'node-1', commit: 40 });
  await together.setHardState({ term: 9, vote: 'node-1' });
});

/** A disk on which of the files in `dir` only the first is opened before it is told to go on. */
function holdingSecond(dir: string): {
  readonly environment: Environment;
  readonly begun: Promise<void>;
  goOn(): void;
} {
  let begin!: () => void;
  let goOn!: () => void;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const told = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const environment = nodeEnvironment();
  const { disk } = environment;
  let count = 0;
  const holding = new Proxy(disk, {
    get: (_disk, name: keyof Disk) => {
      if (name !== 'open') return disk[name]?.bind(disk);
      return async (...[path, options]: Parameters<Disk['open']>) => {
        if (path.startsWith(dir) && ++count > 1) {
          begin();
          await told;
        }
        return disk.open(path, options);
      };
    },
  });
  return { environment: withDisk(environment, holding), begun, goOn };
}

test('segments dropped and used again while a checkpoint is taken are kept for it, and freed behind it', async () => {
  const root = scratch();
  const { environment, begun, goOn } = holdingSecond(join(root, 'copy', 'wal'));
  const log = await openLog(join(root, 'log'), { environment });
  await fill(log);
  const expected = await all(log);
  const before = walOf(join(root, 'log', 'wal')).length;
  const making = log.checkpoint({ scope: 'durable', to: join(root, 'copy') });
  await begun;
  await snapshotAt(log, 60);
  await log.compact(60);
  for (let index = 61; index <= 160; index += 4) await log.append(entriesFrom(index, 4, 3, 300));
  await snapshotAt(log, 160);
  await log.compact(160);
  goOn();
  await making;
  expect(walOf(join(root, 'log', 'wal')).length).toBeLessThan(before);
  await cloneRaftLog(join(root, 'copy'), { to: join(root, 'clone'), identity: 'new-member' });
  const clone = await openLog(join(root, 'clone'), { create: 'never' });
  expect(await all(clone)).toEqual(expected);
});

test('a store that is written and compacted all the while is cloned as it was at one LSN', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'), { snapshotsKept: 1 });
  await log.setHardState({ term: 3 });
  let isDone = false;
  const writing = (async () => {
    for (let index = 1; !isDone; index += 4) {
      await log.append(entriesFrom(index, 4, 3, 300));
      if (index % 40 === 1) {
        await snapshotAt(log, index);
        await log.compact(index);
      }
    }
  })();
  for (let round = 0; round < 4; round += 1) {
    const to = join(root, `clone-${round}`);
    const report = await cloneRaftLog(join(root, 'log'), { to, identity: 'new-member' });
    const clone = await openLog(to, { create: 'never' });
    expect(clone.lastIndex).toBe(report.lastIndex);
    const from = Math.max(clone.firstIndex, 1);
    expect(await clone.entries(from, clone.lastIndex + 1)).toMatchObject(
      entriesFrom(from, clone.lastIndex + 1 - from, 3, 300),
    );
    await clone.close();
  }
  isDone = true;
  await writing;
});

test('a snapshot that its writer replaces while it is cloned is no damage: the clone has the newer one', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'), { snapshotsKept: 1 });
  await fill(log);
  await snapshotAt(log, 20);
  const environment = nodeEnvironment();
  const { disk } = environment;
  let isReplaced = false;
  const replacing = new Proxy(disk, {
    get: (_disk, name: keyof Disk) => {
      if (name !== 'link') return disk[name]?.bind(disk);
      return async (...names: Parameters<Disk['link']>) => {
        if (!isReplaced) await snapshotAt(log, 40);
        isReplaced = true;
        return disk.link(...names);
      };
    },
  });
  const to = join(root, 'clone');
  const options = { to, identity: 'new-member', environment: withDisk(environment, replacing) } as const;
  expect((await cloneRaftLog(join(root, 'log'), options)).snapshot?.index).toBe(40);
  const clone = await openLog(to, { create: 'never' });
  expect(await all(clone)).toEqual(await all(log));
});

test('a segment that loses its name behind what was read of it is told as dropped, not handed out as whole', async () => {
  const dir = join(scratch(), 'log');
  const log = await openLog(dir);
  await fill(log);
  await log.close();
  const [path = ''] = walOf(join(dir, 'wal'));
  const verdict = decodeSegmentHeader(readFileSync(path).subarray(0, SEGMENT_HEADER_BYTES));
  if (verdict.kind !== 'valid') throw new Error(verdict.kind);
  const { header } = verdict;
  const pieces = bytesOfSegment(nodeEnvironment().disk, { header, path, bytes: header.segmentBytes });
  expect((await pieces.next()).value).toHaveLength(header.segmentBytes);
  // As its writer does before it uses the file again.
  renameSync(path, `${path}.spare`);
  await expect(pieces.next()).rejects.toMatchObject({ code: 'KEELSON_COMPACTED', path });
});

test('what is in the way is refused: a directory that holds something, one inside the source, no identity', async () => {
  const root = scratch();
  const dir = join(root, 'log');
  const log = await openLog(dir);
  await fill(log);
  mkdirSync(join(root, 'full'));
  writeFileSync(join(root, 'full', 'notes'), '');
  const identity = 'new-member';
  const invalid = { code: 'KEELSON_INVALID_ARGUMENT' };
  await expect(cloneRaftLog(dir, { to: join(root, 'full'), identity })).rejects.toMatchObject(invalid);
  await expect(log.checkpoint({ scope: 'durable', to: join(root, 'full') })).rejects.toMatchObject(invalid);
  await expect(cloneRaftLog(dir, { to: join(dir, 'clone'), identity })).rejects.toMatchObject(invalid);
  await expect(log.checkpoint({ scope: 'durable', to: dir })).rejects.toMatchObject(invalid);
  await expect(cloneRaftLog(dir, { to: join(root, 'clone') } as never)).rejects.toMatchObject(invalid);
  await expect(cloneRaftLog(dir, { to: join(root, 'nowhere', 'clone'), identity })).rejects.toMatchObject({
    code: 'KEELSON_NOT_A_LOG',
  });
  await expect(
    cloneRaftLog(join(root, 'nowhere'), { to: join(root, 'clone'), identity }),
  ).rejects.toMatchObject({
    code: 'KEELSON_NOT_A_LOG',
  });
  expect(readdirSync(join(root, 'full'))).toEqual(['notes']);
  // Nothing is kept for what was not begun.
  await snapshotAt(log, 60);
  await log.compact(60);
  expect((await log.space()).holders.some(({ kind }) => kind === 'pin')).toBe(false);
});

test('a clone is above the epoch of its source by itself, whatever is drawn', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  await fill(log);
  const given = nodeEnvironment();
  const fillRandom = (into: Uint8Array): void => {
    // How far apart the epochs are; identities stay what they are.
    if (into.length === 4) into.fill(0);
    else given.fillRandom(into);
  };
  const environment = { ...withDisk(given, given.disk), fillRandom };
  const to = join(root, 'clone');
  await cloneRaftLog(join(root, 'log'), { to, identity: 'new-member', environment });
  const clone = await openLog(to, { create: 'never' });
  expect(clone.recovery.epoch).toBe(log.recovery.epoch + 2);
});

test('a segment that lies there with a damaged header is named as damaged, and not as dropped', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  await fill(log);
  const [first = ''] = walOf(join(root, 'log', 'wal'));
  flipBit(first, 100);
  const damage = { code: 'KEELSON_CORRUPT', family: 'damage', path: first, offset: 0 };
  // To make it again, as one that was dropped meanwhile, would never help.
  await expect(log.checkpoint({ scope: 'durable', to: join(root, 'copy') })).rejects.toMatchObject(damage);
  await expect(async () => {
    for await (const { data } of log.segmentsSince(0))
      for await (const piece of data()) expect(piece).toBeDefined();
  }).rejects.toMatchObject(damage);
  await log.close();
});

test('a checkpoint waits for the snapshot that was asked for before it', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'), { snapshotsKept: 1 });
  await fill(log);
  await snapshotAt(log, 20);
  const taken = snapshotAt(log, 40);
  const made = await log.checkpoint({ scope: 'durable', to: join(root, 'copy') });
  expect(made.snapshot?.index).toBe(40);
  await taken;
});

test('neither a checkpoint nor a copy that did not end is opened as a store, and that one is made again', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  await fill(log);
  const [copy, half] = [join(root, 'copy'), join(root, 'half')];
  await log.checkpoint({ scope: 'durable', to: copy });
  cpSync(join(root, 'log'), half, { recursive: true });
  writeFileSync(join(half, 'unfinished'), '');
  for (const dir of [copy, half])
    for (const readOnly of [false, true]) {
      const before = pictureOf(dir);
      const opening = openLog(dir, readOnly ? { readOnly } : {});
      await expect(opening).rejects.toSatisfy((error) => isKeelsonError(error, 'KEELSON_NOT_A_LOG'));
      expect(pictureOf(dir)).toEqual(before);
    }
  await cloneRaftLog(copy, { to: half, identity: 'new-member' });
  const clone = await openLog(half, { create: 'never' });
  expect(await all(clone)).toEqual(await all(log));
});

test('a checkpoint that is closed over, or abandoned, leaves nothing behind', async () => {
  const root = scratch();
  const log = await openLog(join(root, 'log'));
  await fill(log);
  const abort = new AbortController();
  const abandoned = log.checkpoint({ scope: 'durable', to: join(root, 'one'), signal: abort.signal });
  abort.abort();
  await expect(abandoned).rejects.toMatchObject({ code: 'KEELSON_ABORTED' });
  const closed = expect(log.checkpoint({ scope: 'durable', to: join(root, 'two') })).rejects.toMatchObject({
    code: 'KEELSON_CLOSED',
  });
  await log.close();
  await closed;
  for (const name of ['one', 'two'])
    if (existsSync(join(root, name)))
      expect(
        readdirSync(join(root, name), { recursive: true, withFileTypes: true }).some((one) => one.isFile()),
      ).toBe(false);
});
