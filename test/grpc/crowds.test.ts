// One client that asks for very much and takes nothing must cost the server little, and the next client nothing at all.
// Streams are opened by the hundred and dropped in every state, and what a fresh reader is sent shows what came back.
import { randomBytes } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { connectTo } from '../../src/grpc/net/connect-raft-log.js';
import type { RaftLogCalls } from '../../src/grpc/calls.js';
import type { EntriesResponse, Session } from '../../src/grpc/generated/keelson/v1/raft_log.js';
import { packEntries } from '../../src/grpc/wire/entry-batch.js';
import type { ReadEntry } from '../../src/raft-log/contract.js';
import { orAborted } from '../../src/errors/index.js';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import { LIMITS } from '../../src/format/limits.js';
import {
  LARGE_ENTRIES_BYTES,
  LOOKS_MAX,
  MESSAGE_BYTES,
  VERIFIES_AT_ONCE,
  WINDOW_CHANGES,
} from '../../src/grpc/limits.js';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { logsBelow, type LogSource } from '../../src/grpc/server/log-source.js';
import { RaftLogHost } from '../../src/grpc/server/raft-log-host.js';
import { hostOf } from './in-process.js';
import { all, appending, entryAt, failureOf, opened, rawCalls } from './raw-session.js';
import { served } from './served.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';

function saving(
  calls: RaftLogCalls,
  session: Session,
  number: number,
  entries: ReadEntry[],
): Promise<unknown> {
  const value = { entries: packEntries(entries), hardState: { term: 1, clearsVote: false }, stable: [] };
  return calls.save({ session, change: { number, answered: 0, change: { $case: 'save', value } } });
}

function entriesOf(count: number, bytes: number): ReadEntry[] {
  const data = new Uint8Array(bytes);
  return Array.from({ length: count }, (_, at) => ({ index: at + 1, term: 1, kind: 0, data }));
}

test('entries without data are no more in a message than its bytes allow', async () => {
  const host = hostOf(nodeEnvironment(), scratchDirectory());
  const session = await opened(host);
  await saving(host, session, 1, entriesOf(12_000, 0));
  const messages = await all(host.entries({ name: 'a', from: 1, until: 12_001, session }));
  const counts = messages.map(({ entries: some }) => some?.sizes.length ?? 0);
  expect(counts.reduce((sum, count) => sum + count)).toBe(12_000);
  expect(Math.max(...counts)).toBeLessThan(MESSAGE_BYTES / 32);
  await host.drain();
});

test('of a client that takes no answer no more is read than may be without one', async () => {
  const host = hostOf(nodeEnvironment(), scratchDirectory());
  const session = await opened(host);
  let sent = 0;
  async function* requests() {
    yield { session, changes: [] };
    // Each is refused at once, with an answer of its own.
    for (; sent < 8 * WINDOW_CHANGES; sent += WINDOW_CHANGES) {
      const changes = Array.from({ length: WINDOW_CHANGES }, () => ({ number: 2 ** 40, answered: 0 }));
      yield await Promise.resolve({ changes });
    }
  }
  const answers = host.saveStream(requests());
  await answers.next();
  for (let turn = 0; turn < 100; turn += 1) await setImmediate();
  expect(sent).toBeLessThanOrEqual(2 * WINDOW_CHANGES);
  let answered = 0;
  for await (const batch of answers) answered += batch.answers.length;
  expect(answered).toBe(8 * WINDOW_CHANGES);
  // A newer stream of the session ends one that is not read, with all that it had not taken.
  sent = 0;
  const [older, newer] = [host.saveStream(requests()), host.saveStream(requests())];
  await older.next();
  for (let turn = 0; turn < 100; turn += 1) await setImmediate();
  sent = 8 * WINDOW_CHANGES;
  await newer.next();
  expect(await failureOf(older.next())).toMatchObject({ code: 'KEELSON_ABORTED' });
  const giant = Array.from({ length: WINDOW_CHANGES + 1 }, () => ({ number: 1, answered: 0 }));
  async function* once() {
    yield await Promise.resolve({ session, changes: giant });
  }
  expect(await failureOf(all(host.saveStream(once())))).toMatchObject({ details: { argument: 'changes' } });
  await host.drain();
});

