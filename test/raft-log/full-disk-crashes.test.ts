/**
 * A write that found no room has left some of its bytes behind, and the log goes on once their range is zero again on
 * stable storage. The world stops before, inside and after each call of that, behind each write of a frame in turn.
 */
import { describe, expect, test } from 'vitest';
import type { CallNotice } from '../../sim/disk/calls/calls-to-come.js';
import type { Environment } from '../../src/disk/environment.js';
import { isKeelsonError } from '../../src/errors/index.js';
import {
  crashesOf,
  describing,
  newDisk,
  recoverTwice,
  textOf,
  type CrashWorld,
} from '../crash/crash-everywhere.js';
import { open, raftSubject } from './raft-life.js';
import { RaftMemory } from './raft-memory.js';

const SEGMENT_BYTES = 4096;
const WORLDS: readonly CrashWorld[] = [
  { seed: 1, profile: { calls: 'background', metadata: 'strict' }, directories: ['/data'] },
  { seed: 2, profile: { calls: 'inline', metadata: 'journal' }, directories: ['/data'] },
  {
    seed: 3,
    profile: { calls: 'background', metadata: 'strict', images: 'drop-all', sectorBytes: 32 },
    directories: ['/data'],
  },
];

const subject = raftSubject(SEGMENT_BYTES);
/** The zeroing, its sync, and the next frame, with the call behind that. */
const CALLS_BEHIND = 4;

/** Saves one after the other, whether there is room or not. Returns how many were refused for want of it. */
async function live(environment: Environment, memory: RaftMemory): Promise<number> {
  const log = await open(environment, SEGMENT_BYTES);
  let refused = 0;
  await memory.save(log, { hardState: { term: 1, vote: 'n1' } });
  for (const sizes of [[700, 40], [300], [20, 900], [5]]) {
    await memory.append(log, sizes).catch((error: unknown) => {
      if (!isKeelsonError(error, 'KEELSON_NO_SPACE')) throw error;
      refused += 1;
    });
    await memory.judge(log);
  }
  return refused;
}

/** Writes of frames of entries: those behind that of the first hard state. */
async function frameWrites(world: CrashWorld): Promise<readonly number[]> {
  const disk = newDisk(world);
  const calls: CallNotice[] = [];
  disk.onCall = (call) => {
    calls.push(call);
    return undefined;
  };
  await disk.run(async (environment) => {
    await live(environment, new RaftMemory());
  });
  return calls
    .filter(({ kind, path }) => kind === 'write' && path.endsWith('.wal'))
    .map(({ number }) => number)
    .slice(1);
}

describe.each(WORLDS)('seed $seed, calls $profile.calls', (world) => {
  test('a save that finds no room is refused, and the next one is taken', async () => {
    const writes = await frameWrites(world);
    expect(writes).toHaveLength(4);
    for (const write of writes) {
      const disk = newDisk(world);
      disk.direct(write, { code: 'ENOSPC' });
      let refused = 0;
      await disk.run(async (environment) => {
        refused = await live(environment, new RaftMemory());
      });
      expect(refused).toBe(1);
    }
  });

  test('a crash while its bytes are zeroed leaves a state that was allowed', async () => {
    let count = 0;
    for (const write of await frameWrites(world)) {
      const disk = newDisk(world);
      const memory = new RaftMemory();
      disk.direct(write, { code: 'ENOSPC' });
      const crashes = await crashesOf(
        disk,
        async (environment) => {
          await live(environment, memory);
        },
        ({ call }) => call > write && call <= write + CALLS_BEHIND,
        () => memory.clone(),
      );
      for (const crashed of crashes)
        await describing(`no room at call ${write}, ${textOf(crashed.stop)}`, () =>
          recoverTwice(subject, crashed),
        );
      count += crashes.length;
    }
    expect(count).toBeGreaterThan(15);
  });
});
