import { KeelsonError } from '../../src/errors/index.js';
import type { RaftLog, SnapshotMeta } from '../../src/raft-log/contract.js';
import { cloneRaftLog } from '../../src/raft-log/copies/clone-raft-log.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { repairStore } from '../../src/raft-log/repair-store.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { describeState } from '../oracle/describe-state.js';
import { Finding, type Oracle } from '../oracle/finding.js';
import { isSameHardState, isSameState, lastIndexOf, type LogState } from '../oracle/log-state.js';
import { observeLog } from '../oracle/observe-log.js';
import type { OpBody } from '../plan/plan.js';
import { Random, subSeed } from '../world/random.js';
import { hurtCleanEnd } from './hurt-clean-end.js';
import { hurtStore, type Hurt } from './hurt-store.js';
import { whatIsNamedWrong, whatWasGivenUp } from './loss.js';
import { openOptions } from './open-options.js';
import { whatWasForgotten } from './repair-damaged.js';
import { repairVisited } from './repair-visited.js';
import type { Scene } from './scene.js';
import { whyFitTooEarly } from './stays-unfit.js';

/**
 * What should work does: in a copy of the disk where something of what counts is damaged, verify finds it and names no more
 * than was hit, an older snapshot stands in or the open names it, and a repair leaves what opens and keeps all that stands in
 * front of what was hit. Nothing of the store itself changes.
 */
export async function performHurt(
  scene: Scene,
  op: Extract<OpBody, { kind: 'hurt' }>,
  seed: number,
): Promise<void> {
  const { allowed, other, isDamaged, hasLostLock, isFull, wasOpened } = scene;
  if (other !== null || isDamaged || hasLostLock || isFull || !wasOpened || !allowed.isSettled) return;
  if (scene.openLog.status !== 'open') return;
  const { queue, trace } = scene.disk;
  const copy = (): SimulatedDisk => {
    const fork = scene.disk.fork({ seed, queue, trace });
    fork.crash('power');
    return fork;
  };
  if (op.what === 'frame') await hurtCleanEnd(scene, copy(), seed);
  if (op.what === 'frame') await repairVisited(scene, copy, new Random(subSeed(seed, 'visit')));
  const disk = copy();
  const random = new Random(seed);
  const hurt = hurtStore(op.what, scene, disk, random);
  if (hurt === null) return;
  await checkVerified(scene, disk, hurt);
  if (op.what === 'frames') await checkShown(scene, disk.fork({ seed, queue, trace }));
  if (await opensWithStandIn(scene, disk, hurt)) return;
  await checkRepair(scene, disk, hurt, random);
}

function failed(scene: Scene, oracle: Oracle, what: string, found = '', cause?: unknown): Finding {
  const expected = scene.allowed.lines();
  return new Finding({ oracle, what: `in a copy at ${scene.by} ${what}`, expected, found, cause });
}

async function checkVerified(scene: Scene, disk: SimulatedDisk, { path, losses }: Hurt): Promise<void> {
  const report = await verifyStore(placeOf(scene, disk));
  scene.reach['damage-verified'] += 1;
  if (!report.damage.some((damage) => damage.path === path))
    throw failed(scene, 'verify', `${path} was hurt, and verify finds it ${report.verdict}`);
  const wrong = whatIsNamedWrong(
    report.damage.map(({ entries }) => entries),
    losses,
  );
  if (wrong !== null) throw failed(scene, 'verify', `${path} was hurt, and ${wrong}`);
}

/** An open, and a read, that say nothing of the damage have lost nothing by it (R12). */
async function checkShown(scene: Scene, disk: SimulatedDisk): Promise<void> {
  const { state } = scene.allowed.promised;
  try {
    const log = await openRaftLog({ ...openOptions(scene, disk.process), create: 'never' });
    const { lastIndex, hardState } = log;
    const silent = (found: string): Finding =>
      failed(scene, 'recovered-state', 'frames were hurt, and an open says nothing', found);
    // Before a read meets what was hit: that is no excuse for an end that is not the log's.
    if (lastIndex !== lastIndexOf(state) || !isSameHardState(hardState, state.hardState))
      throw silent(`it ends at ${lastIndex}, in term ${hardState.term}`);
    const found = await observeLog(log);
    await log.close();
    if (!isSameState(state, found)) throw silent(describeState(found));
  } catch (error) {
    if (!(error instanceof KeelsonError) || error.family !== 'damage') throw error;
  }
}

function placeOf(
  { dir, separateWalDir: walDir }: Scene,
  disk: SimulatedDisk,
): { environment: SimulatedDisk['environment']; dir: string; walDir: string | null } {
  return { environment: disk.environment, dir, walDir };
}