test('readers that take nothing leave whole messages to who takes them', async () => {
  const host = hostOf(nodeEnvironment(), scratchDirectory());
  const session = await opened(host);
  await saving(host, session, 1, entriesOf(2048, 1024));
  const asked = { name: 'a', from: 1, until: 2049 };
  const silent = Array.from({ length: 300 }, () => host.entries(asked)[Symbol.asyncIterator]());
  await Promise.all(silent.map((reader) => reader.next()));
  const [first] = await all(host.entries({ ...asked, session }));
  expect(first?.entries?.data.length).toBeGreaterThan(MESSAGE_BYTES / 2);
  const [, ...others] = await all(host.entries(asked));
  expect(Math.max(...others.map(({ entries }) => entries?.data.length ?? 0))).toBeGreaterThan(
    MESSAGE_BYTES / 2,
  );
  for (const reader of silent) await reader.return?.();
  await host.drain();
});

/** Nothing of it is in a frame of who asked. */
async function nextData(reader: AsyncIterator<EntriesResponse>): Promise<WeakRef<Uint8Array>> {
  const { value } = (await reader.next()) as IteratorYieldResult<EntriesResponse>;
  return new WeakRef(value.entries?.data as Uint8Array);
}

test('who does not come for the next message has nothing of the last kept for it', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const host = hostOf(nodeEnvironment(), scratchDirectory());
  const session = await opened(host);
  await saving(host, session, 1, entriesOf(64, 1024));
  const asked = { name: 'a', from: 1, until: 65, bytesMax: 2048 };
  const readers = [asked, { ...asked, session }].map((one) => host.entries(one)[Symbol.asyncIterator]());
  const kept = await Promise.all(readers.map(nextData));
  // What a weak reference was asked for is kept until the turn ends.
  for (let turn = 0; turn < 3; turn += 1) await setImmediate();
  collect();
  expect(kept.map((one) => one.deref())).toEqual([undefined, undefined]);
  for (const reader of readers) await reader.return?.();
  await host.drain();
});

test('a crowd of readers that begins at one moment opens a log once, and few of them read at one time', async () => {
  const logs = logsBelow({ root: scratchDirectory() });
  const reads = { opens: 0, underWay: 0, most: 0 };
  const open: LogSource['open'] = async (name, options) => {
    reads.opens += 1;
    const hosted = await logs.open(name, options);
    const read = hosted.log.entries.bind(hosted.log);
    hosted.log.entries = async (...range) => {
      reads.underWay += 1;
      reads.most = Math.max(reads.most, reads.underWay);
      return read(...range).finally(() => {
        reads.underWay -= 1;
      });
    };
    return hosted;
  };
  const host = new RaftLogHost({ ...logs, open }, { logsMax: 1, queuedBytesMax: 2 ** 25 });
  const session = await opened(host);
  await saving(host, session, 1, entriesOf(2, 2 ** 20));
  const crowd = async (given?: Session): Promise<void> => {
    const asked = { name: 'a', from: 1, until: 3, ...(given === undefined ? {} : { session: given }) };
    const said = await Promise.all(Array.from({ length: 40 }, () => all(host.entries(asked))));
    expect(said.every((messages) => messages.length === 2)).toBe(true);
  };
  await crowd(session);
  await host.close({ session });
  await crowd();
  await saving(host, await opened(host), 1, [entryAt(3)]);
  expect((await host.getState({ name: 'a' })).state?.lastIndex).toBe(3);
  expect(reads.most).toBeLessThan(8);
  expect(reads.opens).toBe(3);
  await host.drain();
});

test('of many logs that are opened at one moment no more are open than may be, and one that ends leaves its place', async () => {
  const host = new RaftLogHost(logsBelow({ root: scratchDirectory() }), {
    logsMax: 2,
    queuedBytesMax: 2 ** 25,
  });
  const names = Array.from({ length: 10 }, (_, at) => `log-${at}`);
  const said = await Promise.allSettled(names.map((name) => opened(host, { name })));
  expect(said).toMatchObject(
    names.map((_, at) => (at < 2 ? { status: 'fulfilled' } : { reason: { code: 'KEELSON_QUEUE_FULL' } })),
  );
  expect(host.sessions).toHaveLength(2);
  // A log that has its place is taken over in it.
  const session = await opened(host, { name: 'log-0', takeOver: true });
  expect(await failureOf(host.compact({ name: 'log-9', number: 0, upTo: 0 }))).toMatchObject({
    code: 'KEELSON_QUEUE_FULL',
  });
  await host.close({ session });
  await opened(host, { name: 'log-9' });
  await host.drain();
});

