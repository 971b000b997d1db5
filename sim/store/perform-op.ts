import type { RaftLog } from '../../src/raft-log/contract.js';
import { Finding } from '../oracle/finding.js';
import type { OpBody, OpKind, PlanOp } from '../plan/plan.js';
import { subSeed } from '../world/random.js';
import { issueDrawn } from './issue-save.js';
import { closeBehind } from './close-behind.js';
import { judgeLeftCopy, performCopy } from './copy-ops.js';
import { openStore } from './open-store.js';
import {
  compactBesideRead,
  performBeside,
  performRead,
  readBesideSaves,
  performReadSnapshot,
  performStream,
  checkUntouched,
  moveOn,
  readQueued,
} from './read-ops.js';
import { performRollback } from './rollback.js';
import type { Scene } from './scene.js';
import { holdingOldest } from './held-snapshot.js';
import { performCompact, performInstall, performSnapshot } from './snapshot-ops.js';
import { pass, settled } from './settled.js';
import { performHurt } from './hurt.js';
import { performMoved } from './moved.js';
import { performTakeover } from './takeover.js';
import { performTwins } from './twins.js';
import { checkClosed } from './leaks.js';

/** What is asked of a log that takes saves, or begins with another open anyway. */
const NEEDS_WRITER: ReadonlySet<OpKind> = new Set<OpKind>(['takeover', 'moved', 'reopen']);

type ReopenOp = Extract<OpBody, { kind: 'reopen' }>;

const NOTHING_UNDER_WAY: ReopenOp = { kind: 'reopen', readsAll: false };

/** Does one operation of a plan, and resolves when the fate of all that it issued is known. */
export async function performOp(scene: Scene, op: PlanOp): Promise<void> {
  const seed = subSeed(subSeed(scene.plan.seed, 'bytes'), op.id);
  await reopenIfFailed(scene, op);
  await judgeLeftCopy(scene);
  if (scene.hasEnded) return;
  switch (op.kind) {
    case 'burst':
      return performBurst(scene, op, seed);
    case 'snapshot':
      if (op.holds !== true) return performSnapshot(scene, op, seed);
      return holdingOldest(scene, () => performSnapshot(scene, op, seed));
    case 'install':
      return performInstall(scene, op, seed);
    case 'compact':
      if (op.saves === undefined) return performCompact(scene, op.share);
      return compactBesideRead(scene, op, seed);
    case 'read':
      return performRead(scene, op);
    case 'stream':
      return performStream(scene, op, seed);
    case 'read-snapshot':
      return performReadSnapshot(scene, op.share);
    case 'reopen':
      return performReopen(scene, op, seed);
    case 'beside':
      return performBeside(scene, op, seed);
    case 'copy':
      return performCopy(scene, op, seed);
    case 'rollback':
      return performRollback(scene, op, seed);
    case 'hurt':
      return performHurt(scene, op, seed);
    case 'twins':
      return performTwins(scene, seed);
    case 'takeover':
      return performTakeover(scene, op.saves, seed);
    case 'moved': {
      const { process } = scene;
      await performMoved(scene, op, seed);
      // What goes on behind a crash is another life's, and its log is not this one's to close.
      if (process.isAlive) await performReopen(scene, NOTHING_UNDER_WAY, seed);
      return;
    }
    case 'wait':
      return pass(scene, op.ms);
    case 'squeeze':
      scene.squeeze(op.freeBytes);
      return moveOn(scene, { beside: op.saves ?? [] }, seed, true);
    case 'release':
      scene.release();
      return;
    case 'append':
    case 'conflict':
    case 'resend':
    case 'truncate':
    case 'vote':
    case 'commit':
    case 'empty':
    case 'values':
    case 'mixed':
    case 'wrong':
      await issueDrawn(scene, op, seed, true);
  }
}

/** Saves that wait for none of those before them. */
async function performBurst(
  scene: Scene,
  { id, saves, gapMs, reads = false }: Extract<PlanOp, { kind: 'burst' }>,
  seed: number,
): Promise<void> {
  const issued: Promise<void>[] = [];
  const { process } = scene;
  for (const [at, save] of saves.entries()) {
    if (at > 0 && gapMs !== undefined) await pass(scene, gapMs);
    if (!process.isAlive) return;
    issued.push(issueDrawn(scene, save, subSeed(seed, at)));
    // A refusal for want of room in the queue is told at once, and what follows must know of it.
    if (scene.plan.config.queueBytesMax !== undefined) await settled();
  }
  checkUntouched(scene);
  readQueued(scene);
  if (reads) issued.push(readBesideSaves(scene, id % 2 === 0 ? 'durable' : 'accepted'));
  await Promise.all(issued);
}

/** A log that latched is met by one operation in three before it is opened again. */
async function reopenIfFailed(scene: Scene, op: PlanOp): Promise<void> {
  if (scene.openLog.status !== 'failed') return;
  const isMet = op.id % 3 === 0 && !NEEDS_WRITER.has(op.kind);
  if (!isMet) await performReopen(scene, NOTHING_UNDER_WAY, 0);
}

async function performReopen(scene: Scene, op: ReopenOp, seed: number): Promise<void> {
  const log = scene.openLog;
  const kept = log.snapshots;
  await closeBehind(scene, log, op, seed);
  checkClosed(scene, log);
  scene.log = null;
  scene.reach['closed-and-reopened'] += 1;
  for (let attempt = 1; ; attempt++) {
    if (await openStore(scene, scene.process, op.readsAll)) {
      checkStillKept(scene, kept);
      return;
    }
    if (attempt === 2) scene.faults.calm();
    if (attempt === 4) throw new Error(`${scene.by} could not reopen without faults`);
  }
}

/** What was kept still is: each can be asked for (R8). */
function checkStillKept({ by, isDamaged, log }: Scene, before: RaftLog['snapshots']): void {
  const indexes = log?.snapshots.map(({ index }) => index) ?? [];
  // A record whose fate only this open could decide may have brought a newer one.
  if (isDamaged || indexes[0] !== before[0]?.index) return;
  if (before.every(({ index }) => indexes.includes(index))) return;
  const what = `${by} shows snapshots at ${indexes.join()}, and before it was closed the log kept ${before.map(({ index }) => index).join()}`;
  throw new Finding({ oracle: 'durable-view', what });
}
