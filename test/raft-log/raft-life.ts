import type { Environment } from '../../src/disk/environment.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import type { CrashSubject, LifeOf } from '../crash/crash-everywhere.js';
import { RaftMemory } from './raft-memory.js';

const DIR = '/data/log';

/** Opens the log of all lives. */
export function open(environment: Environment, segmentBytes: number): Promise<RaftLog> {
  return openRaftLog({ dir: DIR, segmentBytes, environment });
}

/** Lives of a Raft log in which everything happens that touches its disk; small, since each is run thousands of times. */
export function raftSubject(segmentBytes: number): CrashSubject<RaftMemory> {
  return {
    begin: () => new RaftMemory(),
    copy: (memory) => memory.clone(),
    lives: livesOf(segmentBytes),
    recover: async (environment, memory, goesOn) => {
      const log = await open(environment, segmentBytes);
      await memory.judge(log);
      if (!goesOn) return;
      await goOn(log, memory, segmentBytes);
      await memory.judge(log);
      // A recovery that does not end cleanly leaves more to the next one.
      if (memory.newest.lastIndex % 2 === 0) await log.close();
    },
  };
}

/** Both lives; `onOpened` hears of each log. */
export function livesOf(
  segmentBytes: number,
  onOpened: (log: RaftLog) => void = () => undefined,
): readonly LifeOf<RaftMemory>[] {
  return [firstLife, secondLife].map((live) => async (environment, memory) => {
    const log = await open(environment, segmentBytes);
    onOpened(log);
    await live(log, memory, segmentBytes);
  });
}

/** Hard states, appends, conflicts, truncation, concurrent saves, rotations, a snapshot and compaction; a clean end. */
async function firstLife(log: RaftLog, memory: RaftMemory, segmentBytes: number): Promise<void> {
  await memory.save(log, { hardState: { term: 1, vote: 'n1' } });
  await memory.append(log, [20, 0, 300]);
  await Promise.all([
    memory.append(log, [100], { commit: 2 }),
    memory.append(log, [5, 5]),
    memory.save(log, { hardState: { term: 2 } }),
    memory.save(log, { entries: memory.entries([40, 1], 2, 4), hardState: { vote: 'n2' } }),
    memory.append(log, [segmentBytes / 3]),
  ]);
  await memory.save(log, { truncateFrom: 6 });
  await memory.append(log, [segmentBytes / 2, 9], { commit: 5 });
  await memory.createSnapshot(log, 5, 500);
  await memory.append(log, [segmentBytes + 50]);
  await memory.compact(log, 4);
  await memory.append(log, [7, 8]);
  await memory.judge(log);
  await log.close();
}

/** Snapshots beside saves, installs that keep the log and replace it, recycled segments; ends without a close. */
async function secondLife(log: RaftLog, memory: RaftMemory, segmentBytes: number): Promise<void> {
  await memory.judge(log);
  const half = segmentBytes / 2;
  await memory.save(log, { entries: memory.entries([half, 3], 3, 8), hardState: { term: 3, commit: 7 } });
  await memory.createSnapshotBeside(log, 8, 700, async () => {
    await memory.append(log, [10]);
    await Promise.all([memory.append(log, [half]), memory.append(log, [11], { commit: 9 })]);
  });
  await Promise.all([memory.compact(log, 8), memory.append(log, [half])]);
  await memory.append(log, [half, 1]);
  await memory.installSnapshot(log, { index: 11, term: 3 }, 300);
  await Promise.all([memory.append(log, [4]), memory.compact(log, 10)]);
  const { lastIndex } = memory.newest;
  const beyond = { index: lastIndex + 20, term: 4, hardState: { term: 5, vote: 'n3' } };
  await Promise.all([memory.append(log, [half]), memory.installSnapshot(log, beyond, 400)]);
  await memory.append(log, [30, 31]);
  await memory.append(log, [half]);
  await memory.judge(log);
}

/** Work that any state allows. */
export async function goOn(log: RaftLog, memory: RaftMemory, segmentBytes: number): Promise<void> {
  const { hardState, lastIndex } = memory.newest;
  const term = hardState.term + 1;
  await Promise.all([
    memory.append(log, [10, segmentBytes / 4], { term }),
    memory.save(log, { hardState: { vote: 'n9' } }),
    memory.append(log, [50]),
  ]);
  await memory.save(log, {
    entries: memory.entries([60], term + 1, lastIndex + 2),
    hardState: { term: term + 1 },
  });
  await memory.createSnapshot(log, lastIndex + 1, 90);
  await memory.compact(log, lastIndex + 1);
  await memory.append(log, [70]);
}
