/**
 * A repair is the one thing that gives up data on purpose: it must keep all that can be kept, say what it gives up, keep a
 * server from voting that may have forgotten, and lose no file. Stores are hurt in every way, repaired, opened and held
 * against what they held before; and the repair is crashed at each of its calls.
 */
import { describe, expect, test } from 'vitest';
import { Random } from '../../sim/world/random.js';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Entry, HardState, RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import type { RepairPlan } from '../../src/raft-log/repair/repair-plan.js';
import { planStoreRepair, repairStore, type RepairReport } from '../../src/raft-log/repair-store.js';
import { surveyLog } from '../../src/raft-log/repair/survey-log.js';
import { decodeSegmentHeader } from '../../src/format/segment-header.js';
import { crashesOf, describing, textOf } from '../crash/crash-everywhere.js';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';
import { DIR, filesOf, openingOf, storeOf, type Life } from './wounded-store.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';
const SUPERBLOCK = `${DIR}/superblock`;

function segment(number: number): string {
  return `${DIR}/wal/${String(number).padStart(16, '0')}.wal`;
}

function newest(disk: SimulatedDisk): number {
  return disk.list().filter((path) => path.endsWith('.wal')).length;
}

function plan(disk: SimulatedDisk): Promise<RepairPlan> {
  return planStoreRepair({ environment: disk.environment, dir: DIR, walDir: null });
}

async function repair(disk: SimulatedDisk): Promise<RepairReport> {
  const outcome = await disk.run((environment) => repairStore({ environment, dir: DIR, walDir: null }));
  if (outcome.crashed) throw new Error('nothing was to stop the repair');
  return outcome.value;
}

interface Portrait {
  readonly entries: readonly Entry[];
  readonly hardState: HardState;
  readonly firstIndex: number;
  readonly unfitUntil: number;
  readonly snapshot: number | null;
}

/** What a store shows when it is opened to work with. */
async function openAnd<T>(disk: SimulatedDisk, use: (log: RaftLog) => Promise<T>): Promise<T> {
  const outcome = await disk.run(async (environment) => {
    const log = await openRaftLog({ dir: DIR, segmentBytes: 4096, create: 'never', environment });
    try {
      return await use(log);
    } finally {
      await log.close();
    }
  });
  if (outcome.crashed) throw new Error('nothing was to stop the open');
  return outcome.value;
}

function portraitOf(disk: SimulatedDisk): Promise<Portrait> {
  return openAnd(disk, async (log) => ({
    entries: await log.entries(log.firstIndex, log.lastIndex + 1),
    hardState: log.hardState,
    firstIndex: log.firstIndex,
    unfitUntil: log.unfitUntil,
    snapshot: log.snapshot?.index ?? null,
  }));
}

const termOf = (index: number): number => (index < 13 ? 1 : 3);

/** The entries of {@link storeOf}. */
function originals(from: number, until: number): Entry[] {
  return Array.from({ length: until - from }, (_, at) => {
    const index = from + at;
    return { index, term: termOf(index), kind: 0, data: dataOf(index, termOf(index), 300) };
  });
}

/** Holds what a repaired store shows against what was promised of it. */
async function judge(disk: SimulatedDisk, { result, lost }: RepairPlan): Promise<Portrait> {
  if (result === null) throw new Error('nothing was repaired');
  const shown = await portraitOf(disk);
  const { firstIndex, lastIndex, unfitUntil, hardState } = result;
  expect(shown.firstIndex).toBe(firstIndex);
  const sameBytes = (entry: Entry): Entry => ({ ...entry, data: Uint8Array.from(entry.data) });
  expect(shown.entries.map(sameBytes)).toEqual(originals(firstIndex, lastIndex + 1));
  expect(shown.hardState).toEqual(hardState);
  expect(shown.unfitUntil).toBe(hardState.commit >= unfitUntil ? 0 : unfitUntil);
  expect(shown.snapshot).toBe(result.snapshot?.index ?? null);
  if (lost.mayBeAcknowledged) {
    // Where every witness of a term is gone, nothing bounds what it may have voted.
    if (unfitUntil !== Infinity) expect(hardState.term).toBeGreaterThan(3);
    expect(hardState.vote).toBeNull();
    expect(unfitUntil).toBeGreaterThanOrEqual(lost.acknowledged === null ? 1 : lost.acknowledged.until - 1);
  } else {
    expect(lastIndex).toBe(24);
    expect(hardState).toMatchObject({ term: 3, vote: 'n3', commit: 22 });
  }
  return shown;
}

