/**
 * A server that gave up what it may have acknowledged could elect a leader without it, and the cluster would lose a
 * committed entry. A log that is unfit to vote is crashed, rotated, rolled back in one of its places and caught up
 * again, and the votes that it then takes are held against the rule.
 */
import { expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { entriesFrom } from './scratch-log.js';
import { DIR, diskWith, openOlder, zeroStore } from './zero-life.js';

/** A log that was reset below what it may have acknowledged: unfit until 18, in term 4, commit 12. */
async function unfitLog(): Promise<SimulatedDisk> {
  const disk = diskWith(zeroStore());
  await disk.run(async (environment) => {
    const log = await openOlder(environment, { onOlderFormat: 'reset', resetTo: { index: 12, term: 3 } });
    await log.close();
  });
  return disk;
}

async function onLog(disk: SimulatedDisk, work: (log: RaftLog) => Promise<void>): Promise<void> {
  await disk.run(async (environment) => {
    const log = await openOlder(environment);
    await work(log);
    await log.close();
  });
}

const vote = (log: RaftLog, term: number, candidate = 'n1'): Promise<unknown> =>
  log.setHardState({ term, vote: candidate });
const UNFIT = { code: 'KEELSON_UNFIT_TO_VOTE', family: 'caller' };

test('a vote is refused, a term without one is taken, and nothing of a refused save exists', async () => {
  const disk = await unfitLog();
  await onLog(disk, async (log) => {
    await expect(vote(log, 4)).rejects.toMatchObject(UNFIT);
    await expect(vote(log, 9)).rejects.toMatchObject(UNFIT);
    await expect(
      log.save({ entries: entriesFrom(13, 6, 4), hardState: { commit: 18, vote: 'n1' } }),
    ).rejects.toMatchObject(UNFIT);
    expect([log.lastIndex, log.accepted.lastIndex, log.hardState.term]).toEqual([12, 12, 4]);
    await log.setHardState({ term: 5 });
    expect(log.hardState).toEqual({ term: 5, vote: null, commit: 12 });
  });
});

test('it lasts through power cuts, rotations and compaction, and ends when commit is there', async () => {
  const disk = await unfitLog();
  for (let at = 0; at < 4; at += 1) {
    disk.crash(at % 2 === 0 ? 'power' : 'kill-power');
    await onLog(disk, async (log) => {
      expect(log.unfitUntil).toBe(18);
      await log.append(entriesFrom(13 + at, 1, 4, 3000));
      await log.setHardState({ commit: 13 + at });
      await log.createSnapshot({ index: 13 + at, conf: Uint8Array.of(), data: Uint8Array.of(1) });
      await log.compact(13 + at);
      await expect(vote(log, 4)).rejects.toMatchObject(UNFIT);
    });
  }
  await onLog(disk, async (log) => {
    await log.append(entriesFrom(17, 2, 4));
    await log.setHardState({ commit: 17 });
    await expect(vote(log, 4)).rejects.toMatchObject(UNFIT);
    // Judged on the state before the save: commit gets there in one, the vote may come with the next.
    const commit = log.setHardState({ commit: 18 });
    const cast = vote(log, 4);
    await Promise.all([commit, cast]);
    expect(log.unfitUntil).toBe(0);
  });
  disk.crash('power');
  await onLog(disk, async (log) => {
    expect([log.unfitUntil, log.hardState.vote]).toEqual([0, 'n1']);
    await vote(log, 6, 'n2');
  });
});

test('a vote that is held may be said again', async () => {
  const disk = diskWith(zeroStore({ unfitUntil: 40 }));
  await disk.run(async (environment) => {
    const log = await openOlder(environment, { onOlderFormat: 'migrate' });
    expect([log.unfitUntil, log.hardState.vote]).toEqual([40, 'n2']);
    await log.setHardState({ term: 3, vote: 'n2' });
    await expect(vote(log, 4, 'n2')).rejects.toMatchObject(UNFIT);
    await log.close();
  });
});

test.each([0, 1])('superblock slot %i alone is enough to remember it', async (slot) => {
  const disk = await unfitLog();
  disk.flipBit(`${DIR}/superblock`, (1 - slot) * 4096 + 100, 1);
  await onLog(disk, async (log) => {
    expect(log.unfitUntil).toBe(18);
    await expect(vote(log, 4)).rejects.toMatchObject(UNFIT);
    await log.close();
  });
});
