import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { cloneRaftLog } from '../../src/raft-log/copies/clone-raft-log.js';
import type { Checkpoint, CloneOptions } from '../../src/raft-log/copies/copies-contract.js';
import { MARKS_NAME, parseWalFileName, UNFINISHED_NAME } from '../../src/format/names.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { findNode } from '../disk/image/paths.js';
import { describeState } from '../oracle/describe-state.js';
import { Finding } from '../oracle/finding.js';
import { isSameState, lastIndexOf, type LogState, withBoundary } from '../oracle/log-state.js';
import { observeLog } from '../oracle/observe-log.js';
import type { CopyIdentity, CopyWay, OpBody } from '../plan/plan.js';
import { issueSave, judgeFailure } from './issue-save.js';
import { makeSave } from './make-save.js';
import { openOptions } from './open-options.js';
import { moveOn } from './read-ops.js';
import { SEPARATE_WAL_DIR, type Scene } from './scene.js';
import { performCompact, performSnapshot } from './snapshot-ops.js';

/** Where checkpoints are made. */
export const CHECKPOINT_DIR = '/data/checkpoint';
const CLONE_DIR = '/data/clone';
const CLONE_WAL_DIR = '/data/clone-wal';

const SAME = {
  same: { identity: 'same' },
  'same-of-whole-cluster': { identity: 'same', wholeCluster: true },
} as const;

type CopyOp = Extract<OpBody, { kind: 'copy' }>;

/**
 * A clone of the store, or of a checkpoint, while its writer goes on: it shows a state that the log was in at the call or
 * later, begins above every number of its source, and goes on by itself.
 */
export async function performCopy(scene: Scene, op: CopyOp, seed: number): Promise<void> {
  const log = scene.openLog;
  const { of, saves, compacts } = op;
  const { other, hasLostLock, isOverBudget } = scene;
  if (other !== null || hasLostLock || isOverBudget || log.status !== 'open') return;
  const move = async (): Promise<void> => {
    if (compacts) {
      const snapshot = { kind: 'snapshot', share: 0.999, bytes: 300, chunks: 1, beside: [] } as const;
      await performSnapshot(scene, snapshot, seed);
      await performCompact(scene, 1);
    }
    await moveOn(scene, { beside: saves }, seed);
  };
  // What an earlier crash left and a failing call kept from being judged is in the way.
  removeCopies(scene);
  // A snapshot covers all before, or what is saved beside it waits.
  if (of === 'all') await move();
  const { identity = 'same-of-whole-cluster' } = op;
  const since = scene.allowed.promises.length - 1;
  const walDir = op.apart === true ? CLONE_WAL_DIR : null;
  scene.copy = { stage: 'begun', dir: CLONE_DIR, walDir, identity, since };
  await Promise.all([copy(scene, log, op), of === 'all' ? null : move()]);
  // A try that failed is made again, and what a copy says is durable outlives the power.
  if (op.cut === true && scene.process.isAlive) {
    if (scene.copy.stage === 'begun') {
      scene.reach['copy-made-again'] += 1;
      if (findNode(scene.disk.fs, `${CHECKPOINT_DIR}/${UNFINISHED_NAME}`, 'stat') === undefined)
        removeIfThere(scene, CHECKPOINT_DIR);
      await copy(scene, log, op);
    }
    if (scene.copy.stage === 'made') scene.disk.crash('power');
  }
  removeCopies(scene);
}

