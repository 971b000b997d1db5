import { KeelsonError } from '../../src/errors/index.js';
import { lastLsnOf } from '../../src/format/frame-header.js';
import { parseWalFileName } from '../../src/format/names.js';
import { decodeSuperblock, SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import type { RaftLog, SnapshotMeta } from '../../src/raft-log/contract.js';
import { cloneRaftLog } from '../../src/raft-log/copies/clone-raft-log.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { repairStore } from '../../src/raft-log/repair-store.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { describeState } from '../oracle/describe-state.js';
import { Finding, type Oracle } from '../oracle/finding.js';
import { framesIn } from '../oracle/frame-census.js';
import { isSameState, type LogState, termAt } from '../oracle/log-state.js';
import { observeLog } from '../oracle/observe-log.js';
import type { OpBody } from '../plan/plan.js';
import { Random } from '../world/random.js';
import { hurtCleanEnd } from './hurt-clean-end.js';
import { openOptions } from './open-options.js';
import { whatWasForgotten } from './repair-damaged.js';
import { blocksOf } from './roll-back.js';
import { SEPARATE_WAL_DIR, type Scene } from './scene.js';
import { whyFitTooEarly } from './stays-unfit.js';

/** What was damaged, and what must come of it. */
interface Hurt {
  readonly path: string;
  /** The older snapshot that stands in for the damaged one (R8); null: the store names the damage. */
  readonly standIn: SnapshotMeta | null;
}

/**
 * What should work does: in a copy of the disk where one bit of what counts is flipped, verify finds it, an older snapshot
 * stands in or the open names it, and a repair leaves what opens. Nothing of the store itself changes.
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
  const disk = copy();
  const random = new Random(seed);
  const hurt = op.what === 'snapshot' ? hurtSnapshot(scene, disk, random) : hurtFrame(scene, disk, random);
  if (hurt === null) return;
  await checkVerified(scene, disk, hurt);
  if (await opensWithStandIn(scene, disk, hurt)) return;
  await checkRepair(scene, disk, hurt, random);
}

function failed(scene: Scene, oracle: Oracle, what: string, found = '', cause?: unknown): Finding {
  const expected = scene.allowed.lines();
  return new Finding({ oracle, what: `in a copy at ${scene.by} ${what}`, expected, found, cause });
}

/** Flips a bit in the head or the foot of the newest snapshot, which an open reads. */
function hurtSnapshot(scene: Scene, disk: SimulatedDisk, random: Random): Hurt | null {
  const { state } = scene.allowed.promised;
  const { snapshot } = state;
  if (snapshot === null) return null;
  const name = `${digits(snapshot.index)}-${digits(snapshot.term)}.snap`;
  const path = `${scene.dir}/snapshots/${name}`;
  const size = disk.readVolatile(path)?.length ?? 0;
  if (size === 0) return null;
  const at = random.chance(0.5) ? random.below(60) : size - 1 - random.below(20);
  disk.flipBit(path, at, random.below(8));
  const standIn = scene.openLog.snapshots.slice(1).find(({ index, term }) => termAt(state, index) === term);
  return { path, standIn: standIn ?? null };
}

function digits(number: number): string {
  return String(number).padStart(16, '0');
}

/** Flips a bit in the payload of a frame that holds entries, and that a later frame says to be durable: others prove it (R5). */
function hurtFrame(scene: Scene, disk: SimulatedDisk, random: Random): Hurt | null {
  const { boundary } = scene.allowed.promised.state;
  const frames = disk
    .list()
    .filter((path) => isNamed(path, scene, disk))
    .flatMap((path) =>
      [...framesIn(disk.readVolatile(path) ?? new Uint8Array())].map((frame) => ({ path, ...frame })),
    );
  const provenLsn = frames.reduce((most, { header }) => Math.max(most, header.durable.lsn), 0);
  const live = frames.filter(
    ({ header }) =>
      header.until > header.from && header.from > boundary.index && lastLsnOf(header) <= provenLsn,
  );
  if (live.length === 0) return null;
  const { path, at, header } = random.pick(live);
  disk.flipBit(path, at + header.headerBytes + random.below(header.payloadBytes), random.below(8));
  return { path, standIn: null };
}

/** True for a segment that the superblock names: one whose name a power cut has brought back is nobody's any more. */
function isNamed(path: string, { dir, walDir }: Scene, disk: SimulatedDisk): boolean {
  if (!path.startsWith(`${walDir}/`)) return false;
  const name = parseWalFileName(path.slice(walDir.length + 1));
  const slots = blocksOf(disk, `${dir}/superblock`, SUPERBLOCK_SLOT_BYTES).map(decodeSuperblock);
  return (
    name.kind === 'segment' &&
    slots.every((slot) => slot.kind !== 'valid' || slot.superblock.firstSegment <= name.number)
  );
}

async function checkVerified(scene: Scene, disk: SimulatedDisk, { path }: Hurt): Promise<void> {
  const report = await verifyStore(placeOf(scene, disk));
  scene.reach['damage-verified'] += 1;
  if (report.damage.some((damage) => damage.path === path)) return;
  throw failed(scene, 'verify', `a bit of ${path} was flipped, and verify finds it ${report.verdict}`);
}

function placeOf(
  { dir, plan }: Scene,
  disk: SimulatedDisk,
): { environment: SimulatedDisk['environment']; dir: string; walDir: string | null } {
  const walDir = plan.config.walDirIsSeparate ? SEPARATE_WAL_DIR : null;
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
      throw failed(scene, 'recovered-state', `a bit of ${path} was flipped, and an open says nothing`);
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
async function checkRepair(scene: Scene, disk: SimulatedDisk, { path }: Hurt, random: Random): Promise<void> {
  const { action, why } = await repairStore(placeOf(scene, disk));
  // Without the only snapshot nobody knows the state that the entries behind a compaction apply to.
  if (action === 'impossible' && path.endsWith('.snap')) return;
  if (action === 'none' || action === 'impossible')
    throw failed(scene, 'repair', `a bit of ${path} was flipped, and a repair does nothing: ${why}`);
  scene.reach['copy-repaired'] += 1;
  const open = (): Promise<RaftLog> =>
    openRaftLog({ ...openOptions(scene, disk.process), create: 'never', verifyOnOpen: 'all' });
  const log = await open();
  const found = await observeLog(log);
  const alien = found.entries.find((entry) => !scene.allowed.wasIssued(entry));
  const { unfitUntil } = log;
  await log.close();
  if (unfitUntil > 0) scene.reach['stays-unfit'] += 1;
  const wrong =
    alien === undefined
      ? (whatWasForgotten(scene.allowed.promised.state, found, unfitUntil) ??
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
  if (hurtFrame(scene, again, random) !== null) {
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