describe('what is kept, and what is given up', () => {
  test('a sound store is left alone', async () => {
    const disk = await storeOf({ isClosed: false });
    const before = disk.list().map((path) => disk.readVolatile(path));
    expect(await repair(disk)).toMatchObject({ action: 'none', result: null, quarantined: [] });
    expect(disk.list().map((path) => disk.readVolatile(path))).toEqual(before);
  });

  test.each<[string, (disk: SimulatedDisk) => void]>([
    ['bad', (disk) => disk.overwrite(SUPERBLOCK, 0, new Uint8Array(8192))],
    ['gone', (disk) => disk.remove(SUPERBLOCK)],
  ])('both slots %s: they are rebuilt, nothing is lost', async (_, hurt) => {
    const disk = await storeOf({ isClosed: true, hasSnapshot: true, isCompacted: true });
    hurt(disk);
    expect(await openingOf(disk)).not.toBeNull();
    const report = await repair(disk);
    expect(report).toMatchObject({
      action: 'rebuild-superblock',
      lost: { mayBeAcknowledged: false },
      result: {
        firstIndex: 11,
        lastIndex: 24,
        unfitUntil: 0,
        hardState: { term: 3, vote: 'n3', commit: 22 },
      },
    });
    await judge(disk, report);
  });

  test('a hole in the tail: the log is cut in front of it, and the server does not vote until it has caught up', async () => {
    const disk = await storeOf({ isClosed: true });
    disk.flipBit(segment(2), 900, 3);
    const planned = await plan(disk);
    const report = await repair(disk);
    expect(report).toMatchObject({ ...planned });
    expect(report).toMatchObject({
      action: 'rebuild-log',
      result: { firstIndex: 1, hardState: { term: 4, vote: null }, unfitUntil: 24 },
      lost: { mayBeAcknowledged: true, acknowledged: { until: 25 } },
    });
    const { entries } = await judge(disk, report);
    const next = entries.length + 1;
    await openAnd(disk, async (log) => {
      await expect(log.setHardState({ term: 5, vote: 'n9' })).rejects.toMatchObject({
        code: 'KEELSON_UNFIT_TO_VOTE',
      });
      await log.save({ hardState: { term: 5 }, entries: entriesFrom(next, 25 - next, 5) });
      await log.setHardState({ commit: 24 });
      expect(log.unfitUntil).toBe(0);
      await log.setHardState({ vote: 'n9' });
    });
    expect((await portraitOf(disk)).hardState).toEqual({ term: 5, vote: 'n9', commit: 24 });
  });

  test('the newest segment and the end marks gone: nothing bounds what it may have promised', async () => {
    const disk = await storeOf({ isClosed: false });
    disk.remove(segment(newest(disk)));
    disk.remove(`${DIR}/marks`);
    const report = await repair(disk);
    expect(report.result?.unfitUntil).toBe(Infinity);
    expect(await judge(disk, report)).toMatchObject({ unfitUntil: Infinity });
    expect(await portraitOf(disk)).toMatchObject({ unfitUntil: Infinity });
  });

  test('both slots gone and the tail hurt, behind an open that saved nothing: its end mark knows what there was', async () => {
    for (const isClosed of [true, false]) {
      const { disk } = simulated({ profile: { calls: 'inline' } });
      await disk.run(async (environment) => {
        const log = await openRaftLog({ dir: DIR, segmentBytes: 4096, environment });
        await log.save({ hardState: { term: 3, vote: 'n3' }, entries: entriesFrom(1, 4, 1, 300) });
      });
      // No end mark has landed.
      disk.crash('power');
      await disk.run(async (environment) => {
        const log = await openRaftLog({ dir: DIR, segmentBytes: 4096, environment });
        if (isClosed) await log.close();
        else await new Promise<void>((resolve) => environment.setTimer(200, resolve));
      });
      if (!isClosed) disk.crash('kill');
      disk.overwrite(SUPERBLOCK, 0, new Uint8Array(8192));
      disk.flipBit(segment(1), 900, 3);
      expect(await repair(disk)).toMatchObject({
        action: 'rebuild-log',
        result: { lastIndex: 0, unfitUntil: Infinity },
        lost: { mayBeAcknowledged: true, acknowledged: { from: 1, until: 5 } },
      });
    }
  });

  test('both slots and a middle segment gone: what stands in front of the gap is kept, the rest is set aside', async () => {
    const sound = await storeOf({ isClosed: true });
    const last = newest(sound);
    expect(last).toBeGreaterThan(3);
    for (let gone = 2; gone < last; gone += 1) {
      const disk = sound.fork();
      const ends = await surveyLog({ environment: disk.environment, dir: DIR, walDir: null });
      const kept = ends.store.segments[gone - 2]?.run?.end.lastIndex ?? 0;
      disk.overwrite(SUPERBLOCK, 0, new Uint8Array(8192));
      disk.remove(segment(gone));
      const before = contents(disk);
      const report = await repair(disk);
      expect(report, `segment ${gone}`).toMatchObject({
        action: 'rebuild-log',
        damage: [
          { code: 'KEELSON_CORRUPT', path: SUPERBLOCK },
          { code: 'KEELSON_MISSING_SEGMENT', path: segment(gone) },
        ],
        result: { firstIndex: 1, lastIndex: kept, unfitUntil: 24, hardState: { term: 4, vote: null } },
        lost: { mayBeAcknowledged: true, acknowledged: { from: kept + 1, until: 25 } },
      });
      await judge(disk, report);
      const after = contents(disk);
      expect([...before].filter((text) => text.startsWith('KEELSONW') && !after.has(text))).toEqual([]);
    }
  });

  test('both slots and a segment below the snapshot gone: nothing is lost', async () => {
    const disk = await storeOf({ isClosed: true, hasSnapshot: true });
    disk.remove(SUPERBLOCK);
    disk.remove(segment(2));
    const report = await repair(disk);
    expect(report).toMatchObject({
      action: 'rebuild-log',
      result: { firstIndex: 13, lastIndex: 24, snapshot: { index: 12 }, unfitUntil: 0 },
      lost: { mayBeAcknowledged: false },
    });
    await judge(disk, report);
  });

  test('both slots gone beside a compacted segment that came back: it is none of the log, and nothing is missing', async () => {
    const whole = await storeOf({ isClosed: true, hasSnapshot: true });
    const disk = whole.fork();
    await openAnd(disk, (log) => log.compact(12));
    expect(disk.list()).not.toContain(segment(2));
    disk.writeFile(segment(1), whole.readVolatile(segment(1)) ?? new Uint8Array());
    disk.remove(SUPERBLOCK);
    const report = await repair(disk);
    expect(report).toMatchObject({
      action: 'rebuild-superblock',
      damage: [{ path: SUPERBLOCK }],
      result: { firstIndex: 13, lastIndex: 24, unfitUntil: 0 },
    });
    await judge(disk, report);
  });

  test('damage below a snapshot costs nothing: the log goes on behind it', async () => {
    const disk = await storeOf({ isClosed: true, hasSnapshot: true });
    disk.flipBit(segment(1), 900, 3);
    const report = await repair(disk);
    expect(report).toMatchObject({
      result: { firstIndex: 13, lastIndex: 24, snapshot: { index: 12 }, unfitUntil: 0 },
      lost: { mayBeAcknowledged: false, covered: { from: 1, until: 13 } },
    });
    await judge(disk, report);
  });

  test('a damaged snapshot of a log that has all its entries is given up', async () => {
    const disk = await storeOf({ isClosed: true, hasSnapshot: true });
    const path = disk.list().find((one) => one.endsWith('.snap')) ?? '';
    disk.flipBit(path, 300, 3);
    const report = await repair(disk);
    expect(report).toMatchObject({ result: { firstIndex: 1, lastIndex: 24, snapshot: null, unfitUntil: 0 } });
    await judge(disk, report);
    expect(report.quarantined.some((one) => one.endsWith('.snap'))).toBe(true);
  });

  test('where neither log nor snapshot has a beginning, it says so and touches nothing', async () => {
    const disk = await storeOf({ isClosed: true, hasSnapshot: true, isCompacted: true });
    const path = disk.list().find((one) => one.endsWith('.snap')) ?? '';
    disk.remove(path);
    const before = disk.list();
    const report = await repair(disk);
    expect(report).toMatchObject({ action: 'impossible', result: null });
    expect(report.why).toContain(
      'entries 7..24 can be read, but not those before them, and no snapshot is there',
    );
    expect(disk.list()).toEqual(before);
    for (const name of before) if (name.endsWith('.wal')) disk.overwrite(name, 0, new Uint8Array(4096));
    expect((await plan(disk)).why).toContain('no entry of the log and no snapshot can be read');
  });

  test('it begins above every LSN, epoch and segment number that was seen', async () => {
    const disk = await storeOf({ isClosed: true });
    const lsn = await openAnd(disk, (log) => Promise.resolve(log.recovery.lastLsn));
    const highest = newest(disk);
    disk.flipBit(segment(2), 900, 3);
    await repair(disk);
    const names = disk.list().filter((path) => path.startsWith(`${DIR}/wal/`));
    for (const name of names) expect(Number(name.slice(-20, -4))).toBeGreaterThan(highest);
    await openAnd(disk, async (log) => {
      expect((await log.setHardState({ term: 9 })).lsn).toBeGreaterThan(lsn);
      expect(log.recovery.epoch).toBeGreaterThan(3);
    });
  });

  test('and above an LSN that no mark had told of when its process was killed', async () => {
    const disk = await storeOf({ isClosed: true });
    const outcome = await disk.run(async (environment) => {
      const log = await openRaftLog({ dir: DIR, segmentBytes: 4096, create: 'never', environment });
      return (await log.append(entriesFrom(25, 2, 3, 100))).lsn;
    });
    if (outcome.crashed) throw new Error('nothing was to stop the save');
    disk.crash('kill');
    disk.flipBit(segment(2), 900, 3);
    await repair(disk);
    const [first = ''] = disk.list().filter((path) => path.startsWith(`${DIR}/wal/`));
    const verdict = decodeSegmentHeader((disk.readVolatile(first) ?? new Uint8Array()).subarray(0, 512));
    if (verdict.kind !== 'valid') throw new Error(verdict.kind);
    // A frame of the writer that was killed must never join what stands there now (D11).
    expect(verdict.header.firstLsn).toBeGreaterThan(outcome.value);
  });
});

