// What is judged and what is written must be one and the same, whatever the caller's objects do meanwhile: else entries
// are acknowledged that can never be read. Hostile objects are handed in, and what was acknowledged is read back.
import { afterEach, describe, expect, it } from 'vitest';
import type { Entry, RaftLog, SaveRequest } from '../../src/raft-log/contract.js';
import { createMemoryRaftLog } from '../../src/raft-log/memory/memory-raft-log.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { openWal } from '../../src/wal/index.js';
import { createSimulatedDisk } from '../../sim/disk/simulated-disk.js';

const DIR = '/data/log';
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const entry = (index: number, data: Uint8Array = bytes(index)): Entry => ({ index, term: 0, data });
const newEnvironment = () => createSimulatedDisk({ seed: 1, directories: ['/data'] }).environment;

const STORES: readonly [string, () => Promise<RaftLog>][] = [
  ['a disk', () => openRaftLog({ dir: DIR, segmentBytes: 65_536, environment: newEnvironment() })],
  ['memory', () => Promise.resolve(createMemoryRaftLog())],
];

// The library of types for this target does not know of the second argument yet.
type Made<Buffer> = new (length: number, options: { readonly maxByteLength: number }) => Buffer;
const Resizable = ArrayBuffer as unknown as Made<ArrayBuffer>;
const GrowableShared = SharedArrayBuffer as unknown as Made<SharedArrayBuffer>;

/** Memory that another thread may write, or that may change its size. */
const FOREIGN: readonly [string, () => Uint8Array][] = [
  ['shared', () => new Uint8Array(new SharedArrayBuffer(8))],
  ['shared and growable', () => new Uint8Array(new GrowableShared(8, { maxByteLength: 16 }))],
  ['shared, a Buffer', () => Buffer.from(new SharedArrayBuffer(100), 10, 20)],
  ['resizable', () => new Uint8Array(new Resizable(8, { maxByteLength: 16 }))],
  ['resizable, of fixed length', () => new Uint8Array(new Resizable(8, { maxByteLength: 16 }), 2, 4)],
  ['transferred', transferred],
];

function transferred(): Uint8Array {
  const given = new Uint8Array(100);
  structuredClone(given, { transfer: [given.buffer] });
  return given;
}

