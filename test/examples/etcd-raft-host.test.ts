/**
 * At stake: the loop around etcd-io/raft must say nothing before it is durable, and ask the engine nothing that would end
 * it. Tried with engines that want one thing each, on real logs, some of which keep nothing in memory.
 */
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  type AsyncHost,
  AsyncStorage,
  type Round,
  type StorageWork,
} from '../../examples/etcd-raft/host/async-storage.js';
import { LogStorage, REFUSED } from '../../examples/etcd-raft/host/log-storage.js';
import { SnapshotSending } from '../../examples/etcd-raft/host/snapshot-sending.js';
import { type Entry, openRaftLog, type RaftLog } from '../../src/index.js';
import type { Message } from '../../sim/raft/index.js';
import { fillable } from './fillable.js';
import { scratchDirectory } from './scratch-directory.js';

const NO_CONF = new Uint8Array(0);
const ANSWER = Uint8Array.of(1);

async function openLog(): Promise<RaftLog> {
  const log = await openRaftLog({
    dir: join(scratchDirectory(), 'log'),
    recentBytes: 0,
    segmentBytes: 16_384,
  });
  onTestFinished(() => log.close());
  return log;
}

function entriesOf(from: number, until: number, term = 1): Entry[] {
  return Array.from({ length: until - from }, (_, at) => ({
    index: from + at,
    term,
    kind: 0,
    data: Buffer.from(`${from + at} of ${term}`),
  }));
}

const work = (given: Partial<StorageWork>): StorageWork => ({
  entries: [],
  hardState: null,
  snapshot: null,
  responses: [],
  ...given,
});

/** Runs an engine that wants these rounds, one after the other, and tells what was said of them. */
async function run(
  log: RaftLog,
  rounds: readonly Partial<Round>[],
  engine: { committed?: number; asked?: (storage: LogStorage) => void } = {},
): Promise<readonly string[]> {
  const said: string[] = [];
  const storage = new LogStorage(log, NO_CONF, () => undefined);
  const host: AsyncHost = {
    apply: (entries) => said.push(`applied ${entries.map(({ index }) => index).join()}`),
    handled: () => undefined,
    incomingData: () => Buffer.from('state'),
    installed: async () => {
      said.push(`installed ${log.snapshot?.index}`);
      return Promise.resolve();
    },
    troubled: (error) => said.push(`troubled ${(error as { code?: string }).code}`),
    failed: (error) => said.push(`failed ${(error as { code?: string }).code}`),
  };
  const left = [...rounds];
  let applied = 0;
  const raft = {
    get applied() {
      return applied;
    },
    committed: engine.committed ?? 0,
    hasReady: () => left.length > 0,
    ready: (): Round => {
      engine.asked?.(storage);
      applied = engine.committed ?? 0;
      return { outgoing: [], appends: [], applies: [], readStates: [], ...left.shift() };
    },
    step: ([name]: Uint8Array) => said.push(`answer ${name} at ${log.lastIndex}, term ${log.hardState.term}`),
    applyConfChange: () => null,
  };
  const loop = new AsyncStorage({ raft, log, storage, host, send: (messages) => messages });
  loop.feed(() => undefined);
  const awaited = rounds.flatMap(({ appends = [], applies = [] }) => [...appends, ...applies]);
  await vi.waitFor(
    () => {
      const isOver = said.some((line) => line.startsWith('failed'));
      const answers = said.filter((line) => line.startsWith('answer')).length;
      expect(isOver || (left.length === 0 && answers >= awaited.length)).toBe(true);
    },
    { timeout: 60_000, interval: 2 },
  );
  return said;
}

describe('the loop', () => {
  test('answers for entries and a vote when they are durable, and in the order in which they were wanted', async () => {
    const log = await openLog();
    const first = work({
      entries: entriesOf(1, 3),
      hardState: { term: 1, vote: 'a', commit: 0 },
      responses: [ANSWER],
    });
    const second = work({
      entries: entriesOf(2, 4, 2),
      hardState: { term: 2, vote: null, commit: 1 },
      responses: [Uint8Array.of(2)],
    });
    const said = await run(log, [{ appends: [first, second] }]);
    expect(said).toEqual(['answer 1 at 3, term 2', 'answer 2 at 3, term 2']);
    expect(log.term(2)).toBe(2);
    expect(log.hardState).toEqual({ term: 2, vote: null, commit: 1 });
  });

  test('writes what comes behind a snapshot when that is installed', async () => {
    const log = await openLog();
    const snapshot = { index: 10, term: 1, conf: Uint8Array.of(7) };
    const install = work({ snapshot, hardState: { term: 1, vote: null, commit: 10 }, responses: [ANSWER] });
    const behind = work({ entries: entriesOf(11, 13), responses: [ANSWER] });
    const said = await run(log, [{ appends: [install] }, { appends: [behind] }]);
    expect(said[0]).toBe('installed 10');
    expect(said.at(-1)).toBe('answer 1 at 12, term 1');
    expect([log.firstIndex, log.lastIndex]).toEqual([11, 12]);
  });

  test('lets the engine sleep until what is committed and not applied can be read at once', async () => {
    const log = await openLog();
    await log.save({ entries: entriesOf(1, 4), hardState: { term: 1, commit: 3 } });
    const found: unknown[] = [];
    const rounds = [{ applies: [work({ entries: entriesOf(1, 4), responses: [ANSWER] })] }];
    const said = await run(log, rounds, {
      committed: 3,
      asked: (storage) => found.push(storage.entries(1, 4, Infinity)),
    });
    expect(found).toEqual([entriesOf(1, 4)]);
    expect(said[0]).toBe('applied 1,2,3');
  });

  test('answers for nothing behind what a full disk refused until that is written, when there is room', async () => {
    const room = { isFull: false };
    const log = await fillable(room)({ dir: join(scratchDirectory(), 'log'), segmentBytes: 16_384 });
    onTestFinished(() => log.close());
    const large = { index: 1, term: 1, kind: 0, data: Buffer.alloc(50_000) };
    const first = work({
      entries: [large],
      hardState: { term: 1, vote: null, commit: 0 },
      responses: [ANSWER],
    });
    const vote = work({ hardState: { term: 2, vote: 'b', commit: 0 }, responses: [Uint8Array.of(2)] });
    room.isFull = true;
    log.events.on('no-space', () => {
      setImmediate(() => (room.isFull = false));
    });
    const said = await run(log, [{ appends: [first, vote] }, { appends: [work({ responses: [ANSWER] })] }]);
    expect(said[0]).toBe('troubled KEELSON_NO_SPACE');
    const answers = said.filter((line) => line.startsWith('answer'));
    expect(answers.map((line) => line.slice(0, 'answer 1 at 1'.length))).toEqual([
      'answer 1 at 1',
      'answer 2 at 1',
      'answer 1 at 1',
    ]);
    expect(log.hardState).toMatchObject({ term: 2, vote: 'b' });
  });

  test('ends with a save that fails, and answers for none', async () => {
    const log = await openLog();
    await log.close();
    const said = await run(log, [{ appends: [work({ entries: entriesOf(1, 2), responses: [ANSWER] })] }]);
    expect(said).toEqual(['failed KEELSON_CLOSED']);
  });
});