/** The bytes of every file, wherever it is now. */
function contents(disk: SimulatedDisk): Set<string> {
  return new Set(disk.list().map((path) => Buffer.from(disk.readVolatile(path) ?? []).toString('latin1')));
}

const LIVES: readonly Life[] = [
  { isClosed: true },
  { isClosed: false },
  { isClosed: false, hasSnapshot: true },
  { isClosed: true, hasSnapshot: true, isCompacted: true },
];

test('wounds drawn at random: a repair ends in a sound store that keeps what its plan says, and no file is lost', async () => {
  const rounds = isDeep ? 20_000 : 60;
  const actions = new Set<string>();
  const disks = await Promise.all(LIVES.map(storeOf));
  for (let seed = 1; seed <= rounds; seed += 1) {
    const random = new Random(seed);
    const disk = (disks[seed % disks.length] as SimulatedDisk).fork();
    for (let count = 1 + (seed % 3); count > 0; count -= 1) wound(disk, random);
    await describing(`seed ${seed}`, async () => {
      const before = contents(disk);
      const report = await repair(disk);
      actions.add(report.action);
      if (report.action === 'none' || report.action === 'impossible') return;
      const after = contents(disk);
      for (const name of [SUPERBLOCK, `${DIR}/marks`]) before.delete(textAt(disk, name));
      const segments = [...before].filter((text) => text.startsWith('KEELSONW'));
      expect(segments.filter((text) => !after.has(text))).toEqual([]);
      expect(await repair(disk)).toMatchObject({ action: 'none' });
      await judge(disk, report);
    });
  }
  expect([...actions].sort()).toEqual(['impossible', 'none', 'rebuild-log', 'rebuild-superblock']);
});

