/**
 * A disk may refuse any call: the save must then fail by the right name, leave the fate that the name promises, and
 * the log must go on or be latched, never in between. Each disk call of two lives fails once, in every way it can;
 * then the log is looked at, closed or killed, opened again and held against what was allowed.
 */
import { describe, expect, test } from 'vitest';
import type { CallNotice } from '../../sim/disk/calls/calls-to-come.js';
import { codeOfFault, faultsOf, type FaultKind } from '../../sim/disk/harm/faults.js';
import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import {
  type Beginning,
  beginningsOf,
  describing,
  liveAll,
  mayChange,
  newImages,
  recoverTwice,
  runWhole,
  type CrashWorld,
} from '../crash/crash-everywhere.js';
import { goOn, livesOf, raftSubject } from './raft-life.js';
import type { RaftMemory } from './raft-memory.js';

const SEGMENT_BYTES = 4096;
const IS_DEEP = process.env['KEELSON_DEEP'] === '1';
const CODES: ReadonlySet<string> = new Set([
  'KEELSON_NO_SPACE',
  'KEELSON_WRITE_FAILED',
  'KEELSON_SYNC_FAILED',
  'KEELSON_READ_FAILED',
  'KEELSON_FAILED',
]);

const WORLDS: readonly CrashWorld[] = [
  {
    seed: 1,
    profile: { calls: 'background', metadata: 'strict', failedSync: 'keeps' },
    directories: ['/data'],
  },
  {
    seed: 2,
    profile: { calls: 'inline', metadata: 'journal', failedSync: 'goes-back' },
    directories: ['/data'],
  },
];

/** The log that was open last, and what its events told. */
class Watched {
  log: RaftLog | null = null;
  failures = 0;

  opened(log: RaftLog): void {
    this.log = log;
    this.failures = 0;
    log.events.on('failed', () => {
      this.failures += 1;
    });
  }
}

/** The faults that fail the call, of those that it can meet. */
function failuresOf({ kind, path }: CallNotice): readonly FaultKind[] {
  // The name of the log's own directory is its maker's to prove: the log does not move its directory to do so.
  if (kind === 'syncDirectory' && path === '/data') return [];
  return faultsOf(kind).filter((fault) => codeOfFault(fault) !== undefined);
}

/** The calls of the first life behind a beginning as they are made when nothing fails, and whether they only look. */
async function callsOf({
  disk,
  memory,
  lives: [live],
}: Beginning<RaftMemory>): Promise<(readonly [CallNotice, boolean])[]> {
  const fork = disk.fork();
  const calls: (readonly [CallNotice, boolean])[] = [];
  fork.onCall = (notice) => {
    calls.push([notice, !mayChange(fork, notice)]);
    return undefined;
  };
  await runWhole(fork, (environment) => live(environment, memory.clone()));
  return calls;
}

/** `isNew` says of each disk that is left whether it was not judged before. */
async function failOnce(
  watched: Watched,
  beginning: Beginning<RaftMemory>,
  call: number,
  fault: FaultKind,
  isNew: ReturnType<typeof newImages>,
): Promise<void> {
  const disk = beginning.disk.fork();
  const memory = beginning.memory.clone();
  watched.log = null;
  disk.onCall = ({ number }) => (number === call ? { fault } : undefined);
  await disk.run(async (environment) => {
    try {
      await liveAll(beginning.lives, environment, memory);
    } catch (error) {
      if (!isKeelsonError(error) || !CODES.has(error.code)) throw error;
    }
    await memory.settled();
    disk.onCall = null;
    if (watched.log !== null) await lookAt(watched.log, watched, memory);
    if (call % 3 === 0) await watched.log?.close();
  });
  if (call % 3 !== 0) disk.crash(call % 3 === 1 ? 'kill' : 'kill-power');
  if (isNew(disk, memory)) await recoverTwice(raftSubject(SEGMENT_BYTES), { disk, memory });
}

/** After a failure a log is open and sound, or latched; nothing that failed is in its accepted view (D8). */
async function lookAt(log: RaftLog, watched: Watched, memory: RaftMemory): Promise<void> {
  const { status, accepted } = log;
  if (status === 'closed') return;
  const shown = await memory.observe(log);
  expect(accepted.lastIndex).toBe(log.lastIndex);
  expect(accepted.lastTerm).toBe(log.lastTerm);
  expect(accepted.hardState).toEqual(log.hardState);
  expect(accepted.term(log.lastIndex)).toBe(log.lastTerm);
  expect(await accepted.entries(log.firstIndex, log.lastIndex + 1)).toHaveLength(shown.entries.length);
  expect(watched.failures).toBe(status === 'failed' ? 1 : 0);
  if (status === 'failed') {
    await expect(log.save({ hardState: { term: 99 } })).rejects.toMatchObject({ code: 'KEELSON_FAILED' });
    await expect(log.compact(0)).rejects.toMatchObject({ code: 'KEELSON_FAILED' });
  } else {
    expect(status).toBe('open');
    // A log that goes on has kept nothing of what failed, and never will (D4, D6).
    await memory.judge(log);
    await goOn(log, memory, SEGMENT_BYTES);
  }
}

describe.each(WORLDS)('seed $seed, calls $profile.calls', (world) => {
  test('every call fails once, in every way', async () => {
    const watched = new Watched();
    const subject = {
      ...raftSubject(SEGMENT_BYTES),
      lives: livesOf(SEGMENT_BYTES, (log) => {
        watched.opened(log);
      }),
    };
    const isNew = newImages();
    let count = 0;
    for (const beginning of await beginningsOf(subject, world)) {
      const calls = await callsOf(beginning);
      count += calls.length;
      for (const [notice, isLook] of calls) {
        for (const [at, fault] of failuresOf(notice).entries()) {
          // Many calls look, and few change anything: of a quick run's failures of the first kind it is one in six.
          const portion = isLook ? 6 : 2;
          if (!IS_DEEP && (at + notice.number) % portion !== world.seed % portion) continue;
          const where = `${fault} at call ${notice.number}, ${notice.kind} ${notice.path}`;
          await describing(where, () => failOnce(watched, beginning, notice.number, fault, isNew));
        }
      }
    }
    expect(count).toBeGreaterThan(200);
  });
});
