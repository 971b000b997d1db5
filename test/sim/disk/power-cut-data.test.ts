// At stake: a power cut must never take what a sync promised, and must be able to take anything else.
// Tried: drawn sequences of writes, truncations, syncs and O_DSYNC writes, crashed again and again, against a
// model that knows for each byte all the values it may have.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../../sim/index.js';
import type { DiskFile } from '../../../src/disk/port.js';

type Operation =
  | { readonly kind: 'write' | 'writeThrough'; readonly at: number; readonly length: number }
  | { readonly kind: 'truncate'; readonly size: number }
  | { readonly kind: 'sync' | 'kill' | 'power' };

const at = fc.integer({ min: 0, max: 300 });
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      at,
      length: fc.integer({ min: 1, max: 120 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('writeThrough' as const),
      at,
      length: fc.integer({ min: 1, max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), size: at }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'sync' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'kill' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'power' as const }) },
);

/** For each byte the values that a power cut may leave, and the sizes. */
class Allowed {
  readonly bytes = new Map<number, Set<number>>();
  sizes = new Set<number>([0]);
  /** Below it extensions are durable: no stale bytes. */
  firmSize = 0;
  readonly everWritten = new Set<number>([0]);
  /** Bytes above it that an O_DSYNC write has made durable. */
  readonly writtenThroughAt = new Set<number>();
  now: number[] = [];

  write(position: number, length: number, value: number): void {
    while (this.now.length < position + length) this.now.push(0);
    this.everWritten.add(value);
    for (let i = position; i < position + length; i++) {
      this.now[i] = value;
      this.add(i, value);
    }
    this.sizes.add(this.now.length);
  }

  truncate(size: number): void {
    for (const [i, values] of this.bytes) if (i >= size) values.add(0);
    for (let i = size; i < this.firmSize; i++) this.add(i, 0);
    for (const i of this.writtenThroughAt) if (i >= size) this.writtenThroughAt.delete(i);
    this.now.length = Math.min(this.now.length, size);
    while (this.now.length < size) this.now.push(0);
    this.sizes.add(size);
  }

  writtenThrough(position: number, length: number, value: number, wasClean: boolean): void {
    for (let i = position; i < position + length; i++) {
      this.bytes.set(i, new Set([value]));
      this.writtenThroughAt.add(i);
    }
    this.sizes = new Set([this.now.length]);
    if (wasClean) this.settle();
  }

  /** What is there now is all that may be left. */
  settle(): void {
    this.bytes.clear();
    for (const [i, value] of this.now.entries()) this.bytes.set(i, new Set([value]));
    this.sizes = new Set([this.now.length]);
    this.firmSize = this.now.length;
    this.writtenThroughAt.clear();
  }

  holds(i: number, value: number): boolean {
    const values = this.bytes.get(i);
    if (values?.has(value) === true) return true;
    if (i >= this.firmSize && !this.writtenThroughAt.has(i)) return this.everWritten.has(value);
    return values === undefined && value === 0;
  }

  private add(i: number, value: number): void {
    const values = this.bytes.get(i) ?? new Set(i < this.firmSize ? [] : [0]);
    values.add(value);
    this.bytes.set(i, values);
  }
}

async function openFiles(disk: SimulatedDisk): Promise<{ plain: DiskFile; through: DiskFile }> {
  const plain = await disk.disk.open('/data/a', { access: 'write', create: 'if-missing' });
  const through = await disk.disk.open('/data/a', { access: 'write', dataSync: true });
  return { plain, through };
}