function textAt(disk: SimulatedDisk, path: string): string {
  return Buffer.from(disk.readVolatile(path) ?? []).toString('latin1');
}

function wound(disk: SimulatedDisk, random: Random): void {
  const files = filesOf(disk);
  const path = files[random.below(files.length)] as string;
  const size = disk.readVolatile(path)?.length ?? 0;
  const at = size === 0 ? 0 : random.below(size);
  switch (random.below(5)) {
    case 0:
      disk.remove(path);
      return;
    case 1:
      if (size > 0) disk.resize(path, at);
      return;
    case 2:
      if (size > 0)
        disk.overwrite(path, at - (at % 512), new Uint8Array(Math.min(512, size - at + (at % 512))));
      return;
    case 3:
      if (files.includes(SUPERBLOCK)) disk.overwrite(SUPERBLOCK, 0, new Uint8Array(8192));
      return;
    default:
      if (size > 0) disk.flipBit(path, at, at % 8);
  }
}

test('a server that is started behind a stopped repair moves what was given up, and deletes nothing', async () => {
  const wounded = await storeOf({ isClosed: true });
  wounded.flipBit(segment(2), 900, 3);
  wounded.crash('power');
  const old = [...contents(wounded)].filter((text) => text.startsWith('KEELSONW'));
  const whole = wounded.fork();
  const reports: RepairReport[] = [];
  const crashes = await crashesOf(
    whole,
    async (environment) => {
      reports.push(await repairStore({ environment, dir: DIR, walDir: null }));
    },
    ({ at, crash }) => at === 'before' && crash === 'kill-power',
    () => null,
  );
  const { result } = reports[0] as RepairReport;
  let moved = 0;
  for (const { disk } of crashes) {
    const isNew = newest(disk) > 0 && (await plan(disk)).action === 'none';
    if (!isNew) continue;
    const { entries } = await portraitOf(disk);
    expect(entries).toHaveLength(result?.lastIndex ?? -1);
    const after = contents(disk);
    expect(old.filter((text) => !after.has(text))).toEqual([]);
    for (const path of disk.list().filter((one) => one.startsWith(`${DIR}/wal/`)))
      expect(old).not.toContain(textAt(disk, path));
    moved += 1;
  }
  expect(moved).toBeGreaterThan(5);
});

