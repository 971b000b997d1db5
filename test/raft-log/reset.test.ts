/**
 * A reset gives up a log on purpose; what the server has promised with it, its term and its votes, must not be given up
 * with it, and a server that may have acknowledged what is gone must not help to elect. A version 0 is reset in every
 * way that is allowed and not, with its hard state readable and not, and with the world stopped at each call.
 */
import { describe, expect, test } from 'vitest';
import type { RaftLog } from '../../src/raft-log/contract.js';
import type { RaftLogOptions } from '../../src/raft-log/options-contract.js';
import {
  crashEverywhere,
  DIR,
  diskWith,
  expectSetAside,
  oldFiles,
  openOlder,
  zeroStore,
} from './zero-life.js';

type Reset = NonNullable<RaftLogOptions['resetTo']>;
const to = (resetTo: Reset): Omit<RaftLogOptions, 'dir'> => ({ onOlderFormat: 'reset', resetTo });

async function withReset(
  disk: ReturnType<typeof diskWith>,
  resetTo: Reset,
  check: (log: RaftLog) => void | Promise<void>,
): Promise<void> {
  await disk.run(async (environment) => {
    const log = await openOlder(environment, to(resetTo));
    await check(log);
    await log.close();
  });
}

describe('the log after it', () => {
  test('is empty at that index, keeps term and vote, and is fit where nothing is given up', async () => {
    const disk = diskWith(zeroStore());
    const files = oldFiles(disk);
    await withReset(disk, { index: 30, term: 3 }, async (log) => {
      expect([log.firstIndex, log.lastIndex, log.lastTerm, log.snapshot]).toEqual([31, 30, 3, null]);
      expect(log.hardState).toEqual({ term: 3, vote: 'n2', commit: 30 });
      expect(log.unfitUntil).toBe(0);
      await log.save({ entries: [{ index: 31, term: 3, data: Uint8Array.of(1) }] });
      await log.setHardState({ term: 4, vote: 'n1' });
    });
    expectSetAside(disk, files);
    // Said again, it asks for nothing: the store is of this format.
    await withReset(disk, { index: 30, term: 3 }, (log) => {
      expect([log.lastIndex, log.hardState.vote]).toEqual([31, 'n1']);
    });
  });

  test('takes a hard state that goes on from the one it knows', async () => {
    const disk = diskWith(zeroStore());
    await withReset(disk, { index: 30, term: 5, hardState: { term: 6, vote: 'n9', commit: 3 } }, (log) => {
      expect(log.hardState).toEqual({ term: 6, vote: 'n9', commit: 30 });
      expect(log.term(30)).toBe(5);
    });
  });

  test('below what may have been acknowledged: one term higher without a vote, and unfit until commit is there', async () => {
    const disk = diskWith(zeroStore());
    await withReset(disk, { index: 12, term: 3 }, async (log) => {
      expect(log.hardState).toEqual({ term: 4, vote: null, commit: 12 });
      expect(log.unfitUntil).toBe(18);
      await expect(log.setHardState({ vote: 'n1' })).rejects.toMatchObject({ code: 'KEELSON_UNFIT_TO_VOTE' });
    });
  });
});

describe('refused, with nothing changed', () => {
  test.each([
    [
      'a term that falls',
      { index: 30, term: 2, hardState: { term: 2, vote: null, commit: 30 } },
      'KEELSON_TERM_REGRESSION',
    ],
    [
      'a vote that is taken back',
      { index: 30, term: 2, hardState: { term: 3, vote: 'n1', commit: 30 } },
      'KEELSON_VOTE_CONFLICT',
    ],
    [
      'a vote that is forgotten',
      { index: 30, term: 2, hardState: { term: 3, vote: null, commit: 30 } },
      'KEELSON_VOTE_CONFLICT',
    ],
    ['an index of a term above the known one', { index: 30, term: 4 }, 'KEELSON_TERM_REGRESSION'],
    [
      'half a hard state',
      { index: 30, term: 3, hardState: { term: 3 } as never },
      'KEELSON_INVALID_ARGUMENT',
    ],
    [
      'a hard state below its own term',
      { index: 30, term: 5, hardState: { term: 4, vote: null, commit: 0 } },
      'KEELSON_INVALID_ARGUMENT',
    ],
  ])('%s', async (_, resetTo, code) => {
    const disk = diskWith(zeroStore());
    const before = disk.list().map((path) => [path, disk.readVolatile(path)]);
    await expect(disk.run((environment) => openOlder(environment, to(resetTo)))).rejects.toMatchObject({
      code,
    });
    expect(disk.list().map((path) => [path, disk.readVolatile(path)])).toEqual(before);
  });
});

describe('of a damaged store', () => {
  const damaged = (isCleanEnd: boolean): ReturnType<typeof diskWith> => {
    const disk = diskWith(zeroStore({ isCleanEnd }));
    disk.flipBit(`${DIR}/wal/0000000000000004.wal`, 40, 3);
    return disk;
  };
  const hardState = { term: 7, vote: 'n3', commit: 0 };

  test('term and vote are demanded', async () => {
    await expect(
      damaged(true).run((environment) => openOlder(environment, to({ index: 30, term: 3 }))),
    ).rejects.toMatchObject({ code: 'KEELSON_INVALID_ARGUMENT', details: { argument: 'resetTo.hardState' } });
  });

  test('where no witness bounds what it acknowledged it is unfit for good, across reopening', async () => {
    const disk = damaged(false);
    const files = oldFiles(disk);
    for (let time = 0; time < 3; time += 1) {
      await withReset(disk, { index: 30, term: 3, hardState }, async (log) => {
        expect(log.hardState).toEqual({ term: 8, vote: null, commit: 30 });
        expect(log.unfitUntil).toBe(Infinity);
        await expect(log.setHardState({ vote: 'n3' })).rejects.toMatchObject({
          code: 'KEELSON_UNFIT_TO_VOTE',
        });
      });
      disk.crash('power');
    }
    expectSetAside(disk, files);
  });

  test('a clean end bounds it', async () => {
    await withReset(damaged(true), { index: 30, term: 3, hardState }, (log) => {
      // Index 4 and 41 records.
      expect(log.unfitUntil).toBe(45);
    });
    await withReset(damaged(true), { index: 45, term: 3, hardState }, (log) => {
      expect([log.unfitUntil, log.hardState]).toEqual([0, { term: 7, vote: 'n3', commit: 45 }]);
    });
  });
});

test('a crash at any call of a reset, and inside the recovery from that', async () => {
  const disk = diskWith(zeroStore(), 3, { calls: 'background', metadata: 'strict' });
  const files = oldFiles(disk);
  const count = await crashEverywhere(disk, 3, async (environment, crashed) => {
    const log = await openOlder(environment, to({ index: 12, term: 3 }));
    expect([log.firstIndex, log.lastIndex, log.snapshot, log.unfitUntil]).toEqual([13, 12, null, 18]);
    // However often it was tried, the term is one above the highest with a vote.
    expect(log.hardState).toEqual({ term: 4, vote: null, commit: 12 });
    expectSetAside(crashed, files);
    await log.close();
  });
  expect(count).toBeGreaterThan(25);
});
