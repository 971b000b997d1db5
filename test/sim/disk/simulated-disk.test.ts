// At stake: if the simulated disk keeps what a real one may lose, the tests of the store prove nothing.
// Tried: small workloads on the port, crashed in every way, and what is left held against what was promised.
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk, type DiskProfile, type SimulatedDisk, Trace } from '../../../sim/index.js';
import type { DiskFile } from '../../../src/disk/port.js';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const STRICT: Partial<DiskProfile> = { metadata: 'strict' };

async function createFile(disk: SimulatedDisk, path: string): Promise<DiskFile> {
  return disk.disk.open(path, { access: 'write', create: 'exclusive' });
}

/** A file whose bytes and name are durable. */
async function durableFile(disk: SimulatedDisk, path: string, content: Uint8Array): Promise<DiskFile> {
  const file = await createFile(disk, path);
  await file.write(content, 0);
  await file.dataSync();
  await disk.disk.syncDirectory('/data');
  return file;
}

function newDisk(seed: number, profile: Partial<DiskProfile> = {}): SimulatedDisk {
  return createSimulatedDisk({ seed, profile, directories: ['/data'] });
}

describe('a power cut', () => {
  test('keeps what was synced, data and name', async () => {
    for (let seed = 0; seed < 50; seed++) {
      const disk = newDisk(seed);
      await durableFile(disk, '/data/a', text('promised'));
      disk.crash('power');
      expect(disk.readVolatile('/data/a')).toEqual(text('promised'));
    }
  });

  test('may lose or keep what was written and not synced, and may tear it', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const disk = newDisk(seed, { sectorBytes: 32, images: 'mixed' });
      const file = await durableFile(disk, '/data/a', new Uint8Array(96).fill(1));
      await file.write(new Uint8Array(96).fill(2), 0);
      disk.crash('power');
      const left = disk.readVolatile('/data/a');
      seen.add([left?.[0], left?.[32], left?.[64]].join());
    }
    expect([...seen].sort()).toEqual([
      '1,1,1',
      '1,1,2',
      '1,2,1',
      '1,2,2',
      '2,1,1',
      '2,1,2',
      '2,2,1',
      '2,2,2',
    ]);
  });

  test('may lose a name that was not synced, although the data was', async () => {
    const outcomes = new Set<boolean>();
    for (let seed = 0; seed < 40; seed++) {
      const disk = newDisk(seed, STRICT);
      const file = await createFile(disk, '/data/a');
      await file.write(text('data'), 0);
      await file.sync();
      disk.crash('power');
      outcomes.add(disk.list().includes('/data/a'));
    }
    expect(outcomes).toEqual(new Set([true, false]));
  });

  test('in the journal profile a sync of a file commits the names made before it', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const disk = newDisk(seed, { metadata: 'journal' });
      const file = await createFile(disk, '/data/a');
      await file.write(text('data'), 0);
      await file.dataSync();
      disk.crash('power');
      expect(disk.readVolatile('/data/a')).toEqual(text('data'));
    }
  });
});

describe('a kill', () => {
  test('keeps the page cache, and a power cut behind it may not', async () => {
    let lost = 0;
    for (let seed = 0; seed < 40; seed++) {
      const disk = newDisk(seed);
      const file = await durableFile(disk, '/data/a', text('old'));
      await file.write(text('new'), 0);
      disk.crash('kill');
      expect(disk.readVolatile('/data/a')).toEqual(text('new'));
      disk.crash('power');
      const left = new TextDecoder().decode(disk.readVolatile('/data/a') ?? undefined);
      expect(['old', 'new']).toContain(left);
      if (left === 'old') lost += 1;
    }
    expect(lost).toBeGreaterThan(0);
    expect(lost).toBeLessThan(40);
  });

  test('frees the locks of the dead process, and no call of its handles returns', async () => {
    const disk = newDisk(1);
    const file = await durableFile(disk, '/data/lock', text('x'));
    expect(await file.tryLock()).toBe(true);
    const other = await disk.disk.open('/data/lock', { access: 'write' });
    expect(await other.tryLock()).toBe(false);
    const before = disk.callCount;
    disk.crash('kill');
    let returned = false;
    void Promise.resolve(file.write(text('late'), 0)).then(() => (returned = true));
    await disk.queue.runUntilIdle();
    expect(returned).toBe(false);
    expect(disk.callCount).toBe(before);
    const next = await disk.disk.open('/data/lock', { access: 'write' });
    expect(await next.tryLock()).toBe(true);
    expect(disk.readVolatile('/data/lock')).toEqual(text('x'));
  });
});