async function copy(scene: Scene, log: RaftLog, op: CopyOp): Promise<void> {
  const { of, cut } = op;
  const isMoving = op.saves.length > 0 || op.compacts;
  const { allowed } = scene;
  const isUncovered =
    allowed.isSettled && lastIndexOf(allowed.promised.state) > coveredIn(allowed.promised.state);
  // A checkpoint holds what was accepted before, durable or not; a clone is made by who sees the files alone.
  const newest = segmentsIn(scene, scene.walDir).at(-1) ?? 0;
  const queued = of === 'store' ? Promise.resolve() : queueValue(scene);
  const marked = log.save({});
  marked.catch(() => undefined);
  try {
    let made: Checkpoint | null = null;
    if (of === 'store') await marked;
    else made = await log.checkpoint({ scope: of, to: CHECKPOINT_DIR });
    if (of === 'all' && isUncovered)
      throw broken(scene, 'a checkpoint was made that names no segment, and the snapshot does not cover all');
    const { lsn } = await marked;
    const { sourceLsn } = await cloneRaftLog(
      of === 'store' ? scene.dir : CHECKPOINT_DIR,
      cloneOptions(scene, op),
    );
    const replayFrom = made?.segments[0]?.firstLsn ?? sourceLsn + 1;
    if (made !== null && made.replayAfter + 1 !== replayFrom)
      throw broken(
        scene,
        `a checkpoint is replayed after LSN ${made.replayAfter}, and goes on with ${replayFrom}`,
      );
    if (scene.copy !== null) {
      scene.copy.stage = cut === true ? 'made' : 'used';
      // Where something failed, a writer may be without its end marks.
      if (scene.hasCause) scene.copy.since = 0;
    }
    scene.reach[of === 'store' ? 'cloned' : 'cloned-from-checkpoint'] += 1;
    if (isMoving) scene.reach['cloned-beside-moving-writer'] += 1;
    // Without its end marks a writer beside is not known to have come so far (D12).
    if (sourceLsn < lsn && !scene.hasCause)
      throw broken(scene, `a clone is of LSN ${sourceLsn}, though ${lsn} was durable before`);
    // Behind the cut it is judged.
    if (cut === true) return;
    await withClone(scene, async (clone) => {
      await judgeClone(scene, clone);
      await checkFence(scene, log, clone, { lsn: sourceLsn, segment: newest });
    });
  } catch (error) {
    if (error instanceof Finding) throw error;
    if (mayBeRefused(error, of, isMoving)) {
      scene.reach['copy-refused'] += 1;
      return;
    }
    const finding = judgeFailure(scene, error, false);
    if (finding !== null) throw finding;
  } finally {
    await queued;
  }
}

function coveredIn({ boundary, snapshot }: LogState): number {
  return Math.max(boundary.index, snapshot?.index ?? 0);
}

function cloneOptions(scene: Scene, { of }: CopyOp): CloneOptions {
  const { identity = 'same-of-whole-cluster', walDir = null } = scene.copy ?? {};
  const whose = identity === 'new-member' ? { identity } : SAME[identity];
  const source = of === 'store' && scene.plan.config.walDirIsSeparate ? { walDir: SEPARATE_WAL_DIR } : {};
  const { environment } = scene.process;
  return { to: CLONE_DIR, toWalDir: walDir ?? `${CLONE_DIR}/wal`, ...whose, environment, ...source };
}

/** A save that is under way when the next call is made, and that no snapshot has to cover. */
function queueValue(scene: Scene): Promise<void> {
  const { state } = scene.allowed.newest;
  const values = { kind: 'values', values: [{ key: 0, bytes: 1 + (state.entriesHash % 30) }] } as const;
  return issueSave(scene, makeSave(values, state, state.entriesHash));
}

/** Closes it also where a look at it fails, as one at damaged bytes must. */
async function withClone(scene: Scene, look: (clone: RaftLog) => Promise<void>): Promise<void> {
  // Its segments are its own, wherever the source's are.
  const place = {
    dir: CLONE_DIR,
    walDir: scene.copy?.walDir ?? `${CLONE_DIR}/wal`,
    create: 'never',
  } as const;
  const clone = await openRaftLog({ ...openOptions(scene, scene.process), ...place });
  try {
    await look(clone);
  } finally {
    if (scene.process.isAlive) await clone.close();
  }
}

function mayBeRefused(error: unknown, of: CopyWay, isMoving: boolean): boolean {
  if (of === 'all' && isKeelsonError(error, 'KEELSON_UNAVAILABLE')) return true;
  // A log that failed meanwhile takes no save and no checkpoint.
  if (isKeelsonError(error, 'KEELSON_FAILED')) return true;
  // What a checkpoint is made of the log itself keeps until it is copied.
  if (!isMoving || of !== 'store') return false;
  if (isKeelsonError(error, 'KEELSON_COMPACTED')) return true;
  return isKeelsonError(error, 'KEELSON_READ_FAILED') && error.message.includes('is busy');
}

function broken(scene: Scene, what: string, found = ''): Finding {
  const expected = scene.allowed.lines();
  return new Finding({ oracle: 'copy', what: `in ${scene.by} ${what}`, expected, found });
}

/** Entries below its own beginning may be left out: the snapshot covers them. */
async function judgeClone(scene: Scene, clone: RaftLog): Promise<void> {
  const found = await observeLog(clone);
  // R8: what was damaged meanwhile is named, and an older one shown.
  if (scene.isDamaged) return;
  const { identity = 'same-of-whole-cluster', stage, since = 0 } = scene.copy ?? {};
  const { allowed } = scene;
  const from = found.boundary.index;
  const isIt = (state: LogState): boolean =>
    state.boundary.index <= from &&
    lastIndexOf(state) >= from &&
    isSameState({ ...withBoundary(state, from), hardState: promisedBy(identity, state) }, found);
  const promises = allowed.promises.slice(stage === 'begun' ? 0 : since);
  if (!promises.some(isIt) && !allowed.candidates().some(({ state }) => isIt(state)))
    throw broken(scene, 'a clone shows a state that its source never was in', describeState(found));
  const unfitUntil = identity === 'same' ? Infinity : 0;
  if (clone.unfitUntil === unfitUntil) return;
  throw broken(scene, `a clone is unfit until ${clone.unfitUntil}, expected ${unfitUntil}`);
}

