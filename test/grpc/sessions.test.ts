// A client in any language must be able to rely on numbers, epochs and answers, whatever is sent twice, late or out of order.
// A raw client of a real server does all of that, and the log is read to see what became of it.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { METHODS } from '../../src/grpc/net/service-definition.js';
import { errorOfEnd } from '../../src/grpc/net/status.js';
import type {
  Change,
  Save,
  SaveStreamRequest,
  Session,
} from '../../src/grpc/generated/keelson/v1/raft_log.js';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import { MESSAGE_BYTES } from '../../src/grpc/limits.js';
import { packEntries } from '../../src/grpc/wire/entry-batch.js';
import { cloneRaftLog } from '../../src/index.js';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { hostOf } from './in-process.js';
import { served, connected } from './served.js';
import { all, appending, entryAt, failureOf, opened, rawCalls } from './raw-session.js';

async function* stream(
  session: Session | undefined,
  ...messages: SaveStreamRequest['changes'][]
): AsyncGenerator<SaveStreamRequest> {
  yield { session, changes: [] };
  for (const changes of messages) yield { changes };
}

test('a change that is sent again is answered by its first answer, and made once', async () => {
  const calls = rawCalls((await served()).port);
  const session = await opened(calls);
  const first = await calls.save({ session, change: appending(1, 1) });
  const second = await calls.save({ session, change: appending(2, 2) });
  expect(await calls.save({ session, change: appending(1, 1) })).toEqual(first);
  const answers = await all(
    calls.saveStream(stream(session, [appending(1, 1), appending(2, 2), appending(3, 3)])),
  );
  const flat = answers.flatMap((message) => message.answers);
  expect(flat.map(({ number }) => number)).toEqual([1, 2, 3]);
  expect(flat[1]?.outcome).toEqual({ $case: 'saved', value: second.saved });
  const { state } = await calls.getState({ name: 'a' });
  expect(state).toMatchObject({ firstIndex: 1, lastIndex: 3, lsn: flat[2]?.outcome?.value.lsn });
});

test('a refused change has its number too, a gap is refused, and what was said to have come is not kept', async () => {
  const calls = rawCalls((await served()).port);
  const session = await opened(calls);
  const refused = await failureOf(calls.save({ session, change: appending(1, 7) }));
  expect(refused).toMatchObject({ code: 'KEELSON_INDEX_GAP', details: { fate: 'not-persisted' } });
  expect(await failureOf(calls.save({ session, change: appending(1, 1) }))).toMatchObject({
    code: 'KEELSON_INDEX_GAP',
  });
  expect(await failureOf(calls.save({ session, change: appending(3, 1) }))).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    details: { argument: 'change.number', found: 3 },
  });
  await calls.save({ session, change: appending(2, 1, { answered: 1 }) });
  expect(await failureOf(calls.save({ session, change: appending(1, 1) }))).toMatchObject({
    details: { argument: 'change.number', found: 1 },
  });
});

test('what was sent behind a change that was refused is not made without it', async () => {
  const calls = rawCalls((await served()).port);
  const session = await opened(calls);
  const { saved } = await calls.save({ session, change: appending(1, 1) });
  const lsn = saved?.lsn ?? 0;
  // The second leaves a hole; the third would fit, but was meant to stand behind it.
  const vote = { hardState: { term: 5, clearsVote: false }, stable: [] };
  const answers = await all(
    calls.saveStream(
      stream(session, [
        appending(2, 9, { followsLsn: lsn }),
        { number: 3, answered: 1, followsLsn: lsn + 1, change: { $case: 'save', value: vote } },
        appending(4, 2, { followsLsn: lsn }),
      ]),
    ),
  );
  const outcomes = answers.flatMap((message) => message.answers).map(({ outcome }) => outcome?.$case);
  expect(outcomes).toEqual(['error', 'error', 'saved']);
  const { state } = await calls.getState({ name: 'a' });
  expect(state?.hardState?.term).toBe(1);
  expect(state?.lastIndex).toBe(2);
});