/** The same work for every place where the world may stop. */
async function work(disk: SimulatedDisk, acknowledged: string[]): Promise<void> {
  const file = await createFile(disk, '/data/a');
  await disk.disk.syncDirectory('/data');
  for (const [index, letter] of ['a', 'b', 'c'].entries()) {
    await file.write(text(letter), index);
    await file.dataSync();
    acknowledged.push(letter);
  }
  await disk.disk.rename('/data/a', '/data/b');
  await file.close();
}

describe('the world stops at a call', () => {
  test.each(['inline', 'background', 'as-asked'] as const)(
    'before, inside or after each, %s',
    async (calls) => {
      const whole = newDisk(7, { calls });
      expect(await whole.run(() => work(whole, []))).toEqual({ crashed: false, value: undefined });
      expect(whole.callCount).toBe(10);
      expect(whole.callCounts.dataSync).toBe(3);
      for (let call = 1; call <= whole.callCount; call++) {
        for (const at of ['before', 'inside', 'after'] as const) {
          for (const crash of ['kill', 'power', 'kill-power'] as const) {
            const disk = newDisk(7 + call, { calls });
            disk.stopAt({ call, at, crash });
            const acknowledged: string[] = [];
            expect(await disk.run(() => work(disk, acknowledged))).toEqual({ crashed: true });
            const left = disk.readVolatile('/data/a') ?? disk.readVolatile('/data/b') ?? text('');
            expect(new TextDecoder().decode(left).startsWith(acknowledged.join(''))).toBe(true);
          }
        }
      }
    },
  );
});

describe('a fork', () => {
  test('explores several outcomes of one instant, and leaves the disk itself alone', async () => {
    const disk = newDisk(3, { sectorBytes: 32, images: 'mixed' });
    const file = await durableFile(disk, '/data/a', new Uint8Array(64).fill(1));
    await file.write(new Uint8Array(64).fill(2), 0);
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const fork = disk.fork({ seed });
      fork.crash('power');
      const left = fork.readVolatile('/data/a');
      outcomes.add(`${left?.[0]},${left?.[63]}`);
    }
    expect([...outcomes].sort()).toEqual(['1,1', '1,2', '2,1', '2,2']);
    expect(disk.readVolatile('/data/a')).toEqual(new Uint8Array(64).fill(2));
    expect(await file.write(text('on'), 0)).toBe(2);
  });

  test('has the calls under way, which its crash leaves done, undone or half done', async () => {
    const disk = newDisk(3, { calls: 'background' });
    const file = await durableFile(disk, '/data/a', text('....'));
    const written = Promise.resolve(file.write(text('####'), 0));
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 100; seed++) {
      const fork = disk.fork({ seed });
      fork.crash('kill');
      outcomes.add(new TextDecoder().decode(fork.readVolatile('/data/a') ?? undefined));
    }
    expect([...outcomes].sort()).toEqual(['####', '###.', '##..', '#...', '....']);
    expect(await written).toBe(4);
  });
});

test('one run, forked at each call, shows what a crash before or inside it can leave', async () => {
  const disk = newDisk(4, { sectorBytes: 32, images: 'mixed' });
  const acknowledged: string[] = [];
  const seen = new Map<string, Set<string>>();
  disk.onCall = (call) => {
    for (const at of ['before', 'inside'] as const) {
      for (let seed = 0; seed < 30; seed++) {
        const fork = disk.fork({ seed });
        if (at === 'inside') call.tearOn(fork, seed);
        fork.crash('kill');
        const left = new TextDecoder().decode(
          fork.readVolatile('/data/a') ?? fork.readVolatile('/data/b') ?? text(''),
        );
        expect(left.startsWith(acknowledged.join(''))).toBe(true);
        const place = `${at} ${call.number} ${call.kind}`;
        seen.set(place, (seen.get(place) ?? new Set<string>()).add(left));
      }
    }
    return undefined;
  };
  await work(disk, acknowledged);
  expect(disk.readVolatile('/data/b')).toEqual(text('abc'));
  expect(seen.get('before 3 write')).toEqual(new Set(['']));
  expect(seen.get('inside 3 write')).toEqual(new Set(['', 'a']));
});

describe('determinism', () => {
  test('the same seed gives the same trace, byte for byte, and another seed another', async () => {
    const traced = async (seed: number): Promise<Trace> => {
      const trace = new Trace({ linesKept: 1000 });
      const disk = createSimulatedDisk({
        seed,
        profile: { calls: 'background' },
        directories: ['/data'],
        trace,
      });
      disk.stopAt({ call: 6, at: 'inside', crash: 'power' });
      await disk.run(() => work(disk, []));
      return trace;
    };
    const [first, again, other] = [await traced(5), await traced(5), await traced(6)];
    expect(again.lines).toEqual(first.lines);
    expect(again.hash).toBe(first.hash);
    expect(first.lines.length).toBeGreaterThan(5);
    expect(other.hash).not.toBe(first.hash);
  });
});
