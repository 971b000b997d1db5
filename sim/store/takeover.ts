import { KeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { Finding } from '../oracle/finding.js';
import type { SaveOp } from '../plan/plan.js';
import { Random, subSeed } from '../world/random.js';
import { settled } from './settled.js';
import { issueSave } from './issue-save.js';
import { makeSave } from './make-save.js';
import { openStore } from './open-store.js';
import type { Scene } from './scene.js';

/**
 * The writer loses its lock and is not told; a second process opens the store while the first goes on. What the
 * first acknowledges the second must show, and from then on the first acknowledges nothing more (D11).
 */
export async function performTakeover(scene: Scene, saves: readonly SaveOp[], seed: number): Promise<void> {
  const { disk } = scene;
  const old = scene.process;
  const log = scene.openLog;
  if (!disk.loseLock(old)) return;
  scene.hasLostLock = true;
  const pending: Promise<void>[] = [];
  for (const [at, op] of saves.entries()) {
    pending.push(issueSave(scene, makeSave(op, scene.allowed.newest.state, subSeed(seed, at))));
    if (scene.plan.config.queueBytesMax !== undefined) await settled();
  }
  const successor = disk.startProcess();
  let isOpen = false;
  for (let attempt = 0; attempt < 4 && !isOpen && !scene.hasEnded; attempt++)
    isOpen = await openStore(scene, successor);
  if (!isOpen || scene.hasEnded) {
    scene.hasEnded ||= !isOpen;
    return;
  }
  scene.reach['successor-opened'] += 1;
  // One that has nothing left to save closes: a clean end is not its own to mark any more, nor a seal to leave.
  if (new Random(subSeed(seed, 'predecessor')).chance(0.3)) await log.close();
  else await saveAsPredecessor(scene, log);
  await Promise.all(pending);
  // Its death takes its open files along; what it had under way is torn.
  old.kill();
}

/** A writer that was replaced must not acknowledge, whatever it is asked to save. */
async function saveAsPredecessor(scene: Scene, log: RaftLog): Promise<void> {
  const { term } = log.accepted.hardState;
  try {
    await log.save({ hardState: { term: term + 1, vote: 'predecessor' } });
  } catch (error) {
    if (error instanceof KeelsonError && error.code === 'KEELSON_FENCED') scene.reach.fenced += 1;
    if (error instanceof KeelsonError && error.family === 'environment') return;
    if (error instanceof KeelsonError && error.code === 'KEELSON_QUEUE_FULL') return;
    throw new Finding({
      oracle: 'error-type',
      what: `a writer that lost its lock failed with ${String(error)}`,
      expected: ['KEELSON_FENCED, or another failure of the environment'],
      cause: error,
    });
  }
  const what = 'a writer acknowledged a save after its successor had opened the store';
  throw new Finding({ oracle: 'acknowledgement', what, expected: ['KEELSON_FENCED'] });
}