test('one writer: another is refused, or takes over, and the one before is told and writes nothing more', async () => {
  const server = await served();
  const calls = rawCalls(server.port);
  const before = await opened(calls);
  await calls.save({ session: before, change: appending(1, 1) });
  expect(await failureOf(opened(calls))).toMatchObject({
    code: 'KEELSON_LOCKED',
    details: { argument: 'name' },
  });
  const watched = all(calls.watch({ session: before }));
  const streamed = failureOf(all(calls.saveStream(endless(before))));
  const after = await opened(calls, { takeOver: true });
  expect(after.epoch).toBe(before.epoch + 1);
  expect((await watched).at(-1)?.event).toBe('fenced');
  expect(await streamed).toMatchObject({ code: 'KEELSON_FENCED' });
  const refused = await failureOf(calls.save({ session: before, change: appending(2, 2) }));
  expect(refused).toMatchObject({
    code: 'KEELSON_FENCED',
    details: { fate: 'not-persisted', expected: after.epoch },
  });
  // Neither the id with another epoch, nor the epoch with another id.
  for (const forged of [
    { ...after, epoch: after.epoch + 1 },
    { ...after, id: randomBytes(16) },
    { ...before, epoch: after.epoch },
  ])
    expect(await failureOf(calls.save({ session: forged, change: appending(1, 2) }))).toMatchObject({
      code: 'KEELSON_FENCED',
    });
  expect((await calls.getState({ name: 'a' })).state?.lastIndex).toBe(1);
  await calls.save({ session: after, change: appending(1, 2) });
});

test('a reader is told that its session has ended, and a stranger to ask again; too much is refused at once', async () => {
  // Messages are pulled: over a connection all that there is could have come before the end.
  const calls = hostOf(nodeEnvironment(), scratchDirectory());
  const session = await opened(calls);
  const data = new Uint8Array(MESSAGE_BYTES);
  const entries = packEntries([1, 2, 3, 4].map((index) => ({ ...entryAt(index), data })));
  const value = { entries, hardState: { term: 1, clearsVote: false }, stable: [] };
  await calls.save({ session, change: { number: 1, answered: 0, change: { $case: 'save', value } } });
  const asked = { name: 'a', from: 1, until: 5 };
  const tooFar = calls.entries({ ...asked, until: Number.MAX_SAFE_INTEGER, session })[Symbol.asyncIterator]();
  expect(await failureOf(tooFar.next())).toMatchObject({
    code: 'KEELSON_UNAVAILABLE',
    details: { argument: 'until', found: Number.MAX_SAFE_INTEGER, expected: 5 },
  });
  const own = calls.entries({ ...asked, session })[Symbol.asyncIterator]();
  const strange = calls.entries(asked)[Symbol.asyncIterator]();
  await Promise.all([own.next(), strange.next()]);
  await opened(calls, { takeOver: true });
  const rest = async (reader: AsyncIterator<unknown>): Promise<void> => {
    while ((await reader.next()).done !== true);
  };
  expect(await failureOf(rest(own))).toMatchObject({
    code: 'KEELSON_FENCED',
    details: { argument: 'session' },
  });
  expect(await failureOf(rest(strange))).toMatchObject({
    code: 'KEELSON_CLOSED',
    details: { argument: 'session' },
  });
  await calls.drain();
});

async function* endless(session: Session): AsyncGenerator<SaveStreamRequest> {
  yield { session, changes: [] };
  await new Promise(() => undefined);
}

test('our own log is latched where another takes over, and its host told', async () => {
  const server = await served();
  const log = await connected(server);
  await log.save({ hardState: { term: 1 }, entries: [entryAt(1)] });
  const failed = new Promise((resolve) => {
    log.events.on('failed', resolve);
  });
  const next = await connected(server, { takeOver: true });
  expect(await failed).toMatchObject({ code: 'KEELSON_FENCED' });
  expect(log.status).toBe('failed');
  expect(await failureOf(log.append([entryAt(2)]))).toMatchObject({ code: 'KEELSON_FAILED' });
  await next.append([entryAt(2)]);
  await Promise.all([log.close(), next.close()]);
});

test('numbers beyond 2^53 - 1, and what is no message, are refused as wrong arguments', async () => {
  const calls = rawCalls((await served()).port);
  const session = await opened(calls);
  const wrong = appending(1, 2 ** 53 - 1);
  expect(await failureOf(calls.save({ session, change: wrong }))).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
  });
  const huge = { ...session, epoch: BigInt('18446744073709551615') as unknown as number };
  expect(await failureOf(calls.save({ session: huge, change: appending(2, 1) }))).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    details: { argument: 'the message' },
  });
  for (const name of ['', '..', '../x', 'a/b', 'A', '.a', 'a'.repeat(65), 'a\0'])
    expect(await failureOf(calls.getState({ name }))).toMatchObject({ details: { argument: 'name' } });
});

