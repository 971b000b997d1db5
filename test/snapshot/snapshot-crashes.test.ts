/**
 * A snapshot that a record names must outlive any crash, and one that was being made must be whole or absent.
 * The world stops before and inside every disk call of a workload that may change it, and behind the last, by kill, power cut
 * and both, and again inside the recovery; what is found then is held against what had been promised.
 */
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Environment } from '../../src/disk/index.js';
import type { SnapshotRef, SnapshotStore } from '../../src/snapshot/index.js';
import { mayChange } from '../crash/crash-everywhere.js';
import { bytesOf, inPieces, openStore, patterned, publish, readAll } from './snapshots.js';

const DIR = '/store/snapshots';
const CRASHES = ['kill', 'power', 'kill-power'] as const;
const POINTS = ['before', 'inside', 'after'] as const;

/** What the world outside the process knows: it outlives every crash, as the log's records would. */
class Witness {
  /** Snapshots that a record names, by index: they must be there, whole. */
  readonly promised = new Map<number, SnapshotRef>();
  /** All that was ever staged, with its data: a published file must be one of these. */
  readonly #staged: { readonly ref: SnapshotRef; readonly data: Uint8Array }[] = [];

  /** Writes and publishes; the record follows, unless the snapshot is to be an orphan. */
  async make(store: SnapshotStore, index: number, data: Uint8Array, isRecorded = true): Promise<void> {
    const pieces = inPieces([data.subarray(0, 7), data.subarray(7)]);
    const staged = await store.write({ index, term: 1, conf: bytesOf('conf'), data: pieces });
    this.#staged.push({ ref: staged.ref, data });
    await staged.publish();
    if (isRecorded) this.promised.set(index, staged.ref);
  }

  /** The record that the others are not needed is durable, so they may go: what is there of them is no promise. */
  async keepOnly(store: SnapshotStore, indexes: readonly number[]): Promise<void> {
    for (const index of this.promised.keys()) if (!indexes.includes(index)) this.promised.delete(index);
    await store.retain(this.promised.values());
  }

  /** Everything promised is whole, everything published is something that was staged, whole. */
  async judge(store: SnapshotStore): Promise<void> {
    for (const [index, ref] of this.promised) {
      expect(await readAll(store, ref)).toEqual(this.#dataOf(ref));
      expect((await store.readEnds(ref)).meta).toMatchObject({ index, conf: bytesOf('conf') });
    }
    for (const published of await store.list()) {
      const { ref } = await store.readEnds({ index: published.index, term: published.term });
      const staged = this.#staged.filter((candidate) => candidate.ref.checksum === ref.checksum);
      expect(staged.length, published.path).toBe(1);
      expect(await readAll(store, ref)).toEqual(staged[0]?.data);
    }
  }

  #dataOf(ref: SnapshotRef): Uint8Array | undefined {
    return this.#staged.find((staged) => staged.ref === ref)?.data;
  }
}

/** A life: snapshots made, recorded, replaced, given up, and deleted. */
async function workload(environment: Environment, witness: Witness): Promise<void> {
  const store = await openStore(DIR, { environment });
  await witness.make(store, 1, patterned(40));
  await witness.make(store, 2, patterned(25));
  await witness.keepOnly(store, [2]);
  await witness.make(store, 3, patterned(30), false);
  await witness.make(store, 3, patterned(31));
  const given = await store.write({ index: 4, term: 1, conf: bytesOf(''), data: patterned(3) });
  await given.discard();
  await witness.keepOnly(store, [2, 3]);
  await witness.judge(store);
  await witness.keepOnly(store, [3]);
}

/** Opens after a crash, finds what was promised, clears the rest, and goes on. */
async function recovery(environment: Environment, witness: Witness): Promise<void> {
  const store = await openStore(DIR, { environment });
  await witness.judge(store);
  await store.retain(witness.promised.values());
  expect((await store.list()).map(({ index }) => index)).toEqual([...witness.promised.keys()].sort());
  expect((await environment.disk.readdir(DIR)).length).toBe(witness.promised.size);
  // The same labels that a crash may have cut short: no leftover of theirs is in the way.
  for (const index of [1, 2, 3, 4]) {
    if (!witness.promised.has(index)) await witness.make(store, index, patterned(50 + index));
  }
  await witness.judge(store);
}

function newDisk(seed: number, metadata: 'strict' | 'journal'): SimulatedDisk {
  return createSimulatedDisk({ seed, profile: { metadata }, directories: ['/store'] });
}

/** The calls of the workload that may change the disk: what others leave is what is left before the next of these. */
async function changesOf(seed: number, metadata: 'strict' | 'journal'): Promise<readonly number[]> {
  const disk = newDisk(seed, metadata);
  const witness = new Witness();
  const changes: number[] = [];
  disk.onCall = (call) => {
    if (mayChange(disk, call)) changes.push(call.number);
    return undefined;
  };
  const outcome = await disk.run((environment) => workload(environment, witness));
  expect(outcome.crashed).toBe(false);
  expect([...witness.promised.keys()]).toEqual([3]);
  return changes;
}

