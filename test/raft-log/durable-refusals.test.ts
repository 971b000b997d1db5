/**
 * A caller's mistake must be refused by name, before any I/O, and leave the directory as it was, to the byte and to
 * the second. Each mistake of the contract is made on a real directory, of which a picture is taken before and after.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk } from '../../sim/index.js';
import { LIMITS } from '../../src/format/limits.js';
import type { RaftLog, SaveRequest } from '../../src/raft-log/contract.js';
import type { RaftLogOptions } from '../../src/raft-log/options-contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { bytesOf, dataOf, entriesFrom, openLog, pictureOf, scratch, simulated } from './scratch-log.js';

const CONF = Uint8Array.of(1);

function abortable(): { readonly signal: AbortSignal; readonly abort: () => void } {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    abort: () => {
      controller.abort(new Error('given up'));
    },
  };
}

const NOT_COUNTS: readonly unknown[] = [-1, NaN, 1.5, 2 ** 53, '1', 1n, null];

/** A log with entries 1..10 of term 2, of which 5 are committed, and a snapshot at 3. */
async function filledLog(dir: string, options: Omit<RaftLogOptions, 'dir'> = {}): Promise<RaftLog> {
  const log = await openLog(dir, options);
  await log.save({ entries: entriesFrom(1, 10, 2), hardState: { term: 2, vote: 'n1', commit: 5 } });
  await log.createSnapshot({ index: 3, conf: CONF, data: dataOf(3, 2) });
  await log.compact(2);
  return log;
}

const entry = (fields: object): SaveRequest => ({ entries: [{ index: 11, term: 2, data: CONF, ...fields }] });

/** Each mistake, and the code it gets. */
const MISTAKES: readonly (readonly [code: string, name: string, make: (log: RaftLog) => Promise<unknown>])[] =
  [
    ...NOT_COUNTS.flatMap((value) => {
      const count = value as number;
      const name = `${typeof value} ${String(value)}`;
      return [
        ['KEELSON_INVALID_ARGUMENT', `index ${name}`, (log: RaftLog) => log.save(entry({ index: count }))],
        ['KEELSON_INVALID_ARGUMENT', `term ${name}`, (log: RaftLog) => log.save(entry({ term: count }))],
        ['KEELSON_INVALID_ARGUMENT', `kind ${name}`, (log: RaftLog) => log.save(entry({ kind: count }))],
        ['KEELSON_INVALID_ARGUMENT', `commit ${name}`, (log: RaftLog) => log.setHardState({ commit: count })],
        ['KEELSON_INVALID_ARGUMENT', `truncateFrom ${name}`, (log: RaftLog) => log.truncateFrom(count)],
        ['KEELSON_INVALID_ARGUMENT', `compact ${name}`, (log: RaftLog) => log.compact(count)],
        ['KEELSON_INVALID_ARGUMENT', `entries ${name}`, (log: RaftLog) => log.entries(count, 5)],
        [
          'KEELSON_INVALID_ARGUMENT',
          `snapshot ${name}`,
          (log: RaftLog) => log.createSnapshot({ index: count, conf: CONF, data: CONF }),
        ],
      ] as const;
    }),
    ['KEELSON_INVALID_ARGUMENT', 'no data', (log) => log.save(entry({ data: undefined }))],
    ['KEELSON_INVALID_ARGUMENT', 'unknown field', (log) => log.save({ truncatefrom: 1 } as SaveRequest)],
    ['KEELSON_INVALID_ARGUMENT', 'kind 256', (log) => log.save(entry({ kind: 256 }))],
    [
      'KEELSON_INVALID_ARGUMENT',
      'vote of 256 bytes',
      (log) => log.setHardState({ term: 3, vote: 'x'.repeat(256) }),
    ],
    ['KEELSON_INVALID_ARGUMENT', 'empty vote', (log) => log.setHardState({ term: 3, vote: '' })],
    [
      'KEELSON_INVALID_ARGUMENT',
      'twice the same index',
      (log) => log.append([...entriesFrom(11, 1, 2), ...entriesFrom(11, 1, 2)]),
    ],
    ['KEELSON_INDEX_GAP', 'gap behind the log', (log) => log.append(entriesFrom(12, 1, 2))],
    [
      'KEELSON_INDEX_GAP',
      'hole inside',
      (log) => log.append([...entriesFrom(11, 1, 2), ...entriesFrom(13, 1, 2)]),
    ],
    ['KEELSON_ENTRY_MISMATCH', 'other bytes', (log) => log.append([{ index: 10, term: 2, data: CONF }])],
    ['KEELSON_TERM_REGRESSION', 'lower term', (log) => log.setHardState({ term: 1 })],
    ['KEELSON_TERM_REGRESSION', 'entry above the term', (log) => log.append(entriesFrom(11, 1, 3))],
    ['KEELSON_TERM_REGRESSION', 'entry below the last', (log) => log.append(entriesFrom(11, 1, 1))],
    ['KEELSON_VOTE_CONFLICT', 'second vote', (log) => log.setHardState({ vote: 'n2' })],
    ['KEELSON_VOTE_CONFLICT', 'vote taken back', (log) => log.setHardState({ vote: null })],
    ['KEELSON_COMMIT_REGRESSION', 'commit back', (log) => log.setHardState({ commit: 4 })],
    ['KEELSON_UNAVAILABLE', 'commit beyond', (log) => log.setHardState({ commit: 11 })],
    ['KEELSON_COMMITTED_TRUNCATION', 'truncating committed', (log) => log.truncateFrom(5)],
    ['KEELSON_COMPACTED', 'truncating the snapshot', (log) => log.truncateFrom(3)],
    ['KEELSON_UNAVAILABLE', 'truncating beyond', (log) => log.truncateFrom(12)],
    ['KEELSON_COMPACTED', 'reading below', (log) => log.entries(2, 4)],
    ['KEELSON_UNAVAILABLE', 'reading beyond', (log) => log.entries(4, 12)],
    ['KEELSON_UNAVAILABLE', 'compacting beyond the snapshot', (log) => log.compact(4)],
    [
      'KEELSON_SNAPSHOT_OUT_OF_DATE',
      'older snapshot',
      (log) => log.createSnapshot({ index: 3, conf: CONF, data: CONF }),
    ],
    [
      'KEELSON_UNAVAILABLE',
      'snapshot beyond',
      (log) => log.createSnapshot({ index: 11, conf: CONF, data: CONF }),
    ],
    [
      'KEELSON_TOO_LARGE',
      'conf of 64 KiB and one',
      (log) => log.createSnapshot({ index: 4, conf: new Uint8Array(LIMITS.confBytesMax + 1), data: CONF }),
    ],
    [
      'KEELSON_TOO_LARGE',
      'save beyond batchBytesMax',
      (log) => log.save(entry({ data: new Uint8Array(5000) })),
    ],
    [
      'KEELSON_COMMITTED_TRUNCATION',
      'install of another history',
      (log) => log.installSnapshot({ index: 5, term: 1, conf: CONF, data: CONF }),
    ],
    [
      'KEELSON_TERM_REGRESSION',
      'install above the term',
      (log) => log.installSnapshot({ index: 20, term: 3, conf: CONF, data: CONF }),
    ],
  ];

