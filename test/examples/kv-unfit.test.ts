/**
 * A node whose log gave up what it may have acknowledged must neither vote nor campaign, or the cluster may elect a
 * leader that lacks committed writes. The example's Raft is run on a log on a real disk that remembers its unfitness in
 * its superblock, is asked for its vote, and is caught up.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { spokenWatcher } from '../../examples/kv/spoken-watcher.js';
import { Raft, storageOf } from '../../sim/raft/index.js';
import { entriesFrom, openLog, scratch } from '../raft-log/scratch-log.js';
import { unfitHeader } from '../raft-log/unfit-preamble.js';

/** What a repair writes: the preamble says how far the store may have acknowledged. */
function makeUnfit(dir: string, unfitUntil: number): void {
  const path = join(dir, 'wal', '0000000000000001.wal');
  const bytes = readFileSync(path);
  bytes.set(unfitHeader(bytes, unfitUntil), 0);
  writeFileSync(path, bytes);
}

test('a node that is unfit says so, asks for no vote and gives none, until commit has got there', async () => {
  const dir = join(scratch(), 'log');
  const before = await openLog(dir);
  await before.save({ entries: entriesFrom(1, 3), hardState: { term: 1, commit: 2 } });
  await before.close();
  makeUnfit(dir, 5);

  const log = await openLog(dir);
  const lines: string[] = [];
  spokenWatcher(
    (line) => lines.push(line),
    () => undefined,
  ).opened(log);
  expect(lines.join('\n')).toContain('unfit to vote until commit, now 2, has reached 5');

  const storage = storageOf(log);
  const newRaft = (): Raft =>
    new Raft({
      id: 'n1',
      storage,
      random: () => 0,
      electionTicks: 10,
      savesUnderWayMax: 4,
      configuration: { voters: ['n1', 'n2', 'n3'], learners: [] },
      appliedIndex: log.hardState.commit,
    });
  const raft = newRaft();
  expect(storage.unfitToVote).toBe(true);
  for (let tick = 0; tick < 100; tick += 1) raft.tick();
  expect(raft.hasReady).toBe(false);
  expect(raft.status).toMatchObject({ role: 'follower', term: 1, unfitToVote: true });
  await expect(log.setHardState({ term: 2, vote: 'n1' })).rejects.toMatchObject({
    code: 'KEELSON_UNFIT_TO_VOTE',
  });

  await log.save({ entries: entriesFrom(4, 2), hardState: { commit: 5 } });
  expect([storage.unfitToVote, log.unfitUntil]).toEqual([false, 0]);
  const fit = newRaft();
  for (let tick = 0; tick < 100; tick += 1) fit.tick();
  expect(fit.hasReady).toBe(true);
});