describe('the storage', () => {
  test('refuses what is only on the disk so that a leader asks again, and then has it', async () => {
    const log = await openLog();
    await log.save({ entries: entriesOf(1, 5), hardState: { term: 1 } });
    const storage = new LogStorage(log, NO_CONF, () => undefined);
    expect(storage.entries(2, 5, 1)).toBe(REFUSED.compacted);
    expect(storage.snapshot()).toBe(REFUSED.temporarilyUnavailable);
    await storage.load(2);
    expect(storage.entries(2, 5, Infinity)).toEqual(entriesOf(2, 5));
    expect(storage.entries(3, 5, 1)).toEqual(entriesOf(3, 4));
    expect(storage.entries(2, 6, 1)).toBe(REFUSED.unavailable);
  });

  test('has no entry any more in whose place another stands', async () => {
    const log = await openLog();
    await log.save({ entries: entriesOf(1, 5), hardState: { term: 1 } });
    const storage = new LogStorage(log, NO_CONF, () => undefined);
    await storage.load(1);
    await log.save({ entries: entriesOf(3, 4, 2), hardState: { term: 2 } });
    expect(storage.entries(1, 4, Infinity)).toBe(REFUSED.compacted);
    await storage.load(1);
    expect(storage.entries(1, 4, Infinity)).toEqual([...entriesOf(1, 3), ...entriesOf(3, 4, 2)]);
  });

  test('gives no snapshot from before the members changed, but asks for one of now', async () => {
    const log = await openLog();
    await log.save({ entries: entriesOf(1, 5), hardState: { term: 1, commit: 4 } });
    await log.createSnapshot({ index: 2, conf: Uint8Array.of(1), data: new Uint8Array(0) });
    let wanted = 0;
    const storage = new LogStorage(log, Uint8Array.of(1), () => {
      wanted += 1;
    });
    expect(storage.snapshot()).toMatchObject({ index: 2, term: 1 });
    storage.conf = Uint8Array.of(2);
    expect(storage.snapshot()).toBe(REFUSED.temporarilyUnavailable);
    expect(wanted).toBe(1);
  });
});

test('the snapshot that was promised is sent, and no newer one, one piece for one answer', async () => {
  const log = await openLog();
  await log.save({ entries: entriesOf(1, 5), hardState: { term: 1, commit: 4 } });
  const data = Buffer.alloc(300_000, 's');
  await log.createSnapshot({ index: 2, conf: NO_CONF, data });
  await log.createSnapshot({ index: 3, conf: NO_CONF, data: Buffer.from('newer') });
  const sent: (Message | 'promise')[] = [];
  const ended: boolean[] = [];
  const sending = new SnapshotSending(
    'a',
    log,
    (message) => sent.push(message),
    (_, isDone) => ended.push(isDone),
  );
  const promised = { index: 2, term: 1 };
  sending.start('b', promised, () => sent.push('promise'));
  const pieces = async (count: number): Promise<void> => {
    await vi.waitFor(
      () => {
        expect(sent).toHaveLength(count);
      },
      { timeout: 60_000, interval: 2 },
    );
  };
  await pieces(1);
  sending.answered('b', promised, 262_144);
  await pieces(2);
  sending.answered('b', promised, 5); // of a sending before this one
  expect(sent).toHaveLength(2);
  sending.answered('b', promised, 300_000);
  expect(sent[2]).toBe('promise');
  expect(sent.slice(0, 2)).toMatchObject([
    { snapshot: promised, offset: 0, isLast: false },
    { snapshot: promised, offset: 262_144, isLast: true },
  ]);
  expect(ended).toEqual([true]);
  await sending.stop();
});