describe('on an open log', () => {
  test('each is refused by its code, and nothing is touched', async () => {
    const dir = join(scratch(), 'log');
    // Nothing is left to be done in the background that would touch the directory by itself.
    await (await filledLog(dir, { batchBytesMax: 4096, segmentBytes: 65_536 })).close();
    const log = await openLog(dir, { batchBytesMax: 4096, segmentBytes: 65_536 });
    const before = pictureOf(dir);
    for (const [code, name, make] of MISTAKES) {
      const refused: unknown = await make(log).then(
        () => 'accepted',
        (error: unknown) => error,
      );
      expect(refused, name).toMatchObject({ code, family: 'caller' });
    }
    expect(() => log.term(1)).toThrow(expect.objectContaining({ code: 'KEELSON_COMPACTED' }));
    expect(() => log.term(11)).toThrow(expect.objectContaining({ code: 'KEELSON_UNAVAILABLE' }));
    expect(pictureOf(dir)).toEqual(before);
    expect(log).toMatchObject({ firstIndex: 3, lastIndex: 10, status: 'open' });
    expect(log.accepted).toMatchObject({ lastIndex: 10, hardState: log.hardState });
  });

  test('a closed log refuses all by KEELSON_CLOSED, keeps what it showed, and closes again', async () => {
    const dir = join(scratch(), 'log');
    const log = await filledLog(dir);
    await log[Symbol.asyncDispose]();
    await log.close();
    const calls = [log.save({}), log.append([]), log.entries(3, 4), log.openSnapshot(), log.compact(3)];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'KEELSON_CLOSED' });
    expect(() => log.term(4)).toThrow(expect.objectContaining({ code: 'KEELSON_CLOSED' }));
    expect(log).toMatchObject({ status: 'closed', firstIndex: 3, lastIndex: 10, lastTerm: 2 });
    expect(log.snapshot?.index).toBe(3);
  });

  test('a log that only reads refuses every change by KEELSON_READ_ONLY and touches nothing', async () => {
    const dir = join(scratch(), 'log');
    await (await filledLog(dir)).close();
    const before = pictureOf(dir);
    const log = await openLog(dir, { readOnly: true });
    const calls = [log.append(entriesFrom(11, 1, 2)), log.compact(3), log.truncateFrom(8)];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: 'KEELSON_READ_ONLY' });
    expect(log).toMatchObject({ status: 'read-only', lastIndex: 10 });
    expect((await log.entries(3, 11)).map(({ data }) => data)).toEqual(
      entriesFrom(3, 8, 2).map(({ data }) => data),
    );
    await log.close();
    expect(pictureOf(dir)).toEqual(before);
  });
});

