import type { DiskProfile } from '../../sim/disk/harm/profile.js';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { createSimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Environment } from '../../src/disk/environment.js';
import { isKeelsonError, KeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { cloneRaftLog } from '../../src/raft-log/copies/clone-raft-log.js';
import type { CloneOptions } from '../../src/raft-log/copies/copies-contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { bytesOf, entriesFrom } from './scratch-log.js';

/** How a copy comes to be: of a store, or of a checkpoint that is taken first. */
export type Way = 'store' | 'all' | 'durable';
export const WAYS_TO_COPY: readonly Way[] = ['store', 'all', 'durable'];

const DIR = '/data/log';
const CHECKPOINT = '/data/checkpoint';
const CLONE = '/data/clone';
/** Of the clone of a store; one of a checkpoint has its segments inside it. */
const CLONE_WAL = '/data/clone-wal';
const SEGMENT_BYTES = 4096;

const place = (environment: Environment) => ({ environment, segmentBytes: SEGMENT_BYTES });

/** A disk with a closed store of some segments: a vote, a snapshot at 12, entries 7..20, or all covered by one at 20. */
export async function sourceOf(
  way: Way,
  seed: number,
  profile: Partial<DiskProfile> = {},
): Promise<SimulatedDisk> {
  const disk = createSimulatedDisk({
    seed,
    profile: { calls: 'background', ...profile },
    directories: ['/data'],
  });
  await ran(disk, async (environment) => {
    const log = await openRaftLog({ dir: DIR, ...place(environment) });
    await log.save({ hardState: { term: 3, vote: 'node-1' } });
    for (let index = 1; index <= 20; index += 2) await log.append(entriesFrom(index, 2, 2, 400));
    for (const index of way === 'all' ? [12, 20] : [12])
      await log.createSnapshot({ index, conf: Uint8Array.of(1), data: new Uint8Array(500).fill(index) });
    await log.compact(6);
    await log.close();
  });
  return disk;
}

/** The whole work: opens the source, copies it, closes it. */
export async function copyOnce(way: Way, environment: Environment): Promise<void> {
  const log = await openRaftLog({ dir: DIR, create: 'never', ...place(environment) });
  try {
    if (way !== 'store') await log.checkpoint({ scope: way, to: CHECKPOINT });
    const from = way === 'store' ? DIR : CHECKPOINT;
    await cloneRaftLog(from, cloneOptions(way, environment));
  } finally {
    await log.close();
  }
}

/** Takes a checkpoint, and no clone of it. */
export async function checkpointOnce(scope: Exclude<Way, 'store'>, environment: Environment): Promise<void> {
  const log = await openRaftLog({ dir: DIR, create: 'never', ...place(environment) });
  await log.checkpoint({ scope, to: CHECKPOINT });
  await log.close();
}

/** Behind a try whose checkpoint, if it needs one, is whole. */
export async function cloneAgain(way: Way, environment: Environment): Promise<void> {
  await cloneRaftLog(way === 'store' ? DIR : CHECKPOINT, cloneOptions(way, environment));
}

/**
 * Holds what is left of a copy against the promise: source and clone are whole or the clone is none; then the copy is made
 * again where it is not, and what comes of it goes on by itself.
 *
 * @param mayBeNone - false: the copy was acknowledged
 */
export async function judgeLeft(way: Way, environment: Environment, mayBeNone: boolean): Promise<void> {
  const source = await openRaftLog({ dir: DIR, create: 'never', ...place(environment) });
  const expected = await seen(source, way);
  await source.close();
  const first = await openClone(way, environment);
  if (first === null && !mayBeNone) throw new Error('the clone is gone, though it was acknowledged');
  if (first === null) {
    // A checkpoint that is there stays: it was made, and is not in the way of another clone of it.
    await copyAgain(way, environment);
  } else await same(first, expected, way);
  const clone = await openClone(way, environment);
  if (clone === null) throw new Error('the clone that was made again is none');
  await clone.append(entriesFrom(21, 2, 3, 100));
  await clone.close();
  const again = await openClone(way, environment);
  if (again?.lastIndex !== 22) throw new Error('the clone has not kept what it was given');
  await again.close();
}

function cloneOptions(way: Way, environment: Environment): CloneOptions {
  const elsewhere = way === 'store' ? { toWalDir: CLONE_WAL } : {};
  return { to: CLONE, ...elsewhere, identity: 'same', wholeCluster: true, environment };
}

async function copyAgain(way: Way, environment: Environment): Promise<void> {
  if (way !== 'store') {
    const log = await openRaftLog({ dir: DIR, create: 'never', ...place(environment) });
    try {
      await log.checkpoint({ scope: way, to: CHECKPOINT });
    } catch (error) {
      // The one before is whole.
      if (!isKeelsonError(error, 'KEELSON_INVALID_ARGUMENT')) throw error;
    } finally {
      await log.close();
    }
  }
  await cloneAgain(way, environment);
  const clone = await openClone(way, environment);
  if (clone === null) throw new Error('the clone was made, and is none');
  const source = await openRaftLog({ dir: DIR, create: 'never', ...place(environment) });
  await same(clone, await seen(source, way), way);
  await source.close();
}

/** Null: there is none. */
async function openClone(way: Way, environment: Environment): Promise<RaftLog | null> {
  try {
    const elsewhere = way === 'store' ? { walDir: CLONE_WAL } : {};
    return await openRaftLog({ dir: CLONE, ...elsewhere, create: 'never', ...place(environment) });
  } catch (error) {
    if (isKeelsonError(error, 'KEELSON_NOT_A_LOG')) return null;
    throw error;
  }
}

async function same(clone: RaftLog, expected: string, way: Way): Promise<void> {
  const found = await seen(clone, way);
  await clone.close();
  if (found !== expected) throw new Error(`the clone is ${found}, expected ${expected}`);
}

/** All of a log from where a copy of that kind begins. */
async function seen(log: RaftLog, way: Way): Promise<string> {
  const { hardState, lastIndex, lastTerm, snapshot } = log;
  const from = way === 'store' ? log.firstIndex : (snapshot?.index ?? 0) + 1;
  const data = await log.openSnapshot();
  const entries = await log.entries(from, lastIndex + 1);
  return JSON.stringify({
    hardState,
    from,
    lastIndex,
    lastTerm,
    entries: entries.map((entry) => ({ ...entry, data: Buffer.from(entry.data).toString('hex') })),
    snapshot,
    data: data === null ? null : Buffer.from(await bytesOf(data.data)).toString('hex'),
  });
}

/** Runs work that nothing stops. */
export async function ran(
  disk: SimulatedDisk,
  work: (environment: Environment) => Promise<void>,
): Promise<void> {
  const outcome = await disk.run(work);
  if (outcome.crashed) throw new Error('the world stopped though nothing was to stop it');
}

/** True if the copy was acknowledged; what it rejects with must be the disk's doing. */
export async function triedToCopy(way: Way, disk: SimulatedDisk): Promise<boolean> {
  let isMade = false;
  await ran(disk, async (environment) => {
    try {
      await copyOnce(way, environment);
      isMade = true;
    } catch (error) {
      if (!(error instanceof KeelsonError) || error.family !== 'environment') throw error;
    }
  });
  return isMade;
}