describe.each(STORES)('entries given to a log on %s', (_name, open) => {
  let log: RaftLog;
  afterEach(() => log.close());

  async function held(): Promise<number[][]> {
    return (await log.entries(log.firstIndex, log.lastIndex + 1)).map(({ data }) => [...data]);
  }

  it.each(FOREIGN)('are refused on memory that is %s', async (_kind, make) => {
    log = await open();
    const saving = log.append([entry(1), entry(2, make())]);
    await expect(saving).rejects.toMatchObject({
      code: 'KEELSON_INVALID_ARGUMENT',
      details: { argument: 'entries[1].data' },
    });
    expect(log.accepted.lastIndex).toBe(0);
  });

  it('are each property read once', async () => {
    log = await open();
    const reads: string[] = [];
    const watched = <Value extends object>(name: string, value: Value): Value =>
      new Proxy(value, {
        get(target, key) {
          if (key !== 'length') reads.push(`${name}.${String(key)}`);
          return Reflect.get(target, key) as unknown;
        },
      });
    const request = watched('save', {
      entries: watched('entries', [watched('entry', { index: 1, term: 3, kind: 4, data: bytes(5) })]),
      hardState: watched('hardState', { term: 3, vote: 'a', commit: 1 }),
      truncateFrom: 1,
    });
    await log.save(request);
    expect(reads.filter((one, at) => reads.indexOf(one) !== at)).toEqual([]);
    expect(await log.entries(1, 2)).toEqual([{ index: 1, term: 3, kind: 4, data: bytes(5) }]);
  });

  it('are those that the first reading of a getter gave', async () => {
    log = await open();
    let reads = 0;
    const shifting = {
      index: 1,
      term: 0,
      get data(): Uint8Array {
        reads += 1;
        return reads === 1 ? bytes(1, 2, 3) : new Uint8Array(50_000);
      },
    };
    await log.append([shifting]);
    expect([reads, await held()]).toEqual([1, [[1, 2, 3]]]);
  });

  it('leave nothing behind where a getter throws, and the log goes on', async () => {
    log = await open();
    const mine = new Error('mine');
    for (const place of ['index', 'term', 'kind', 'data']) {
      const broken = Object.defineProperty({ ...entry(2) }, place, {
        enumerable: true,
        get: () => {
          throw mine;
        },
      });
      await expect(log.append([entry(1), broken])).rejects.toBe(mine);
    }
    await log.append([entry(1)]);
    expect([log.accepted.lastIndex, await held()]).toEqual([1, [[1]]]);
  });

  it('let a save within a getter come first, whole, and are judged behind it', async () => {
    log = await open();
    let inner: Promise<unknown> | undefined;
    const nesting = (index: number): Entry => ({
      index,
      term: 0,
      get data(): Uint8Array {
        inner ??= log.append([entry(1, bytes(7)), entry(2, bytes(7)), entry(3, bytes(7))]);
        return bytes(9);
      },
    });
    await log.append([nesting(4), entry(5, bytes(8))]);
    await inner;
    expect(await held()).toEqual([[7], [7], [7], [9], [8]]);
  });

  it('are refused where a getter gives away the memory of one that was read before', async () => {
    log = await open();
    const first = new Uint8Array(2000).fill(1);
    const taking = {
      index: 2,
      term: 0,
      get data(): Uint8Array {
        structuredClone(first, { transfer: [first.buffer] });
        return bytes(2);
      },
    };
    await expect(log.append([entry(1, first), taking])).rejects.toMatchObject({
      code: 'KEELSON_INVALID_ARGUMENT',
      details: { argument: 'entries[0].data' },
    });
    await log.append([entry(1)]);
    expect(await held()).toEqual([[1]]);
  });

  it.each([1.5, -1, NaN, Infinity, '1', undefined, 2 ** 53])(
    'are refused where their list says that it has %s of them',
    async (length) => {
      log = await open();
      const list = new Proxy([entry(1), entry(2)], {
        get: (target, key) => (key === 'length' ? length : (Reflect.get(target, key) as unknown)),
      });
      await expect(log.append(list)).rejects.toMatchObject({ family: 'caller' });
      await log.append([entry(1)]);
      expect(await held()).toEqual([[1]]);
    },
  );

  it('are refused where they, their list or their bytes are a proxy that was revoked', async () => {
    log = await open();
    const revoked = <Value extends object>(value: Value): Value => {
      const { proxy, revoke } = Proxy.revocable(value, {});
      revoke();
      return proxy;
    };
    for (const request of [
      revoked({}),
      { entries: revoked([entry(1)]) },
      { entries: [revoked(entry(1))] },
      { entries: [{ ...entry(1), data: revoked(bytes(1)) }] },
      { hardState: revoked({}) },
    ])
      await expect(log.save(request)).rejects.toThrow();
    expect([log.accepted.lastIndex, log.status]).toEqual([0, 'open']);
  });

  it('are refused where one of their getters closes the log', async () => {
    log = await open();
    let closing: Promise<void> | undefined;
    const closer = {
      index: 1,
      term: 0,
      get data(): Uint8Array {
        closing ??= log.close();
        return bytes(1);
      },
    };
    const outcome = await log.append([closer]).then(
      ({ lastIndex }) => lastIndex,
      (error: unknown) => (error as { code: string }).code,
    );
    await closing;
    expect(outcome).toBe('KEELSON_CLOSED');
    expect(log.status).toBe('closed');
  });

  it('are what their memory holds, whatever a subclass says of it', async () => {
    log = await open();
    class Lying extends Uint8Array {
      override get length(): number {
        return 1;
      }
      override [Symbol.iterator](): ArrayIterator<number> {
        return [99].values();
      }
      override slice(): Uint8Array<ArrayBuffer> {
        return new Uint8Array(1);
      }
    }
    const long = Object.defineProperty(bytes(4, 5), 'length', { value: 40 });
    const pooled = Buffer.from('keelson').subarray(4);
    await log.append([entry(1, new Lying([1, 2, 3])), entry(2, long), entry(3, pooled)]);
    expect(await held()).toEqual([[1, 2, 3], [4, 5], [...Buffer.from('son')]]);
  });

  it.each([
    ['a proxy of bytes', new Proxy(bytes(1), {})],
    ['an object with the prototype of bytes', Object.create(Uint8Array.prototype) as unknown],
    ['an array of numbers', [1]],
    ['a view of another kind', new DataView(new ArrayBuffer(1))],
  ])('are refused with %s for data', async (_kind, data) => {
    log = await open();
    const saving = log.append([{ index: 1, term: 0, data: data as Uint8Array }]);
    await expect(saving).rejects.toMatchObject({ details: { argument: 'entries[0].data' } });
  });

  it('are refused with a field that nobody would read, and as anything but an array', async () => {
    log = await open();
    const typed = { ...entry(1), type: 'config' };
    await expect(log.append([typed])).rejects.toMatchObject({ details: { argument: 'entries[0].type' } });
    const inherited = Object.create(
      { describe: () => 'of a class' },
      Object.getOwnPropertyDescriptors(entry(1)),
    );
    await log.append([inherited as Entry]);
    for (const list of [
      new Set([entry(2)]),
      { 0: entry(2), length: 1 },
      [entry(2)].values(),
      new Array<Entry>(1),
    ])
      await expect(log.append(list as unknown as Entry[])).rejects.toMatchObject({
        code: 'KEELSON_INVALID_ARGUMENT',
      });
    const request = Promise.resolve({ entries: [entry(2)] }) as unknown as SaveRequest;
    await expect(log.save(request)).rejects.toMatchObject({ details: { argument: 'request' } });
    expect(log.accepted.lastIndex).toBe(1);
  });
});