test('a vote of bytes that are no text is refused, since it would read as another such, and one that contradicts itself', async () => {
  const server = await served();
  const calls = rawCalls(server.port);
  const session = await opened(calls);
  const hardState = { term: 1, vote: 'n@', clearsVote: false };
  const value = { hardState, stable: [] };
  const request = { session, change: { number: 1, answered: 0, change: { $case: 'save', value } as const } };
  const { path, requestSerialize, responseDeserialize } = METHODS.save;
  const bytes = requestSerialize(request);
  bytes[bytes.indexOf('n@') + 1] = 0xff;
  const client = new Client(`127.0.0.1:${server.port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  const error = await new Promise((resolve) => {
    client.makeUnaryRequest(path, (raw: Buffer) => raw, responseDeserialize, bytes, resolve);
  });
  expect(errorOfEnd(error as ServiceError)).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    details: { argument: 'the message' },
  });
  // A mark of byte order is part of a vote.
  const marked = { ...value, hardState: { ...hardState, vote: '\uFEFFn' } };
  await calls.save({ session, change: { number: 1, answered: 0, change: { $case: 'save', value: marked } } });
  expect((await calls.getState({ name: 'a' })).state?.hardState?.vote).toBe('\uFEFFn');
  // Nor is one that is given and taken back in one breath.
  const torn = { ...value, hardState: { ...hardState, term: 2, clearsVote: true } };
  const change = { number: 2, answered: 0, change: { $case: 'save', value: torn } } as const;
  expect(await failureOf(calls.save({ session, change }))).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    details: { argument: 'hardState.clearsVote' },
  });
});

test('each change takes as many LSNs as the .proto says, so that a client can settle by them', async () => {
  const calls = rawCalls((await served()).port);
  const session = await opened(calls);
  let number = 0;
  const lsnAfter = async (change: NonNullable<Change['change']>): Promise<number | undefined> => {
    number += 1;
    return (await calls.save({ session, change: { number, answered: 0, change } })).saved?.lsn;
  };
  const save = (value: Partial<Save>): Promise<number | undefined> =>
    lsnAfter({ $case: 'save', value: { stable: [], ...value } });
  const stable = [{ key: 'k', value: Buffer.from('v') }];
  const three = [entryAt(1), entryAt(2), entryAt(3)];
  expect(await save({ hardState: { term: 1, vote: 'n', clearsVote: false } })).toBe(1);
  expect(
    await save({ entries: packEntries(three), stable, hardState: { term: 1, commit: 1, clearsVote: false } }),
  ).toBe(6);
  // Nothing new; one that is held, and one that is not; a save of nothing.
  expect(await save({ entries: packEntries(three), stable, hardState: { term: 1, clearsVote: false } })).toBe(
    6,
  );
  expect(await save({ entries: packEntries([entryAt(3), entryAt(4)]) })).toBe(7);
  expect(await save({})).toBe(7);
  expect(await save({ truncateFrom: 4 })).toBe(8);
  expect(await save({ truncateFrom: 3, entries: packEntries([entryAt(3)]) })).toBe(9);
  expect(await failureOf(save({ entries: packEntries([entryAt(9)]) }))).toMatchObject({
    code: 'KEELSON_INDEX_GAP',
  });
  const publish = async (index: number): Promise<number | undefined> => {
    const uploadId = randomBytes(16);
    const upload = { session, uploadId, offset: 0, index, conf: Buffer.from('c'), number: 0, isHeld: true };
    await calls.installSnapshot(
      (async function* () {
        yield { part: { $case: 'install', value: { upload, term: 1, hardState: undefined } } as const };
        yield { part: { $case: 'end', value: { bytes: 0 } } as const };
      })(),
    );
    return lsnAfter({ $case: 'publish', value: { uploadId } });
  };
  expect(await publish(1)).toBe(10);
  expect(await publish(2)).toBe(12);
  expect(await publish(2)).toBe(12);
  expect(await lsnAfter({ $case: 'compact', value: { upTo: 2 } })).toBe(13);
  expect(await lsnAfter({ $case: 'compact', value: { upTo: 1 } })).toBe(13);
  expect((await calls.getState({ name: 'a' })).state?.lsn).toBe(13);
  await calls.close({ session });
  const { epoch, state } = await calls.open({ name: 'a', sessionId: randomBytes(16), takeOver: false });
  expect({ epoch, lsn: state?.lsn }).toEqual({ epoch: session.epoch + 1, lsn: 13 });
});

test('a snapshot that breaks off goes on where it broke, and counts once', async () => {
  const calls = rawCalls((await served()).port);
  const session = await opened(calls);
  await calls.save({ session, change: appending(1, 1) });
  const data = randomBytes(300_000);
  const upload = {
    session,
    uploadId: randomBytes(16),
    index: 1,
    conf: Buffer.of(7),
    bytes: data.length,
    number: 2,
    isHeld: false,
  };
  const { checksum } = await import('../../src/format/checksum.js');
  const piece = (from: number, until: number) => {
    const part = data.subarray(from, until);
    return { part: { $case: 'piece', value: { data: part, checksum: checksum(part) } } as const };
  };
  const leave = new AbortController();
  async function* half() {
    yield { part: { $case: 'upload', value: { ...upload, offset: 0 } } as const };
    yield piece(0, 100_000);
    for (;;) {
      const got = await calls
        .getUpload({ session, uploadId: upload.uploadId })
        .catch(() => ({ receivedBytes: 0 }));
      if (got.receivedBytes === 100_000) break;
    }
    leave.abort();
    await new Promise(() => undefined);
  }
  expect(await failureOf(calls.createSnapshot(half(), leave.signal))).toMatchObject({
    code: 'KEELSON_ABORTED',
  });
  async function* rest(offset: number) {
    yield { part: { $case: 'upload', value: { ...upload, offset } } as const };
    if (offset < 300_000) yield piece(offset, 300_000);
    yield { part: { $case: 'end', value: { bytes: 300_000 } } as const };
  }
  expect(await failureOf(calls.createSnapshot(rest(50_000)))).toMatchObject({
    details: { argument: 'upload.offset' },
  });
  const { snapshot } = await calls.createSnapshot(rest(100_000));
  expect(snapshot).toMatchObject({ index: 1, term: 1, bytes: 300_000 });
  // The answer was lost: it is asked for again.
  expect((await calls.createSnapshot(rest(300_000))).snapshot).toMatchObject({ index: 1 });
  const found: Uint8Array[] = [];
  for await (const { part } of calls.openSnapshot({ name: 'a', offset: 150_000 }))
    if (part?.$case === 'piece') found.push(part.value.data);
  expect(Buffer.concat(found).equals(data.subarray(150_000))).toBe(true);
  const { bytesFreed } = await calls.compact({ session, number: 3, name: '', upTo: 1 });
  expect(bytesFreed).toBeGreaterThanOrEqual(0);
  expect((await calls.getState({ name: 'a' })).state?.firstIndex).toBe(2);
});

test('a log that no session has is read, verified and compacted for an operator; one that has one is its own affair', async () => {
  const server = await served();
  const calls = rawCalls(server.port);
  const session = await opened(calls);
  await calls.save({ session, change: appending(1, 1) });
  expect(await failureOf(calls.compact({ name: 'a', number: 0, upTo: 0 }))).toMatchObject({
    code: 'KEELSON_LOCKED',
  });
  expect(JSON.parse((await calls.getStats({ name: 'a' })).statsJson)).toMatchObject({ saves: 1 });
  await calls.close({ session });
  expect(await calls.getState({ name: 'a' })).toMatchObject({ isAttached: false, state: { lastIndex: 1 } });
  const [report] = (await all(calls.verify({ name: 'a' }))).slice(-1);
  if (report?.part?.$case !== 'reportJson') throw new Error('the report is not the last');
  expect(JSON.parse(report.part.value)).toMatchObject({ verdict: 'sound', entries: 1 });
  expect(await calls.compact({ name: 'a', number: 0, upTo: 0 })).toEqual({ bytesFreed: 0 });
  expect(await failureOf(calls.getState({ name: 'nothing-here' }))).toMatchObject({
    code: 'KEELSON_NOT_A_LOG',
  });
});

test('a checkpoint is made below the directory that the server was given, beside a session, and is a store behind it', async () => {
  const checkpoints = scratchDirectory();
  const server = await served({ checkpoints });
  const calls = rawCalls(server.port);
  const session = await opened(calls);
  await calls.save({ session, change: appending(1, 1) });
  const asked = { name: 'a', to: 'first', scope: 0 } as const;
  const made = await calls.checkpoint(asked);
  expect(made).toMatchObject({ directory: join(checkpoints, 'first'), segments: 1, hardState: { term: 1 } });
  const to = join(scratchDirectory(), 'clone');
  expect(await cloneRaftLog(made.directory, { to, identity: 'new-member' })).toMatchObject({ lastIndex: 1 });
  // Sent again, it says that it is there; and no name leads out of the directory.
  for (const name of ['first', '../a', '', '.'])
    expect(await failureOf(calls.checkpoint({ ...asked, to: name }))).toMatchObject({
      code: 'KEELSON_INVALID_ARGUMENT',
      details: { argument: 'to' },
    });
  expect(await failureOf(calls.checkpoint({ ...asked, to: 'all', scope: 2 }))).toMatchObject({
    code: 'KEELSON_UNAVAILABLE',
  });
  await calls.close({ session });
  expect((await calls.checkpoint({ ...asked, to: 'second' })).segments).toBe(1);
  const other = rawCalls((await served()).port);
  await opened(other);
  expect(await failureOf(other.checkpoint(asked))).toMatchObject({ details: { argument: 'checkpoints' } });
});