describe.each<[string, Life, (disk: SimulatedDisk) => void]>([
  ['a hole in the tail', { isClosed: true }, (disk) => disk.flipBit(segment(2), 900, 3)],
  [
    'both slots gone and a segment damaged',
    { isClosed: false, hasSnapshot: true },
    (disk) => {
      disk.overwrite(SUPERBLOCK, 0, new Uint8Array(8192));
      disk.flipBit(segment(3), 900, 3);
    },
  ],
  [
    'the superblock gone',
    { isClosed: false, hasSnapshot: true, isCompacted: true },
    (disk) => disk.remove(SUPERBLOCK),
  ],
  [
    'the superblock and a middle segment gone',
    { isClosed: false },
    (disk) => {
      disk.remove(SUPERBLOCK);
      disk.remove(segment(3));
    },
  ],
])('%s', (_, life, hurt) => {
  test('a crash at every call of the repair: as before, or repaired, or another repair completes it', async () => {
    const wounded = await storeOf(life);
    hurt(wounded);
    wounded.crash('power');
    const whole = wounded.fork();
    const reports: RepairReport[] = [];
    const crashes = await crashesOf(
      whole,
      async (environment) => {
        reports.push(await repairStore({ environment, dir: DIR, walDir: null }));
      },
      ({ call }, way) => isDeep || (call + way) % 5 === 0,
      () => null,
    );
    const { result, lost } = reports[0] as RepairReport;
    const expected = await judge(whole, { ...(await plan(wounded)), result, lost });
    for (const { stop, disk } of crashes)
      await describing(textOf(stop), async () => {
        const { action } = await repair(disk);
        disk.crash('power');
        // What a killed repair left in the cache alone looks done, and may go; what another one did stays.
        if (action === 'none') await repair(disk);
        if ((await plan(disk)).action !== 'none') throw new Error('another repair was not enough');
        disk.crash('power');
        const shown = await portraitOf(disk);
        expect(shown.entries.length).toBe(expected.entries.length);
        expect(shown).toMatchObject({ firstIndex: expected.firstIndex, snapshot: expected.snapshot });
        expect(shown.unfitUntil).toBeGreaterThanOrEqual(expected.unfitUntil);
        expect(shown.hardState.term).toBeGreaterThanOrEqual(expected.hardState.term);
      });
    expect(crashes.length).toBeGreaterThan(10);
  });
});
