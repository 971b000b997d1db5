// Entries of a save, and of a read, travel as one piece that anybody can make: what does not add up must change nothing.
// Batches are packed and cut again, and a host is sent each way in which one can contradict itself.
import { expect, test } from 'vitest';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import type { Method, RaftLogCalls } from '../../src/grpc/calls.js';
import type { Change, EntryBatch, SaveStreamRequest } from '../../src/grpc/generated/keelson/v1/raft_log.js';
import { ENTRIES_MAX, FIELDS_MAX } from '../../src/grpc/limits.js';
import { METHODS } from '../../src/grpc/net/service-definition.js';
import { packEntries, unpackEntries } from '../../src/grpc/wire/entry-batch.js';
import { scratchDirectory } from '../disk/scratch-directory.js';
import { connectTo, hostOf } from './in-process.js';
import { all, entryAt, failureOf, opened } from './raw-session.js';

const entries = [1, 1, 2, 5, 5].map((term, at) => ({
  ...entryAt(at + 7),
  term,
  kind: at === 3 ? 255 : 0,
  data: new Uint8Array(at === 1 ? 0 : at + 1).fill(at),
}));

function asRead(batch: EntryBatch): unknown[] {
  const given = unpackEntries(batch);
  return Array.from({ length: given.count }, (_, at) => {
    const index = given.from + at;
    return { index, term: given.term(index), kind: given.kind(index), data: given.data(index) };
  });
}

test.each([1, 2, 3, 5])('%i entries are cut as they were packed', (count) => {
  expect(asRead(packEntries(entries.slice(0, count)))).toEqual(entries.slice(0, count));
});

test('what is given up is moved together where it stands, or copied where it stands in no order', () => {
  const memory = new Uint8Array(100).map((_, at) => at);
  const cut = (...froms: number[]) =>
    froms.map((from, at) => ({ index: at + 1, term: 1, kind: 0, data: memory.subarray(from, from + 10) }));
  for (const given of [cut(0, 15, 30), cut(30, 15, 0), cut(0, 5, 20), [...cut(50, 70), entryAt(3)]]) {
    const before = given.map(({ data }) => [...data]);
    const { data } = packEntries(given, true);
    expect([...data]).toEqual(before.flat());
    memory.forEach((_, at) => {
      memory[at] = at;
    });
  }
});

test('they travel as one piece, and are views of the message that brought them', () => {
  const { requestSerialize, readRequest } = METHODS.save;
  const value = { entries: packEntries(entries), stable: [] };
  const change = { number: 1, answered: 0, change: { $case: 'save', value } };
  const bytes = requestSerialize({ change });
  const read = readRequest(bytes) as { readonly change: typeof change };
  const batch = read.change.change.value.entries;
  expect(asRead(batch)).toEqual(entries);
  expect(unpackEntries(batch).data(7).buffer).toBe(bytes.buffer);
});

test('a save says of the hard state what it changes, and nothing where it changes nothing', async () => {
  const host = hostOf(nodeEnvironment(), scratchDirectory());
  const said: unknown[] = [];
  async function* noted(requests: AsyncIterable<SaveStreamRequest>) {
    for await (const request of requests) {
      for (const { change } of request.changes)
        if (change?.$case === 'save') said.push(change.value.hardState?.commit);
      yield request;
    }
  }
  const calls = new Proxy<RaftLogCalls>(host, {
    get: (_, method: Method) =>
      method === 'saveStream'
        ? (requests: AsyncIterable<SaveStreamRequest>, signal?: AbortSignal) =>
            host.saveStream(noted(requests), signal)
        : host[method].bind(host),
  });
  const log = await connectTo(calls, 'a');
  await log.save({ hardState: { term: 1 }, entries: [entryAt(1)] });
  await log.append([entryAt(2)]);
  await log.append([entryAt(3)]);
  await log.save({ hardState: { commit: 2 }, entries: [entryAt(4)] });
  await log.append([entryAt(5)]);
  expect(said).toEqual([0, undefined, undefined, 2, undefined]);
  await log.close();
  const again = await connectTo(host, 'a');
  expect(again).toMatchObject({ lastIndex: 5, hardState: { term: 1, commit: 2 } });
  await again.close();
  await host.drain();
});

test('a message of very many fields, which would be fifty times as large in memory, is refused half-way', () => {
  const field = (number: number, bytes: Buffer): Buffer => {
    const head = [(number << 3) | 2];
    for (let left = bytes.length; left > 0; left >>>= 7) head.push((left & 0x7f) | (left < 0x80 ? 0 : 0x80));
    return Buffer.concat([Buffer.from(head), bytes]);
  };
  const ofSizes = (count: number): Buffer => field(1, field(2, Buffer.alloc(count)));
  const { responseDeserialize } = METHODS.entries;
  expect(responseDeserialize(ofSizes(1000))).toMatchObject({ entries: { sizes: { length: 1000 } } });
  expect(() => responseDeserialize(ofSizes(FIELDS_MAX))).toThrow('more than');
});

