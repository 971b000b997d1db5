import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { nodeEnvironment, type Disk } from '../../src/disk/index.js';
import {
  openSnapshotStore,
  type SnapshotRef,
  type SnapshotStore,
  type SnapshotStoreOptions,
} from '../../src/snapshot/index.js';
import { ObservedDisk, type Observer } from './observed-disk.js';

/** The lineage of all stores here, unless a test says otherwise. */
export const LINEAGE: Uint8Array = new Uint8Array(16).fill(0x5e);

/** A new directory on the real file system, removed when the running test has finished; snapshots go below it. */
export function snapshotsDirectory(): string {
  const parent = mkdtempSync(join(tmpdir(), 'keelson-snapshot-'));
  onTestFinished(() => {
    rmSync(parent, { recursive: true, force: true });
  });
  return join(parent, 'snapshots');
}

/** A store on the real disk, in chunks small enough that short data has several. */
export function openStore(dir: string, options: Partial<SnapshotStoreOptions> = {}): Promise<SnapshotStore> {
  return openSnapshotStore({
    environment: nodeEnvironment(),
    dir,
    lineage: LINEAGE,
    chunkBytes: 16,
    ...options,
  });
}

/** As {@link openStore}, with an observer between store and disk. */
export async function openObserved(
  dir: string,
  observe: Observer,
  options: Partial<SnapshotStoreOptions> = {},
): Promise<{ readonly store: SnapshotStore; readonly disk: ObservedDisk }> {
  const below = nodeEnvironment();
  const disk = new ObservedDisk(below.disk, observe);
  return { store: await openStore(dir, { environment: on(disk), ...options }), disk };
}

/** The default environment on another disk. */
export function on(disk: Disk): SnapshotStoreOptions['environment'] {
  const below = nodeEnvironment();
  return {
    disk,
    fillRandom: (into) => {
      below.fillRandom(into);
    },
    now: () => 0,
    endOfTurn: (run) => {
      below.endOfTurn(run);
    },
  };
}

/** Writes and publishes at once. */
export async function publish(
  store: SnapshotStore,
  index: number,
  data: Uint8Array | AsyncIterable<Uint8Array>,
  {
    term = 1,
    conf = bytesOf(`conf of ${String(index)}`),
  }: { readonly term?: number; readonly conf?: Uint8Array } = {},
): Promise<SnapshotRef> {
  const staged = await store.write({ index, term, conf, data });
  await staged.publish();
  return staged.ref;
}

/** All the data of a snapshot, as one. */
export async function readAll(store: SnapshotStore, ref: SnapshotRef): Promise<Uint8Array> {
  return collected(await store.open(ref));
}

/** All that a stream brings, as one. */
export async function collected(data: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of data) pieces.push(piece);
  return concatenated(pieces);
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Pieces, one after the other, as one. */
export function concatenated(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

/** Bytes that repeat nowhere near, so that no piece can stand for another. */
export function patterned(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 131 + (at >> 8) * 17) & 0xff);
}

export async function* inPieces(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

/** What a promise rejects with; fails the test if it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('resolved, though it should have been rejected');
}
