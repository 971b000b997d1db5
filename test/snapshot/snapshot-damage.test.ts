/**
 * Disks rot, and operators copy the wrong file: a snapshot must then be refused by name, never served changed.
 * A small file is damaged in every bit, cut at every byte, and put together from parts of others.
 */
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { checksum } from '../../src/format/checksum.js';
import type { SnapshotRef, SnapshotStore } from '../../src/snapshot/index.js';
import {
  concatenated,
  openObserved,
  openStore,
  patterned,
  publish,
  readAll,
  rejection,
  snapshotsDirectory,
} from './snapshots.js';

const CHUNK = 8 + 16;
const FOOTER = 28;
const DATA = patterned(40);

interface Victim {
  readonly store: SnapshotStore;
  readonly ref: SnapshotRef;
  readonly path: string;
  readonly good: Uint8Array;
  /** Where the first chunk begins. */
  readonly chunksFrom: number;
}

/** A published snapshot of three chunks, the last one shorter. */
async function victim(
  index = 3,
  given?: SnapshotStore,
  read: (path: string) => Uint8Array | null = readFileSync,
): Promise<Victim> {
  const store = given ?? (await openStore(snapshotsDirectory()));
  const ref = await publish(store, index, DATA);
  const path = join(store.dir, `000000000000000${String(index)}-0000000000000001.snap`);
  const good = new Uint8Array(read(path) ?? []);
  return { store, ref, path, good, chunksFrom: good.length - FOOTER - (2 * CHUNK + 8 + 8) };
}

/** Reads all and expects a damage error that names the file; what came before it must be a true prefix. */
async function expectRefused({ store, ref, path }: Victim, what: string): Promise<void> {
  const pieces: Uint8Array[] = [];
  const error = await rejection(
    (async () => {
      for await (const piece of await store.open(ref)) pieces.push(piece);
    })(),
  );
  expect(error, what).toMatchObject({ code: 'KEELSON_CORRUPT', family: 'damage', path });
  expect((error as { offset: unknown }).offset, what).toBeTypeOf('number');
  const served = concatenated(pieces);
  expect(served, what).toEqual(DATA.subarray(0, served.length));
  // The last chunk goes out only when nothing is left that could be wrong.
  expect(served.length, what).toBeLessThan(DATA.length);
}

test('every flipped bit is refused', async () => {
  // In memory: a real disk, busy with the syncs of others, would take a minute for two thousand writes.
  const disk = createSimulatedDisk({ seed: 1, directories: ['/store'] });
  await disk.run(async (environment) => {
    const target = await victim(3, await openStore('/store/snapshots', { environment }), (path) =>
      disk.readVolatile(path),
    );
    for (let bit = 0; bit < target.good.length * 8; bit += 1) {
      disk.flipBit(target.path, bit >> 3, bit & 7);
      await expectRefused(target, `bit ${String(bit)}`);
      disk.flipBit(target.path, bit >> 3, bit & 7);
    }
    expect(await readAll(target.store, target.ref)).toEqual(DATA);
  });
});

test('a file cut at any byte, or grown, is refused before any chunk is read', async () => {
  const target = await victim();
  // In place, from the end on: a file cut to nothing and written anew is flushed at its close by some file systems.
  for (let length = target.good.length - 1; length >= 0; length -= 1) {
    truncateSync(target.path, length);
    const error = await rejection(target.store.readEnds(target.ref));
    expect(error, `cut at ${String(length)}`).toMatchObject({ code: 'KEELSON_CORRUPT', path: target.path });
  }
  for (const tail of [Uint8Array.of(0), target.good.subarray(-FOOTER), target.good]) {
    writeFileSync(target.path, concatenated([target.good, tail]));
    expect(await rejection(target.store.readEnds(target.ref))).toMatchObject({ code: 'KEELSON_CORRUPT' });
  }
});