describe('at open', () => {
  async function refusedUntouched(options: RaftLogOptions, code: string, root: string): Promise<void> {
    const before = pictureOf(root);
    await expect(openRaftLog(options)).rejects.toMatchObject({ code });
    expect(pictureOf(root)).toEqual(before);
  }

  test('what is no log, or not there', async () => {
    const root = scratch();
    const dir = join(root, 'log');
    await refusedUntouched({ dir, create: 'never' }, 'KEELSON_NOT_A_LOG', root);
    await refusedUntouched({ dir, readOnly: true }, 'KEELSON_NOT_A_LOG', root);
    await refusedUntouched({ dir: join(root, 'a', 'b') }, 'KEELSON_NOT_A_LOG', root);
    await refusedUntouched({ dir, walDir: dir }, 'KEELSON_INVALID_ARGUMENT', root);
    await refusedUntouched({ dir, segmentsBytes: 1 } as RaftLogOptions, 'KEELSON_INVALID_ARGUMENT', root);
    mkdirSync(dir);
    writeFileSync(join(dir, 'notes.txt'), 'mine');
    await refusedUntouched({ dir }, 'KEELSON_NOT_A_LOG', root);
    await refusedUntouched({ dir: join(dir, 'notes.txt') }, 'KEELSON_NOT_A_LOG', root);
    await refusedUntouched({ dir, signal: AbortSignal.abort() }, 'KEELSON_NOT_A_LOG', root);
  });

  test('a signal abandons the open, and the lock is free', async () => {
    const root = scratch();
    const dir = join(root, 'log');
    await (await filledLog(dir)).close();
    await refusedUntouched({ dir, signal: AbortSignal.abort() }, 'KEELSON_ABORTED', root);
    expect((await openLog(dir)).lastIndex).toBe(10);
  });

  test('a signal at any call of an open, of a new log or a full one, frees the store and loses nothing', async () => {
    const disk = createSimulatedDisk({ seed: 1 });
    const options = { dir: '/log', segmentBytes: 65_536 };
    const { environment } = disk;
    /** False if the open made fewer calls. */
    const abandonedAt = async (call: number): Promise<boolean> => {
      const { signal, abort } = abortable();
      const last = disk.callCount + call;
      disk.onCall = ({ number }) => {
        if (number === last) abort();
        return undefined;
      };
      const outcome = await openRaftLog({ ...options, environment, signal }).catch((error: unknown) => error);
      disk.onCall = null;
      if (signal.aborted)
        expect(outcome).toMatchObject({ code: 'KEELSON_ABORTED', cause: { message: 'given up' } });
      else await (outcome as RaftLog).close();
      return signal.aborted;
    };
    let calls = 1;
    while (await abandonedAt(calls)) calls += 1;
    const log = await openRaftLog({ ...options, environment });
    await log.save({
      hardState: { term: 1, vote: 'a' },
      entries: [{ index: 1, term: 1, data: new Uint8Array(9) }],
    });
    await log.close();
    for (calls = 1; await abandonedAt(calls);) calls += 1;
    expect(calls).toBeGreaterThan(20);
    const again = await openRaftLog({ ...options, environment });
    expect(again).toMatchObject({ lastIndex: 1, hardState: { term: 1, vote: 'a' } });
    await again.close();
  });

  test("lost+found is nobody's", async () => {
    const dir = scratch();
    mkdirSync(join(dir, 'lost+found'));
    expect((await filledLog(dir)).lastIndex).toBe(10);
  });

  test('a forgotten walDir, and that of another store: KEELSON_MISSING_SEGMENT', async () => {
    const root = scratch();
    const [dir, walDir, otherDir, otherWal] = ['log', 'wal', 'other', 'other-wal'].map((name) =>
      join(root, name),
    ) as [string, string, string, string];
    await (await filledLog(dir, { walDir })).close();
    await (await filledLog(otherDir, { walDir: otherWal })).close();
    await refusedUntouched({ dir }, 'KEELSON_MISSING_SEGMENT', root);
    await refusedUntouched({ dir, walDir: otherWal }, 'KEELSON_MISSING_SEGMENT', root);
    renameSync(walDir, `${walDir}-away`);
    await expect(openRaftLog({ dir, walDir })).rejects.toMatchObject({ code: 'KEELSON_MISSING_SEGMENT' });
    if (existsSync(walDir)) renameSync(walDir, `${walDir}-made`);
    renameSync(`${walDir}-away`, walDir);
    expect((await openLog(dir, { walDir })).lastIndex).toBe(10);
  });
});