test('a message is not read before it is known that its call may be made', () => {
  const bytes = Buffer.from('ffff', 'hex');
  for (const { requestDeserialize, readRequest } of Object.values(METHODS)) {
    expect(requestDeserialize(bytes)).toBe(bytes);
    expect(() => readRequest(bytes)).toThrow('the message');
  }
});

test('of one message no more entries are taken than keep others waiting for a moment, however many changes they are of', async () => {
  const host = hostOf(nodeEnvironment(), scratchDirectory());
  const log = await connectTo(host, 'b');
  await log.setHardState({ term: 1 });
  const empty = (_: unknown, at: number) => ({ index: at + 1, term: 1, data: NO_DATA });
  const tooMany = Array.from({ length: ENTRIES_MAX + 1 }, empty);
  expect(await failureOf(log.append(tooMany))).toMatchObject({
    code: 'KEELSON_TOO_LARGE',
    details: { found: ENTRIES_MAX + 1, expected: ENTRIES_MAX, fate: 'not-persisted' },
  });
  await log.append(tooMany.slice(0, 2));
  expect(log.lastIndex).toBe(2);
  const session = await opened(host);
  const save = (number: number, sizes: number[]): Change => {
    const entries = { termRuns: [{ index: 1, term }], sizes, kinds: NO_DATA, data: NO_DATA };
    const hardState = { term: 1, clearsVote: false };
    return { number, answered: 0, change: { $case: 'save', value: { entries, hardState, stable: [] } } };
  };
  async function* requests() {
    yield await Promise.resolve({
      session,
      changes: [save(1, [0]), save(2, new Array<number>(ENTRIES_MAX).fill(0))],
    });
  }
  expect(await failureOf(all(host.saveStream(requests())))).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    details: { argument: 'changes.entries' },
  });
  expect((await host.getState({ name: 'a' })).state).toMatchObject({ lastIndex: 0, lsn: 0 });
  await log.close();
  await host.drain();
});

const NO_DATA = new Uint8Array(0);
const whole = packEntries([entryAt(1), entryAt(2), entryAt(3)]);
const term = 1;

test.each<[string, Partial<EntryBatch>]>([
  ['sizes', { sizes: [] }],
  ['sizes', { sizes: [], termRuns: [], data: new Uint8Array(0) }],
  ['sizes', { sizes: new Array<number>(ENTRIES_MAX + 1).fill(0), data: new Uint8Array(0) }],
  ['data', { sizes: [1, 1] }],
  ['data', { sizes: [1, 1, 2] }],
  ['data', { sizes: [1, 2, 0xffff_ffff] }],
  ['data', { data: new Uint8Array(0) }],
  ['kinds', { kinds: new Uint8Array(2) }],
  ['kinds', { kinds: new Uint8Array(4) }],
  ['term_runs', { termRuns: [] }],
  ['term_runs', { termRuns: [{ index: 0, term }] }],
  ['term_runs', { termRuns: [{ index: Number.MAX_SAFE_INTEGER - 2, term }] }],
  [
    'term_runs',
    {
      termRuns: [
        { index: 1, term },
        { index: 1, term },
      ],
    },
  ],
  [
    'term_runs',
    {
      termRuns: [
        { index: 1, term },
        { index: 4, term },
      ],
    },
  ],
  ['term_runs', { termRuns: [3, 1, 2].map((index) => ({ index, term })) }],
  ['term_runs', { termRuns: [1, 3, 2].map((index) => ({ index, term })) }],
])('what does not add up is refused before anything is written: %s %#', async (field, wrong) => {
  const host = hostOf(nodeEnvironment(), scratchDirectory());
  const session = await opened(host);
  const hardState = { term: 1, clearsVote: false };
  const save = (number: number, entries: EntryBatch): Promise<unknown> => {
    const value = { entries, hardState, stable: [] };
    return host.save({ session, change: { number, answered: 0, change: { $case: 'save', value } } });
  };
  expect(await failureOf(save(1, { ...whole, ...wrong }))).toMatchObject({
    code: 'KEELSON_INVALID_ARGUMENT',
    details: { argument: `entries.${field}` },
  });
  const { state } = await host.getState({ name: 'a' });
  expect(state).toMatchObject({ lastIndex: 0, lsn: 0, hardState: { term: 0 } });
  await save(2, whole);
  await host.drain();
});
