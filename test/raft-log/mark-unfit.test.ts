/**
 * A store that was restored from a copy has forgotten its last votes and entries, and must not help to elect before it has
 * caught up. Copies are marked on the simulated disk, crashed at each call of it, hurt and repaired, and asked to vote.
 */
import { expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Environment } from '../../src/disk/environment.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { markUnfit, planUnfit, type UnfitPlan } from '../../src/raft-log/repair/mark-unfit.js';
import { repairStore } from '../../src/raft-log/repair-store.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { entriesFrom, simulated } from './scratch-log.js';
import { describing, stopsAt, textOf, type Stop } from '../crash/crash-everywhere.js';

const DIR = '/data/log';
const UNFIT = { code: 'KEELSON_UNFIT_TO_VOTE' };
/** What the others of the cluster say: they are in term 9, and their leader's log ends at 25. */
const KNOWN = { term: 9, lastIndex: 25 };
const HARD_STATE = { term: 5, vote: 'n2', commit: 18 };

/** A store as it was when its copy was taken: entries 1..20 of term 5, in segments of 4 KiB. */
async function restored(): Promise<SimulatedDisk> {
  const { disk, open } = simulated();
  await disk.run(async () => {
    const log = await open({ segmentBytes: 4096 });
    for (let index = 1; index <= 20; index += 4)
      await log.save({ hardState: { term: 5, vote: 'n2' }, entries: entriesFrom(index, 4, 5, 300) });
    await log.setHardState({ commit: 18 });
    await log.close();
  });
  return disk;
}

async function inside<T>(disk: SimulatedDisk, work: (environment: Environment) => Promise<T>): Promise<T> {
  const outcome = await disk.run(work);
  if (outcome.crashed) throw new Error('nothing was to stop it');
  return outcome.value;
}

async function onLog(environment: Environment, work: (log: RaftLog) => Promise<void>): Promise<void> {
  const log = await openRaftLog({ dir: DIR, environment, segmentBytes: 4096, create: 'never' });
  await work(log);
  await log.close();
}

async function expectMarked(environment: Environment): Promise<void> {
  await onLog(environment, async (log) => {
    expect([log.hardState, log.unfitUntil]).toEqual([{ term: 10, vote: null, commit: 18 }, 25]);
    expect(await log.entries(1, 21)).toMatchObject(entriesFrom(1, 20, 5, 300));
    await expect(log.setHardState({ vote: 'n1' })).rejects.toMatchObject(UNFIT);
    // In term 9 it may have voted for anybody.
    await expect(log.setHardState({ term: 9, vote: 'n1' })).rejects.toMatchObject({
      code: 'KEELSON_TERM_REGRESSION',
    });
  });
}

test('the plan changes nothing; marked, it keeps all but its vote, and votes again once it has caught up', async () => {
  const disk = await restored();
  const before = disk.list().map((path) => disk.readDurable(path));
  const options = { dir: DIR, known: KNOWN };
  const mark = (environment: Environment): Promise<UnfitPlan> => markUnfit({ ...options, environment });
  const plan = await inside(disk, (environment) => planUnfit({ ...options, environment }));
  expect(plan).toEqual({
    action: 'mark',
    before: { hardState: HARD_STATE, unfitUntil: 0 },
    after: { hardState: { term: 10, vote: null, commit: 18 }, unfitUntil: 25 },
  });
  expect(disk.list().map((path) => disk.readDurable(path))).toEqual(before);

  expect(await inside(disk, mark)).toEqual(plan);
  disk.crash('power');
  await inside(disk, expectMarked);
  expect(await inside(disk, mark)).toMatchObject({ action: 'none' });
  const verify = (environment: Environment): ReturnType<typeof verifyStore> =>
    verifyStore({ dir: DIR, walDir: null, environment });
  expect((await inside(disk, verify)).verdict).toBe('sound');

  await inside(disk, (environment) =>
    onLog(environment, async (log) => {
      await log.save({ entries: entriesFrom(21, 5, 10), hardState: { commit: 25 } });
      await log.setHardState({ vote: 'n3' });
      expect(log.unfitUntil).toBe(0);
    }),
  );
});

test('where nothing is known of the others it never votes again, in whatever term', async () => {
  const disk = await restored();
  const { environment } = disk;
  await inside(disk, () => markUnfit({ dir: DIR, environment }));
  await inside(disk, () =>
    onLog(environment, async (log) => {
      expect([log.hardState, log.unfitUntil]).toEqual([{ term: 6, vote: null, commit: 18 }, Infinity]);
      await expect(log.setHardState({ term: 50, vote: 'n1' })).rejects.toMatchObject(UNFIT);
    }),
  );
  // What is bounded later was not so when it was marked.
  await inside(disk, () => markUnfit({ dir: DIR, environment, known: KNOWN }));
  await inside(disk, () =>
    onLog(environment, async (log) => {
      expect([log.hardState.term, log.unfitUntil]).toEqual([10, Infinity]);
    }),
  );
});