test('readers without a session that take their time share what is open, and verifications wait for each other', async () => {
  const logs = logsBelow({ root: scratchDirectory() });
  const found = { opens: 0, underWay: 0, most: 0 };
  const open: LogSource['open'] = async (name, options) => {
    found.opens += 1;
    const hosted = await logs.open(name, options);
    const verify = hosted.log.verify.bind(hosted.log);
    hosted.log.verify = async (given) => {
      found.underWay += 1;
      found.most = Math.max(found.most, found.underWay);
      return verify(given).finally(() => {
        found.underWay -= 1;
      });
    };
    return hosted;
  };
  const host = new RaftLogHost({ ...logs, open }, { logsMax: 2, queuedBytesMax: 2 ** 25 });
  for (const name of ['a', 'b']) {
    const session = await opened(host, { name });
    await saving(host, session, 1, entriesOf(2, 8192));
    await host.close({ session });
  }
  found.opens = 0;
  const read = (name: string) => host.entries({ name, from: 1, until: 3 })[Symbol.asyncIterator]();
  const readers = Array.from({ length: LOOKS_MAX + 6 }, () => read('a'));
  // One by one: each finds no look that is being opened.
  for (const reader of readers) expect((await reader.next()).done).toBe(false);
  expect(found.opens).toBe(LOOKS_MAX);
  expect(await failureOf(read('b').next())).toMatchObject({ code: 'KEELSON_QUEUE_FULL' });
  for (const reader of readers) await reader.return?.();
  const leave = new AbortController();
  const left = failureOf(all(host.verify({ name: 'b' }, leave.signal)));
  const verified = Array.from({ length: 10 }, () => all(host.verify({ name: 'b' })));
  leave.abort();
  expect(await left).toMatchObject({ code: 'KEELSON_ABORTED' });
  for (const one of await Promise.all(verified)) expect(one.at(-1)?.part?.$case).toBe('reportJson');
  expect(found.most).toBe(VERIFIES_AT_ONCE);
  await host.drain();
});

test('a log whose disk never answers keeps its own readers only, and each of them can leave', async () => {
  const logs = logsBelow({ root: scratchDirectory() });
  const disk = { isHung: true, waiting: [] as (() => void)[] };
  const open: LogSource['open'] = async (name, options) => {
    const hosted = await logs.open(name, options);
    const read = hosted.log.entries.bind(hosted.log);
    hosted.log.entries = async (from, until, given) => {
      const answers = new Promise<void>((resolve) => {
        disk.waiting.push(resolve);
      });
      if (name === 'hung' && disk.isHung) await orAborted('the read', given?.signal, answers);
      return read(from, until, given);
    };
    return hosted;
  };
  const host = new RaftLogHost({ ...logs, open }, { logsMax: 2, queuedBytesMax: 2 ** 25 });
  const sessions: Session[] = [];
  for (const name of ['hung', 'other']) {
    const session = await opened(host, { name });
    await saving(host, session, 1, entriesOf(2, MESSAGE_BYTES / 2));
    sessions.push(session);
  }
  const asked = { name: 'hung', from: 1, until: 3 };
  const leave = new AbortController();
  const crowd = Array.from({ length: 1000 }, () =>
    failureOf(all(host.entries({ ...asked, session: sessions[0] }, leave.signal))),
  );
  const others = Array.from({ length: 1000 }, () =>
    host.entries({ ...asked, session: sessions[0] })[Symbol.asyncIterator](),
  );
  for (const other of others) void other.next();
  expect(await all(host.entries({ name: 'other', from: 1, until: 3, session: sessions[1] }))).toHaveLength(1);
  leave.abort();
  // As a connection leaves that breaks.
  for (const other of others) expect(await other.return?.()).toMatchObject({ done: true });
  for (const one of await Promise.all(crowd)) expect(one).toMatchObject({ code: 'KEELSON_ABORTED' });
  // Fewer than the threads by which all logs are read, however many readers came and left.
  expect(disk.waiting.length).toBeLessThan(4);
  disk.isHung = false;
  for (const answer of disk.waiting) answer();
  const [first] = await all(host.entries({ ...asked, session: sessions[0] }));
  expect(first?.entries?.data.length).toBe(MESSAGE_BYTES);
  await host.drain();
});