describe.each(STORES)('a snapshot given to a log on %s', (_name, open) => {
  let log: RaftLog;
  afterEach(() => log.close());

  async function read(): Promise<Uint8Array> {
    const opened = await log.openSnapshot();
    const pieces: Uint8Array[] = [];
    for await (const piece of opened?.data ?? []) pieces.push(piece);
    return Buffer.concat(pieces);
  }

  it('is that of the call, whatever becomes of its bytes while it waits for its turn', async () => {
    log = await open();
    await log.append([entry(1), entry(2)]);
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const first = log.createSnapshot({
      index: 1,
      conf: bytes(),
      data: (async function* () {
        yield bytes(1);
        await gate;
      })(),
    });
    const data = Buffer.from('as of entry 2');
    const conf = bytes(1, 2);
    const second = log.createSnapshot({ index: 2, conf, data });
    data.fill(0);
    conf.fill(0);
    release();
    await Promise.all([first, second]);
    expect(Buffer.from(await read()).toString()).toBe('as of entry 2');
    expect(log.snapshot?.conf).toEqual(bytes(1, 2));
  });

  it.each(FOREIGN)('is refused on memory that is %s', async (_kind, make) => {
    log = await open();
    await log.append([entry(1)]);
    const wrong: readonly [string, () => Promise<unknown>][] = [
      ['data', () => log.createSnapshot({ index: 1, conf: bytes(), data: make() })],
      ['conf', () => log.createSnapshot({ index: 1, conf: make(), data: bytes() })],
      ['data', () => log.installSnapshot({ index: 9, term: 0, conf: bytes(), data: make() })],
    ];
    for (const [argument, call] of wrong)
      await expect(call()).rejects.toMatchObject({
        code: 'KEELSON_INVALID_ARGUMENT',
        details: { argument },
      });
    expect(log.snapshot).toBeNull();
  });
});

