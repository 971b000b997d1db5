/**
 * What a repair keeps must be what was written, and a server that may have forgotten a promise must not vote on it. Random
 * lives are hurt at random and repaired, with crashes inside, and held against every state that they ever acknowledged.
 */
import { expect, test } from 'vitest';
import { Random } from '../../sim/world/random.js';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { isKeelsonError } from '../../src/errors/index.js';
import type { RepairPlan } from '../../src/raft-log/repair/repair-plan.js';
import { planStoreRepair, repairStore, type RepairReport } from '../../src/raft-log/repair-store.js';
import { describing, stopsAt, textOf, type Stop } from '../crash/crash-everywhere.js';
import { DIR } from '../damage/chronicle.js';
import {
  contents,
  hurt,
  isBounded,
  judge,
  judgeEntries,
  judgeReport,
  MARKS,
  portraitOf,
  randomPast,
  SUPERBLOCK,
  type Past,
  type Wounds,
} from './repair-oracle.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';
const LIVES = isDeep ? 3000 : 16;
const WOUNDS = isDeep ? 40 : 12;

async function repair(disk: SimulatedDisk): Promise<RepairReport> {
  const outcome = await disk.run((environment) => repairStore({ environment, dir: DIR, walDir: null }));
  if (outcome.crashed) throw new Error('nothing was to stop the repair');
  return outcome.value;
}

/** Whatever a repair replaces must be found somewhere afterwards, byte for byte. */
function expectNothingGone(before: ReadonlyMap<string, string>, disk: SimulatedDisk, kept: number): void {
  const after = new Set(contents(disk).values());
  for (const [path, text] of before) {
    const snapshot = /\/([0-9]+)-[0-9]+\.snap$/.exec(path);
    // Older than the one in use, and whole: they are dropped as always.
    if (snapshot !== null && Number(snapshot[1]) < kept) continue;
    if (path.endsWith('.spare') || path.endsWith('.tmp')) continue;
    if (text.length > 0 && !after.has(text)) throw new Error(`the bytes of ${path} are gone`);
  }
}

test('random lives, hurt in up to three places: what is kept was written, and who may have forgotten does not vote', async () => {
  const actions = new Map<string, number>();
  for (let seed = 1; seed <= LIVES; seed += 1) {
    const past = await randomPast(seed);
    for (let round = 1; round <= WOUNDS; round += 1) {
      const disk = past.disk.fork({ seed: round });
      const wounds = hurt(past, disk, seed * 1000 + round);
      await describing(`seed ${seed}.${round}, ${past.end}: ${wounds.text}`, async () => {
        const action = await tryRepair(past, disk, wounds);
        actions.set(action, (actions.get(action) ?? 0) + 1);
      });
    }
  }
  for (const action of ['impossible', 'none', 'rebuild-log', 'rebuild-superblock'])
    expect(actions.get(action) ?? 0, action).toBeGreaterThan(5);
});

async function tryRepair(past: Past, disk: SimulatedDisk, wounds: Wounds): Promise<string> {
  const bounded = isBounded(past, wounds);
  const before = contents(disk);
  const planned = await planOf(disk);
  if (planned === null) return 'no log';
  expect(contents(disk)).toEqual(before);
  await judgeEntries(disk.fork(), planned);
  const report = await repair(disk);
  expect(report).toMatchObject({ ...planned });
  if (report.action === 'none' || report.action === 'impossible') {
    expect(contents(disk)).toEqual(before);
    return report.action;
  }
  expect((await repair(disk)).action).toBe('none');
  disk.crash('power');
  const shown = await portraitOf(disk);
  judge(past, shown, bounded);
  judgeReport(past, report, shown, bounded);
  const kept = report.result?.snapshot?.index ?? 0;
  const rest =
    report.action === 'rebuild-log'
      ? before
      : new Map([SUPERBLOCK, MARKS].map((path) => [path, before.get(path) ?? '']));
  expectNothingGone(rest, disk, kept);
  return report.action;
}

/** Null where nothing is left by which the directory could be told from any other. */
async function planOf(disk: SimulatedDisk): Promise<RepairPlan | null> {
  try {
    return await planStoreRepair({ environment: disk.environment, dir: DIR, walDir: null });
  } catch (error) {
    if (!isKeelsonError(error, 'KEELSON_NOT_A_LOG')) throw error;
    return null;
  }
}

test('crashed anywhere, again inside the next try, and opened in between: the same holds', async () => {
  let count = 0;
  for (let seed = 1; seed <= LIVES; seed += 1) {
    const past = await randomPast(seed);
    const random = new Random(seed);
    const wounded = past.disk.fork({ seed });
    const wounds = hurt(past, wounded, seed * 1000 + 500);
    wounded.crash('power');
    const whole = wounded.fork();
    if ((await planOf(whole)) === null) continue;
    const { action } = await repair(whole);
    if (action === 'none' || action === 'impossible') continue;
    const before = contents(wounded);
    const calls = whole.callCount - wounded.callCount;
    for (let tries = isDeep ? calls : 8; tries > 0; tries -= 1) {
      const stop = random.pick(stopsAt(wounded.callCount + 1 + random.below(calls)));
      const disk = wounded.fork({ seed: tries });
      count += 1;
      await describing(`seed ${seed}, ${past.end}: ${wounds.text}; ${textOf(stop)}`, async () => {
        await crashIn(disk, stop);
        const isOpened = random.chance(0.3);
        if (isOpened) await openIfPossible(disk);
        const again = random.pick(stopsAt(disk.callCount + 1 + random.below(calls)));
        await describing(`then ${textOf(again)}`, () => crashIn(disk, again));
        const { action: last, result } = await repair(disk);
        // The server that was started in between may have dropped what the first try would have kept.
        if (isOpened && last === 'impossible') return;
        disk.crash('power');
        if (last === 'none') await repair(disk);
        const shown = await portraitOf(disk);
        judge(past, shown, isBounded(past, wounds));
        // An open that finds nothing wrong with its part goes on with what it finds.
        if (last === 'rebuild-log' && !isOpened)
          expectNothingGone(before, disk, result?.snapshot?.index ?? 0);
      });
    }
  }
  expect(count).toBeGreaterThan(LIVES);
});

async function crashIn(disk: SimulatedDisk, { call, at, crash }: Stop): Promise<void> {
  disk.onCall = ({ number }) => (number === call ? { crash, at } : undefined);
  const outcome = await disk.run((environment) => repairStore({ environment, dir: DIR, walDir: null }));
  disk.onCall = null;
  if (!outcome.crashed) disk.crash(crash);
}

/** A server that is started again before the repair was: it may refuse, or find the log that it had, or the new one. */
async function openIfPossible(disk: SimulatedDisk): Promise<void> {
  await portraitOf(disk).catch(() => undefined);
  disk.crash('kill');
}