test('of entries larger than a message no more is held than the server allows, for however many readers', async () => {
  const host = hostOf(nodeEnvironment(), scratchDirectory());
  const session = await opened(host);
  const bytes = 2 ** 22;
  await saving(host, session, 1, [{ index: 1, term: 1, kind: 0, data: new Uint8Array(bytes) }]);
  const asked = { name: 'a', from: 1, until: 2 };
  const readers = Array.from({ length: 12 }, () => host.entries(asked)[Symbol.asyncIterator]());
  const said = await Promise.allSettled(readers.map((reader) => reader.next()));
  const refused = said.filter(({ status }) => status === 'rejected');
  expect(refused).not.toEqual([]);
  for (const one of refused) expect(one).toMatchObject({ reason: { code: 'KEELSON_QUEUE_FULL' } });
  expect((said.length - refused.length) * bytes).toBeLessThanOrEqual(LARGE_ENTRIES_BYTES);
  // The one that has the log reads it still.
  expect(await all(host.entries({ ...asked, session }))).toHaveLength(1);
  for (const reader of readers) await reader.return?.();
  expect(await all(host.entries(asked))).toHaveLength(1);
  await host.drain();
});

test('of snapshots no more are held for readers that take their time, and who has the log reads its own', async () => {
  const host = hostOf(nodeEnvironment(), scratchDirectory());
  const session = await opened(host);
  await saving(host, session, 1, [entryAt(1)]);
  const upload = { session, uploadId: randomBytes(16), offset: 0, index: 1, conf: Buffer.of(), number: 2 };
  async function* parts() {
    yield { part: { $case: 'upload', value: { ...upload, isHeld: false } } as const };
    yield await Promise.resolve({ part: { $case: 'end', value: { bytes: 0 } } as const });
  }
  await host.createSnapshot(parts());
  const asked = { name: 'a', offset: 0 };
  const most = LARGE_ENTRIES_BYTES / LIMITS.snapshotChunkBytes;
  const readers = Array.from({ length: most }, () => host.openSnapshot(asked));
  for (const reader of readers) expect((await reader.next()).done).toBe(false);
  expect(await failureOf(all(host.openSnapshot(asked)))).toMatchObject({ code: 'KEELSON_QUEUE_FULL' });
  expect(await all(host.openSnapshot({ ...asked, session }))).toHaveLength(1);
  for (const reader of readers) await reader.return();
  expect(await all(host.openSnapshot(asked))).toHaveLength(1);
  await host.drain();
});

test('streams that are dropped unread, half read or abandoned leave the next reader whole messages', async () => {
  const server = await served();
  const session = await opened(rawCalls(server.port));
  const entries = entriesOf(64, 32_768);
  await saving(rawCalls(server.port), session, 1, entries);
  const asked = { name: 'a', from: 1, until: 65, session };
  const rounds = IS_DEEP ? 20 : 1;
  for (let round = 0; round < rounds; round += 1) {
    const leave = new AbortController();
    const clients = Array.from({ length: 2 }, () => connectTo(`127.0.0.1:${server.port}`, {}));
    const streams = clients.flatMap(({ calls }) =>
      Array.from({ length: 100 }, () => calls.entries(asked, leave.signal)[Symbol.asyncIterator]()),
    );
    const firsts = await Promise.all(streams.map((stream) => stream.next()));
    expect(firsts.every(({ done }) => done !== true)).toBe(true);
    // A third leaves by itself, a third is abandoned, and of the rest the connection goes.
    for (const stream of streams.slice(0, 66)) await stream.return?.();
    const abandoned = Promise.allSettled(streams.slice(66, 132).map((stream) => stream.next()));
    leave.abort();
    await abandoned;
    for (const { close } of clients) close();
    await saving(rawCalls(server.port), session, round + 2, [
      { ...entries[0], index: 65 + round } as ReadEntry,
    ]);
  }
  const calls = rawCalls(server.port);
  for (;;) {
    const [first] = await all(calls.entries(asked));
    if ((first?.entries?.data.length ?? 0) >= MESSAGE_BYTES / 2) break;
  }
  await calls.save({ session, change: appending(rounds + 2, 65 + rounds) });
});