describe.each(STORES)('a stream given to a log on %s', (_name, open) => {
  let log: RaftLog;
  afterEach(() => log.close());

  const refusal = { code: 'KEELSON_INVALID_ARGUMENT', details: { argument: 'data' } };
  const created = (next: unknown, more: object = {}): Promise<unknown> =>
    log.createSnapshot({
      index: 1,
      conf: bytes(),
      data: { [Symbol.asyncIterator]: () => ({ next, ...more }) as AsyncIterator<Uint8Array> },
    });

  it.each<[string, unknown]>([
    ['no next', undefined],
    ['a next that is none', 5],
    ['answers that are none', () => undefined],
    ['answers that are text', () => Promise.resolve('done')],
    ['no pieces', () => ({})],
    ['pieces of numbers', () => ({ value: [1] })],
  ])('is refused with %s', async (_kind, next) => {
    log = await open();
    await log.append([entry(1)]);
    await expect(created(next)).rejects.toMatchObject(refusal);
    expect(log.snapshot).toBeNull();
  });

  it.each(FOREIGN)('is refused with a piece on memory that is %s', async (_kind, make) => {
    log = await open();
    await log.append([entry(1)]);
    await expect(created(() => ({ done: false, value: make() }))).rejects.toMatchObject(refusal);
    expect(log.snapshot).toBeNull();
  });

  it('is read once, property by property, and holds what the memory of its pieces does', async () => {
    log = await open();
    await log.append([entry(1)]);
    class Lying extends Uint8Array {
      override get length(): number {
        return 1;
      }
      override subarray(): Uint8Array<ArrayBuffer> {
        return new Uint8Array(1);
      }
    }
    const reads: string[] = [];
    const watched = <Value extends object>(name: string, value: Value): Value =>
      new Proxy(value, {
        get(target, key) {
          reads.push(`${name}.${String(key)}`);
          return Reflect.get(target, key) as unknown;
        },
      });
    const pieces = [new Lying([1, 2, 3]), bytes(4)];
    let calls = 0;
    const next = (): unknown => {
      const value = pieces.shift();
      calls += 1;
      return watched(String(calls), value === undefined ? { done: true } : { done: false, value });
    };
    const iterator = watched('iterator', { next }) as AsyncIterator<Uint8Array>;
    const data = watched('data', { [Symbol.asyncIterator]: () => iterator });
    await log.createSnapshot({ index: 1, conf: bytes(), data });
    const repeated = reads.filter((one, at) => reads.indexOf(one) !== at && !one.endsWith('.then'));
    expect(repeated).toEqual([]);
    expect(log.snapshot?.bytes).toBe(4);
    const opened = await log.openSnapshot();
    const found: Uint8Array[] = [];
    for await (const piece of opened?.data ?? []) found.push(piece);
    expect([...Buffer.concat(found)]).toEqual([1, 2, 3, 4]);
  });
});

describe('records given to a wal', () => {
  it.each([1.5, -1, NaN, Infinity, '1', 2 ** 32])(
    'are refused where their list says that it has %s of them',
    async (length) => {
      await using wal = await openWal({ dir: DIR, environment: newEnvironment() });
      const record = { kind: 0, data: bytes(1) };
      const list = new Proxy([record], {
        get: (target, key) => (key === 'length' ? length : (Reflect.get(target, key) as unknown)),
      });
      await expect(wal.append(list)).rejects.toMatchObject({
        code: length === 2 ** 32 ? 'KEELSON_TOO_LARGE' : 'KEELSON_INVALID_ARGUMENT',
        details: { argument: 'records.length' },
      });
      expect(await wal.append([record])).toEqual({ firstLsn: 1, lastLsn: 1 });
    },
  );

  it('are refused where one of their getters closes it', async () => {
    const wal = await openWal({ dir: DIR, environment: newEnvironment() });
    const closer = {
      kind: 0,
      get data(): Uint8Array {
        void wal.close();
        return bytes(1);
      },
    };
    await expect(wal.append([closer])).rejects.toMatchObject({ code: 'KEELSON_CLOSED' });
    await wal.close();
  });

  it.each(FOREIGN)('are refused on memory that is %s', async (_kind, make) => {
    await using wal = await openWal({ dir: DIR, environment: newEnvironment() });
    const record = { kind: 0, data: bytes(1) };
    await expect(wal.append([record, { kind: 0, data: make() }])).rejects.toMatchObject({
      code: 'KEELSON_INVALID_ARGUMENT',
      details: { argument: 'records[1].data' },
    });
    expect(await wal.append([record])).toEqual({ firstLsn: 1, lastLsn: 1 });
  });

  it('are read once, and refused with a field that nobody would read', async () => {
    await using wal = await openWal({ dir: DIR, environment: newEnvironment() });
    let reads = 0;
    await wal.append([
      {
        kind: 1,
        get data(): Uint8Array {
          reads += 1;
          return bytes(reads);
        },
      },
    ]);
    const found: number[][] = [];
    for await (const { data } of wal.read(1)) found.push([...data]);
    expect([reads, found]).toEqual([1, [[1]]]);
    const odd = { kind: 1, data: bytes(1), term: 1 };
    await expect(wal.append([odd])).rejects.toMatchObject({ details: { argument: 'records[0].term' } });
  });
});