async function check(seed: number, operations: readonly Operation[]): Promise<void> {
  const disk = createSimulatedDisk({ seed, directories: ['/data'] });
  disk.writeFile('/data/a', new Uint8Array(0));
  const allowed = new Allowed();
  let files = await openFiles(disk);
  let isClean = true;
  let value = 1;
  for (const step of operations) {
    value = (value % 255) + 1;
    if (step.kind === 'write') {
      await files.plain.write(new Uint8Array(step.length).fill(value), step.at);
      allowed.write(step.at, step.length, value);
      isClean = false;
    } else if (step.kind === 'writeThrough') {
      await files.through.write(new Uint8Array(step.length).fill(value), step.at);
      allowed.write(step.at, step.length, value);
      allowed.writtenThrough(step.at, step.length, value, isClean);
    } else if (step.kind === 'truncate') {
      await files.plain.truncate(step.size);
      allowed.truncate(step.size);
      isClean = false;
    } else if (step.kind === 'sync') {
      await files.plain.dataSync();
      allowed.settle();
      isClean = true;
      expect(Buffer.compare(disk.readDurable('/data/a') ?? EMPTY, Uint8Array.from(allowed.now))).toBe(0);
    } else {
      disk.crash(step.kind);
      const left = disk.readVolatile('/data/a') ?? expect.fail('the name was durable');
      if (step.kind === 'kill') expect(Buffer.compare(left, Uint8Array.from(allowed.now))).toBe(0);
      else {
        expect([...allowed.sizes]).toContain(left.length);
        for (const [i, byte] of left.entries()) {
          if (!allowed.holds(i, byte)) expect.fail(`byte ${i} may not be ${byte}`);
        }
        expect(Buffer.compare(disk.readDurable('/data/a') ?? EMPTY, left)).toBe(0);
        allowed.now = [...left];
        allowed.settle();
        isClean = true;
      }
      files = await openFiles(disk);
    }
    expect(Buffer.compare(disk.readVolatile('/data/a') ?? EMPTY, Uint8Array.from(allowed.now))).toBe(0);
  }
}

const EMPTY = new Uint8Array(0);

test('bytes and sizes are some that were there since the last sync, and none older', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(), fc.array(operation, { minLength: 4, maxLength: 40 }), check), {
    numRuns: 400,
  });
});

test('an older version of a sector, size without data, data without size and stale bytes all happen', async () => {
  const reached = { older: 0, size: 0, data: 0, stale: 0 };
  for (let seed = 0; seed < 300; seed++) {
    const disk = createSimulatedDisk({
      seed,
      profile: { images: 'mixed', sectorBytes: 64 },
      directories: ['/data'],
    });
    disk.writeFile('/data/old', new Uint8Array(4096).fill(7));
    await disk.disk.unlink('/data/old');
    await disk.disk.syncDirectory('/data');
    const { plain } = await openFiles(disk);
    await disk.disk.syncDirectory('/data');
    for (const byte of [1, 2]) await plain.write(new Uint8Array(200).fill(byte), 0);
    await plain.truncate(1000);
    disk.crash('power');
    reached.older += disk.counters['older-sector-version-kept'];
    reached.size += disk.counters['size-without-data'];
    reached.data += disk.counters['data-without-size'];
    if (disk.readVolatile('/data/a')?.includes(7) === true) {
      expect(disk.counters['stale-bytes-shown']).toBeGreaterThan(0);
      reached.stale += 1;
    }
  }
  for (const count of Object.values(reached)) expect(count).toBeGreaterThan(0);
});

test('stale bytes never show where an O_DSYNC write has been', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const disk = createSimulatedDisk({
      seed,
      profile: { images: 'mixed', sectorBytes: 64 },
      directories: ['/data'],
    });
    disk.writeFile('/data/old', new Uint8Array(4096).fill(7));
    disk.writeFile('/data/a', new Uint8Array(10));
    await disk.disk.unlink('/data/old');
    await disk.disk.syncDirectory('/data');
    const { plain, through } = await openFiles(disk);
    await plain.write(new Uint8Array(10).fill(1), 0);
    await through.write(new Uint8Array(128).fill(2), 128);
    disk.crash('power');
    expect(disk.readVolatile('/data/a')?.subarray(128)).toEqual(new Uint8Array(128).fill(2));
  }
});

test.each([
  ['with power-safe overwrite bytes beside those being written stay', true],
  ['without it a sector that was being written may be lost whole, and no other', false],
])('%s', async (_, powerSafeOverwrite) => {
  let spoiled = 0;
  for (let seed = 0; seed < 200; seed++) {
    const disk = createSimulatedDisk({
      seed,
      profile: { powerSafeOverwrite, sectorBytes: 64 },
      directories: ['/data'],
    });
    disk.writeFile('/data/a', new Uint8Array(192).fill(1));
    const { plain } = await openFiles(disk);
    await plain.write(new Uint8Array(10).fill(2), 70);
    disk.crash('power');
    const left = disk.readVolatile('/data/a');
    expect(left?.subarray(0, 64)).toEqual(new Uint8Array(64).fill(1));
    expect(left?.subarray(128)).toEqual(new Uint8Array(64).fill(1));
    if (left?.subarray(80, 128).some((byte) => byte !== 1) === true) spoiled += 1;
  }
  if (powerSafeOverwrite) expect(spoiled).toBe(0);
  else expect(spoiled).toBeGreaterThan(0);
});