/** R8: true if the store opened with an older snapshot, as it must where one joins; false if it named the damage. */
async function opensWithStandIn(scene: Scene, disk: SimulatedDisk, hurt: Hurt): Promise<boolean> {
  const { path, standIn } = hurt;
  const { state } = scene.allowed.promised;
  try {
    const log = await openRaftLog({ ...openOptions(scene, disk.process), verifyOnOpen: 'all' });
    const found = await observeLog(log);
    const used = log.recovery.snapshotFallback?.used ?? null;
    await log.close();
    if (standIn === null || used?.index !== standIn.index)
      throw failed(scene, 'recovered-state', `${path} was hurt, and an open says nothing`);
    scene.reach['older-snapshot-stood-in'] += 1;
    checkStandIn(scene, state, found, standIn);
    return true;
  } catch (error) {
    if (error instanceof Finding) throw error;
    if (!(error instanceof KeelsonError) || error.family !== 'damage')
      throw failed(scene, 'error-type', `an open failed with ${String(error)}`, '', error);
    if (standIn === null) return false;
    const what = `the snapshot at ${standIn.index} does not stand in for ${path}: ${error.message}`;
    throw failed(scene, 'stand-in', what, error.code, error);
  }
}

function checkStandIn(scene: Scene, state: LogState, found: LogState, { index }: SnapshotMeta): void {
  const { snapshot } = found;
  const isIt = snapshot?.index === index && scene.allowed.wasTaken(snapshot);
  if (isIt && isSameState({ ...state, snapshot }, found)) return;
  throw failed(scene, 'stand-in', `more changed than the snapshot`, describeState(found));
}

/** A repair finds what the open named, and leaves what opens and knows what it may have forgotten. */
async function checkRepair(scene: Scene, disk: SimulatedDisk, hurt: Hurt, random: Random): Promise<void> {
  const { path, losses } = hurt;
  const { action, why } = await repairStore(placeOf(scene, disk)).catch((error: unknown) => {
    throw failed(scene, 'repair', `${path} was hurt, and a repair failed with ${String(error)}`, '', error);
  });
  // Without the only snapshot nobody knows the state that the entries behind a compaction apply to.
  if (action === 'impossible' && path.endsWith('.snap')) return;
  if (action === 'none' || action === 'impossible')
    throw failed(scene, 'repair', `${path} was hurt, and a repair does nothing: ${why}`);
  scene.reach['copy-repaired'] += 1;
  const open = (): Promise<RaftLog> =>
    openRaftLog({ ...openOptions(scene, disk.process), create: 'never', verifyOnOpen: 'all' });
  const log = await open();
  const found = await observeLog(log);
  const alien = found.entries.find((entry) => !scene.allowed.wasIssued(entry));
  const { unfitUntil } = log;
  await log.close();
  if (unfitUntil > 0) scene.reach['stays-unfit'] += 1;
  const { state } = scene.allowed.promised;
  const wrong =
    alien === undefined
      ? (whatWasForgotten(state, found, unfitUntil) ??
        whatWasGivenUp(state, found, losses) ??
        (unfitUntil === 0 ? null : await whyForgottenAgain(scene, disk, open, unfitUntil, random)))
      : `it holds entry ${alien.index} of term ${alien.term}, which was never saved so`;
  if (wrong !== null) throw failed(scene, 'repair', `behind a repair ${wrong}`, describeState(found));
}

/** Unfit to vote is what a repair leaves until the commit has come up: by another repair, by a rotation, and in a copy. */
async function whyForgottenAgain(
  scene: Scene,
  disk: SimulatedDisk,
  open: () => Promise<RaftLog>,
  unfitUntil: number,
  random: Random,
): Promise<string | null> {
  const { queue, trace } = scene.disk;
  const again = disk.fork({ seed: random.below(2 ** 32), queue, trace });
  if (hurtStore('frame', scene, again, random) !== null) {
    await repairStore(placeOf(scene, again));
    const log = await openRaftLog({ ...openOptions(scene, again.process), create: 'never' });
    const { unfitUntil: now } = log;
    await log.close();
    scene.reach['repaired-again'] += 1;
    if (now < unfitUntil) return `and another one the log is unfit until ${now}, expected ${unfitUntil}`;
  }
  const place = placeOf(scene, disk);
  const clone = async (log: RaftLog): Promise<RaftLog> => {
    const { environment, dir: store, walDir } = place;
    const [to, checkpoint] = ['/data/unfit-clone', '/data/unfit-checkpoint'];
    const isOfStore = random.chance(0.5);
    // One that names no segment has it from nowhere else.
    const scope = log.snapshot?.index === log.lastIndex ? 'all' : 'durable';
    if (!isOfStore) await log.checkpoint({ scope, to: checkpoint });
    const from = isOfStore ? store : checkpoint;
    const whose = { identity: 'same', wholeCluster: true } as const;
    await cloneRaftLog(from, { to, environment, ...whose, ...(isOfStore && walDir !== null && { walDir }) });
    return openRaftLog({ dir: to, environment, create: 'never' });
  };
  return whyFitTooEarly({ open, clone, segmentBytes: scene.plan.config.segmentBytes });
}