test('every run of zeros is refused', async () => {
  const target = await victim();
  for (let from = 0; from < target.good.length; from += 16) {
    const bad = target.good.slice().fill(0, from, from + 16);
    writeFileSync(target.path, bad);
    await expectRefused(target, `zeros at ${String(from)}`);
  }
});

describe('parts in the wrong place', () => {
  test('two chunks of equal length swapped', async () => {
    const target = await victim();
    const { good, chunksFrom } = target;
    const bad = concatenated([
      good.subarray(0, chunksFrom),
      good.subarray(chunksFrom + CHUNK, chunksFrom + 2 * CHUNK),
      good.subarray(chunksFrom, chunksFrom + CHUNK),
      good.subarray(chunksFrom + 2 * CHUNK),
    ]);
    writeFileSync(target.path, bad);
    await expectRefused(target, 'swapped');
    expect(await rejection(readAll(target.store, target.ref))).toMatchObject({ offset: chunksFrom + 4 });
  });

  test('a chunk of another snapshot with the same labels and data', async () => {
    const target = await victim();
    const other = await victim();
    const { good, chunksFrom } = target;
    for (let number = 0; number < 3; number += 1) {
      const from = chunksFrom + number * CHUNK;
      const bad = good.slice();
      bad.set(other.good.subarray(from, Math.min(from + CHUNK, good.length - FOOTER)), from);
      writeFileSync(target.path, bad);
      await expectRefused(target, `chunk ${String(number)}`);
    }
  });

  test('all chunks of another snapshot, or its header, or its footer', async () => {
    const target = await victim();
    const other = await victim();
    const { good, chunksFrom } = target;
    const cuts = [0, chunksFrom, good.length - FOOTER, good.length];
    for (let part = 0; part < 3; part += 1) {
      const bad = good.slice();
      bad.set(other.good.subarray(cuts[part], cuts[part + 1]), cuts[part]);
      writeFileSync(target.path, bad);
      await expectRefused(target, `part ${String(part)}`);
    }
  });

  test('a whole snapshot under the name of another', async () => {
    const store = await openStore(snapshotsDirectory());
    const older = await publish(store, 1, patterned(20));
    const newer = await publish(store, 2, patterned(20));
    const name = (index: number): string =>
      join(store.dir, `000000000000000${String(index)}-0000000000000001.snap`);
    copyFileSync(name(older.index), name(newer.index));
    expect(await rejection(store.readEnds(newer))).toMatchObject({
      code: 'KEELSON_CORRUPT',
      offset: 48,
      found: 1,
      expected: 2,
    });
  });
});

test('a newer format is refused as such, and only under its own checksum', async () => {
  const { store, ref, path, good } = await victim();
  const view = new DataView(good.buffer, good.byteOffset);
  view.setUint32(8, 7, true);
  writeFileSync(path, good);
  expect(await rejection(store.open(ref))).toMatchObject({ code: 'KEELSON_CORRUPT', offset: 12 });
  view.setUint32(12, checksum(good.subarray(0, 12)), true);
  writeFileSync(path, good);
  expect(await rejection(store.open(ref))).toMatchObject({
    code: 'KEELSON_INCOMPATIBLE_FORMAT',
    path,
    found: 7,
    expected: 1,
  });
});

test('a length of a chunk takes no memory before it is held against its limit', async () => {
  const { store: writer, ref, path, good, chunksFrom } = await victim();
  const largest: number[] = [];
  const { store } = await openObserved(writer.dir, ({ bytes }) => largest.push(bytes));
  for (const length of [0, 41, 262_145, 0x7fff_ffff, 0xffff_ffff]) {
    const bad = good.slice();
    new DataView(bad.buffer).setUint32(chunksFrom, length, true);
    writeFileSync(path, bad);
    const error = await rejection(readAll(store, ref));
    expect(error).toMatchObject({ code: 'KEELSON_CORRUPT', offset: chunksFrom, found: length });
  }
  expect(Math.max(...largest)).toBeLessThanOrEqual(good.length);
});