interface Stop {
  readonly call: number;
  readonly at: (typeof POINTS)[number];
  readonly crash: (typeof CRASHES)[number];
}

/** Crashes the workload there, then its recovery, at a call that wanders and may lie behind its end, then again. */
async function crashTwice(metadata: 'strict' | 'journal', stop: Stop): Promise<void> {
  const seed = stop.call * POINTS.length + POINTS.indexOf(stop.at);
  const disk = newDisk(seed, metadata);
  const witness = new Witness();
  disk.stopAt(stop);
  expect((await disk.run((environment) => workload(environment, witness))).crashed).toBe(true);
  const again = disk.callCount + 1 + ((stop.call * 7 + seed) % 45);
  disk.stopAt({ call: again, at: POINTS[(stop.call + seed) % 3] ?? 'before', crash: stop.crash });
  try {
    await disk.run((environment) => recovery(environment, witness));
    disk.crash('power');
    expect((await disk.run((environment) => recovery(environment, witness))).crashed).toBe(false);
  } catch (cause) {
    const where = `seed ${String(seed)}, ${stop.crash} ${stop.at} call ${String(stop.call)}`;
    throw new Error(`${where}, then at call ${String(again)}: ${String(cause)}`, { cause });
  }
}

describe.each(['strict', 'journal'] as const)('where names are kept in %s fashion', (metadata) => {
  test.each(CRASHES)(
    'nothing promised is lost and nothing half is shown: %s at every call',
    async (crash) => {
      const changes = await changesOf(1, metadata);
      expect(changes.length).toBeGreaterThan(20);
      for (const call of changes) {
        // What is left behind a call is left before the next one, and by then no less was promised.
        const points = call === changes.at(-1) ? POINTS : POINTS.slice(0, 2);
        for (const at of points) await crashTwice(metadata, { call, at, crash });
      }
    },
  );
});

test('a name whose directory sync failed is never relied on, whatever the disk made of it (D5)', async () => {
  for (let seed = 0; seed < 60; seed += 1) {
    const disk = newDisk(seed, seed % 2 === 0 ? 'strict' : 'journal');
    const witness = new Witness();
    let syncs = 0;
    disk.onCall = ({ kind }) =>
      kind === 'syncDirectory' && ++syncs === 4 ? { fault: 'sync-error' } : undefined;
    await disk.run(async (environment) => {
      const store = await openStore(DIR, { environment });
      await witness.make(store, 1, patterned(20));
      const failed = witness.make(store, 2, patterned(30));
      await expect(failed).rejects.toMatchObject({ code: 'KEELSON_SYNC_FAILED', path: DIR });
      expect(store.isFailed).toBe(true);
    });
    expect(syncs, 'the failing sync was reached').toBe(4);
    disk.onCall = null;
    disk.crash(seed % 3 === 0 ? 'kill' : 'kill-power');
    await disk.run((environment) => recovery(environment, witness));
    disk.crash('power');
    await disk.run((environment) => recovery(environment, witness));
  }
});

test('what was deleted does not come back behind a power cut', async () => {
  const profile = { metadata: 'strict', images: 'drop-all' } as const;
  const disk = createSimulatedDisk({ seed: 1, profile, directories: ['/store'] });
  const witness = new Witness();
  await disk.run(async (environment) => {
    const store = await openStore(DIR, { environment });
    for (const index of [1, 2]) await witness.make(store, index, patterned(20));
    await witness.keepOnly(store, [2]);
  });
  disk.crash('power');
  await disk.run(async (environment) => {
    const store = await openStore(DIR, { environment });
    expect((await store.list()).map(({ index }) => index)).toEqual([2]);
    await witness.judge(store);
  });
});

test('a full disk refuses the write, keeps what is there, and takes it once there is room', async () => {
  for (const failing of [1, 2, 3, 4, 5]) {
    const disk = newDisk(failing, 'strict');
    await disk.run(async (environment) => {
      const store = await openStore(DIR, { environment });
      const kept = await publish(store, 1, patterned(20));
      let writes = 0;
      disk.onCall = ({ kind }) =>
        kind === 'write' && ++writes === failing ? { fault: 'no-space' } : undefined;
      await expect(publish(store, 2, patterned(40))).rejects.toMatchObject({ code: 'KEELSON_NO_SPACE' });
      expect(await environment.disk.readdir(DIR)).toHaveLength(1);
      const ref = await publish(store, 2, patterned(40));
      expect(await readAll(store, ref)).toEqual(patterned(40));
      expect(await readAll(store, kept)).toEqual(patterned(20));
    });
  }
});