test('crashed at any call, and again inside the next try: as it was, or refusing votes, and the same call completes it', async () => {
  const disk = await restored();
  const mark = (environment: Environment): Promise<unknown> =>
    markUnfit({ dir: DIR, known: KNOWN, environment });
  const crash = async (fork: SimulatedDisk, { call, at, crash: kind }: Stop): Promise<void> => {
    fork.onCall = ({ number }) => (number === call ? { crash: kind, at } : undefined);
    const outcome = await fork.run(mark);
    fork.onCall = null;
    if (!outcome.crashed) fork.crash(kind);
    const { before } = await inside(fork, (environment) => planUnfit({ dir: DIR, environment }));
    // Never above the terms of the others while it may still vote, nor with its old vote once it may not.
    const marked = { term: 10, vote: null, commit: 18 };
    expect(before.hardState).toEqual(before.unfitUntil === 0 ? HARD_STATE : marked);
  };
  const whole = disk.fork();
  await inside(whole, mark);
  const calls = whole.callCount - disk.callCount;
  const step = process.env['KEELSON_DEEP'] === '1' ? 1 : 5;
  for (let at = 1; at <= calls; at += step) {
    const fork = disk.fork({ seed: at });
    const stopAt = (call: number, way: number): Stop => stopsAt(fork.callCount + call)[way % 9] as Stop;
    await describing(textOf(stopAt(at, at)), async () => {
      await crash(fork, stopAt(at, at));
      await crash(fork, stopAt((at * 7) % calls, at + 4));
      await inside(fork, mark);
      fork.crash('power');
      await inside(fork, expectMarked);
    });
  }
  expect(calls).toBeGreaterThan(50);
});

test('no one file is the only one that knows it', async () => {
  const disk = await restored();
  const { environment } = disk;
  await inside(disk, () => markUnfit({ dir: DIR, known: KNOWN, environment }));
  disk.remove(`${DIR}/superblock`);
  await inside(disk, () => repairStore({ environment, dir: DIR, walDir: null }));
  await inside(disk, expectMarked);
});

test('on a full disk it is marked all the same', async () => {
  const disk = await restored();
  const { environment } = disk;
  const profile = disk.fs.profile as { capacityBytes: number };
  profile.capacityBytes -= disk.fs.freeBytes;
  await inside(disk, () => markUnfit({ dir: DIR, known: KNOWN, environment }));
  disk.crash('power');
  await inside(disk, expectMarked);
});

test('an open store, none at all, and bounds that are none are refused by name', async () => {
  const { disk, open } = simulated();
  const { environment } = disk;
  const refused = (options: object): Promise<unknown> =>
    markUnfit({ dir: DIR, environment, ...options }).catch((error: unknown) => error);
  await inside(disk, async () => {
    expect(await refused({})).toMatchObject({ code: 'KEELSON_NOT_A_LOG' });
    const log = await open();
    expect(await refused({})).toMatchObject({ code: 'KEELSON_LOCKED' });
    for (const [argument, options] of [
      ['known.term', { known: { term: 2 ** 53 - 1, lastIndex: 3 } }],
      ['known.lastIndex', { known: { term: 2 } }],
      ['until', { until: 3 }],
    ] as const)
      expect(await refused(options)).toMatchObject({
        code: 'KEELSON_INVALID_ARGUMENT',
        details: { argument },
      });
    await log.close();
  });
});

test('in the last term there is, one that voted is refused before anything is marked, one that did not never votes', async () => {
  const LAST = Number.MAX_SAFE_INTEGER;
  const voted = await restored();
  await inside(voted, (environment) =>
    onLog(environment, async (log) => {
      await log.setHardState({ term: LAST });
    }),
  );
  const silent = voted.fork();
  await inside(voted, (environment) =>
    onLog(environment, async (log) => {
      await log.setHardState({ vote: 'n2' });
    }),
  );
  for (const call of [planUnfit, markUnfit])
    await inside(voted, (environment) =>
      expect(call({ dir: DIR, environment })).rejects.toMatchObject({
        code: 'KEELSON_INVALID_ARGUMENT',
        details: { argument: 'dir' },
      }),
    );
  await inside(voted, (environment) =>
    onLog(environment, async (log) => {
      await Promise.resolve();
      expect([log.hardState, log.unfitUntil]).toEqual([{ term: LAST, vote: 'n2', commit: 18 }, 0]);
    }),
  );
  await inside(silent, (environment) => markUnfit({ dir: DIR, known: KNOWN, environment }));
  await inside(silent, (environment) =>
    onLog(environment, async (log) => {
      expect(log.unfitUntil).toBe(Infinity);
      await expect(log.setHardState({ vote: 'n1' })).rejects.toMatchObject(UNFIT);
    }),
  );
});

test('each option is read once', async () => {
  const disk = await restored();
  const reads: string[] = [];
  const watched = <Value extends object>(value: Value): Value =>
    new Proxy(value, {
      get: (target, key) => {
        reads.push(String(key));
        return Reflect.get(target, key) as unknown;
      },
    });
  await inside(disk, (environment) =>
    markUnfit(watched({ dir: DIR, known: watched({ ...KNOWN }), environment })),
  );
  expect(reads.toSorted()).toEqual(['dir', 'environment', 'known', 'lastIndex', 'term', 'walDir']);
  await inside(disk, expectMarked);
});