/** What a copy knows to be promised: nothing by another server's id, and by one that may have voted since, in a term above. */
function promisedBy(identity: CopyIdentity, { hardState }: LogState): LogState['hardState'] {
  switch (identity) {
    case 'new-member':
      return { ...hardState, vote: null };
    case 'same':
      return { ...hardState, term: hardState.term + 1, vote: null };
    case 'same-of-whole-cluster':
      return hardState;
  }
}

/** D11: whatever the source writes on is outside the run of its clone, and nothing of the clone is named as if it were its own. */
async function checkFence(
  scene: Scene,
  log: RaftLog,
  clone: RaftLog,
  source: { readonly lsn: number; readonly segment: number },
): Promise<void> {
  const { epoch, lastLsn } = clone.recovery;
  // What it was begun with is its entries, each a record.
  const begunAt = lastLsn - (clone.lastIndex + 1 - clone.firstIndex);
  const [oldest = 0] = segmentsIn(scene, scene.copy?.walDir ?? `${CLONE_DIR}/wal`);
  const { lsn } = await clone.save({ hardState: { term: clone.hardState.term + 1 } });
  const isAbove = epoch > log.recovery.epoch + 1 && begunAt >= source.lsn && oldest > source.segment;
  if (isAbove && lsn > lastLsn) return;
  throw broken(
    scene,
    `a clone begins at epoch ${epoch}, behind LSN ${begunAt} and with segment ${oldest}, and goes on with LSN ${lsn}, expected above epoch ${log.recovery.epoch + 1}, LSN ${source.lsn} and segment ${source.segment}`,
  );
}

/** Numbers of the segments there, lowest first. */
function segmentsIn({ disk }: Scene, walDir: string): readonly number[] {
  return disk.list().flatMap((path) => {
    const name = path.startsWith(`${walDir}/`) ? parseWalFileName(path.slice(walDir.length + 1)) : null;
    return name?.kind === 'segment' ? [name.number] : [];
  });
}

/** What a crash left of a copy: all of it, or, where it was not acknowledged, nothing as far as any open can tell. */
export async function judgeLeftCopy(scene: Scene): Promise<void> {
  if (scene.copy === null || scene.log === null) return;
  if (scene.copy.stage === 'used') {
    removeCopies(scene);
    return;
  }
  try {
    await withClone(scene, async (clone) => {
      scene.reach['crash-left-whole-copy'] += 1;
      await judgeClone(scene, clone);
    });
  } catch (error) {
    if (error instanceof Finding) throw error;
    if (scene.copy.stage === 'made' && !scene.hasCause)
      throw broken(scene, `a clone that was acknowledged is lost: ${(error as Error).message}`);
    if (!isKeelsonError(error, 'KEELSON_NOT_A_LOG')) {
      const finding = judgeFailure(scene, error, false);
      if (finding !== null) throw finding;
      return;
    }
    scene.reach['crash-left-no-copy'] += 1;
  }
  removeCopies(scene);
}

/** A copy that nobody will judge is about to be made; false where it may not be. What is left of it goes by {@link removeCopies}. */
export function beginUnjudgedCopy(scene: Scene): boolean {
  const { other, hasLostLock, isOverBudget, copy: before } = scene;
  if (other !== null || hasLostLock || isOverBudget || before !== null) return false;
  scene.copy = { stage: 'used', dir: CLONE_DIR, walDir: null, identity: 'same', since: 0 };
  removeIfThere(scene, CHECKPOINT_DIR);
  return true;
}

/** Removes what stands of copies, and knows of none any more. */
export function removeCopies(scene: Scene): void {
  if (!scene.process.isAlive) return;
  scene.copy = null;
  for (const dir of [CHECKPOINT_DIR, CLONE_DIR, CLONE_WAL_DIR]) removeIfThere(scene, dir);
}

/**
 * Its end marks are wiped first. A clone of the same identity has the lineage of its source: where a file system shows freed
 * bytes in a file that grew, its mark in the source's own would count, and name damage that there is none of.
 */
function removeIfThere({ disk }: Scene, dir: string): void {
  if (findNode(disk.fs, dir, 'stat') === undefined) return;
  const marks = `${dir}/${MARKS_NAME}`;
  if (findNode(disk.fs, marks, 'stat') !== undefined) disk.writeFile(marks, new Uint8Array());
  disk.remove(dir);
}