describe('one writer (D11)', () => {
  test('a second open in the process: KEELSON_LOCKED; free after close', async () => {
    const dir = join(scratch(), 'log');
    const log = await filledLog(dir);
    await expect(openRaftLog({ dir })).rejects.toMatchObject({
      code: 'KEELSON_LOCKED',
      family: 'environment',
    });
    const reader = await openLog(dir, { readOnly: true });
    expect(reader.lastIndex).toBeLessThanOrEqual(10);
    await log.close();
    expect((await openLog(dir)).lastIndex).toBe(10);
  });

  test('another process holds it until it dies by SIGKILL', async () => {
    const dir = join(scratch(), 'log');
    const log = await filledLog(dir);
    await log.close();
    const holder = fileURLToPath(new URL('../disk/hold-lock.mjs', import.meta.url));
    const child = spawn(process.execPath, [holder, join(dir, 'superblock')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const died = new Promise((resolve) => child.once('exit', resolve));
    try {
      const said = await new Promise<string>((resolve) =>
        child.stdout.once('data', (bytes) => resolve(String(bytes))),
      );
      expect(said).toBe('held\n');
      await expect(openRaftLog({ dir })).rejects.toMatchObject({ code: 'KEELSON_LOCKED' });
    } finally {
      child.kill('SIGKILL');
      await died;
    }
    expect((await openLog(dir)).lastIndex).toBe(10);
  });
});

describe('limits (D9): what is accepted can be read back', () => {
  test('the largest conf, vote, kind and entry', async () => {
    const dir = join(scratch(), 'log');
    const batchBytesMax = 200_000;
    const log = await openLog(dir, { batchBytesMax });
    const vote = 'é'.repeat(127) + 'x';
    const conf = new Uint8Array(LIMITS.confBytesMax).fill(3);
    await log.setHardState({ term: 1, vote });
    let size = batchBytesMax;
    while (size > 0) {
      const fits = await log
        .append([{ index: 1, term: 1, kind: 255, data: new Uint8Array(size).fill(7) }])
        .then(
          () => true,
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'KEELSON_TOO_LARGE' });
            return false;
          },
        );
      if (fits) break;
      size -= 1;
    }
    expect(batchBytesMax - size).toBeLessThan(64);
    await log.append([{ index: 2, term: 1, kind: 0, data: new Uint8Array(0) }]);
    await log.createSnapshot({ index: 1, conf, data: new Uint8Array(0) });
    for (const reopens of [false, true]) {
      if (reopens) await log.close();
      const view = reopens ? await openLog(dir, { verifyOnOpen: 'all' }) : log;
      expect(view.hardState).toEqual({ term: 1, vote, commit: 1 });
      const [largest, empty] = await view.entries(1, 3);
      expect(largest).toMatchObject({ kind: 255, data: new Uint8Array(size).fill(7) });
      expect(empty).toMatchObject({ kind: 0, data: new Uint8Array(0) });
      const opened = await view.openSnapshot();
      expect(opened?.meta.conf).toEqual(conf);
      expect(await bytesOf(opened?.data as AsyncIterable<Uint8Array>)).toHaveLength(0);
    }
  });
});

describe('the queue', () => {
  test('64 concurrent savers share one write and one sync', async () => {
    const log = await openLog(join(scratch(), 'log'), { segmentBytes: 65_536 });
    await log.setHardState({ term: 1 });
    const before = log.stats();
    const results = await Promise.all(
      Array.from({ length: 64 }, (_, at) => log.append(entriesFrom(at + 1, 1))),
    );
    const { syncs, groups, saves, entries } = log.stats();
    expect(syncs - before.syncs).toBe(1);
    expect(groups - before.groups).toBe(1);
    expect([saves - before.saves, entries - before.entries]).toEqual([64, 64]);
    expect(results.map(({ lastIndex }) => lastIndex)).toEqual(results.map((_, at) => at + 1));
    expect(results.every(({ lsn }, at) => at === 0 || lsn > (results[at - 1]?.lsn ?? 0))).toBe(true);
  });

  test('beyond queueBytesMax: KEELSON_QUEUE_FULL, and room again once the disk caught up', async () => {
    const log = await openLog(join(scratch(), 'log'), { queueBytesMax: 1000 });
    await log.setHardState({ term: 1 });
    const first = log.append(entriesFrom(1, 1, 1, 2000));
    await expect(log.append(entriesFrom(2, 1, 1, 10))).rejects.toMatchObject({
      code: 'KEELSON_QUEUE_FULL',
      family: 'caller',
    });
    expect(log.accepted.lastIndex).toBe(1);
    await first;
    expect((await log.append(entriesFrom(2, 1, 1, 10))).lastIndex).toBe(2);
  });

  test('save({}) waits for what it was checked against, and fails with it', async () => {
    const { disk, open } = simulated();
    await disk.run(async () => {
      const log = await open();
      expect(await log.save({})).toMatchObject({ lastIndex: 0 });
      const first = log.save({ entries: entriesFrom(1, 3), hardState: { term: 1 } });
      const empty = log.save({});
      const repeated = log.append(entriesFrom(1, 3));
      const lsns = (await Promise.all([first, empty, repeated])).map(({ lsn }) => lsn);
      expect(new Set(lsns).size).toBe(1);
      disk.onCall = ({ kind }) => (kind === 'dataSync' ? { fault: 'sync-error' } : undefined);
      const failing = [log.append(entriesFrom(4, 1)), log.save({})];
      for (const save of failing) await expect(save).rejects.toMatchObject({ code: 'KEELSON_SYNC_FAILED' });
      disk.onCall = null;
      expect(log).toMatchObject({ status: 'failed', lastIndex: 3 });
      expect(log.accepted.lastIndex).toBe(3);
      await expect(log.save({})).rejects.toMatchObject({ code: 'KEELSON_FAILED' });
      await log.close();
    });
  });
});

describe('events', () => {
  test('each says what happened, and a listener that throws harms nothing', async () => {
    const log = await openLog(join(scratch(), 'log'), { segmentBytes: 4096, snapshotsKept: 1 });
    const told: [string, unknown][] = [];
    for (const name of [
      'sync',
      'rotate',
      'recovered',
      'compacted',
      'snapshot',
      'failed',
      'no-space',
    ] as const) {
      log.events.on(name, (event: unknown) => {
        told.push([name, event]);
        throw new Error('a listener of no care');
      });
    }
    await log.setHardState({ term: 1 });
    for (let from = 1; from <= 20; from += 4) await log.append(entriesFrom(from, 4, 1, 400));
    const meta = await log.createSnapshot({ index: 18, conf: CONF, data: CONF });
    const { bytesFreed } = await log.compact(18);
    await log.installSnapshot({ index: 40, term: 1, conf: CONF, data: CONF });
    const of = (name: string): unknown[] => told.filter(([kind]) => kind === name).map(([, event]) => event);
    expect(of('recovered')).toEqual([log.recovery]);
    expect(of('compacted')).toEqual([{ upTo: 18, bytesFreed }]);
    expect(of('snapshot')).toEqual([
      { meta, installed: false },
      { meta: { index: 40, term: 1, conf: CONF, bytes: 1 }, installed: true },
    ]);
    expect(of('sync')).toHaveLength(log.stats().syncs);
    expect(of('sync')[0]).toMatchObject({ lsn: 1, saves: 1 });
    expect(of('rotate')).toHaveLength(log.stats().rotations);
    expect(of('rotate')[0]).toMatchObject({ number: 2, recycled: false });
    expect([...of('failed'), ...of('no-space')]).toEqual([]);
    expect(bytesFreed).toBeGreaterThan(0);
    expect(log.stats().segmentsLive).toBe(1);
    expect(log).toMatchObject({ status: 'open', firstIndex: 41, lastIndex: 40 });
  });
});
