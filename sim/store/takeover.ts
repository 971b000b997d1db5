import { KeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { Finding } from '../oracle/finding.js';
import type { SimulatedProcess } from '../disk/simulated-process.js';
import type { SaveOp } from '../plan/plan.js';
import { Random, subSeed } from '../world/random.js';
import { pass, settled } from './settled.js';
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
  await goOnAsPredecessor(scene, { log, process: old, pending }, new Random(subSeed(seed, 'predecessor')));
  await Promise.all(pending);
  // Its death takes its open files along; what it had under way is torn.
  old.kill();
}

interface Predecessor {
  readonly log: RaftLog;
  readonly process: SimulatedProcess;
  readonly pending: readonly Promise<void>[];
}

/** Virtual milliseconds in which each timer of a log has fired once. */
const TIMERS_MS = 50;

async function goOnAsPredecessor(
  scene: Scene,
  { log, process: { id: processId }, pending }: Predecessor,
  random: Random,
): Promise<void> {
  // One that has nothing left to save closes: a clean end is not its own to mark any more, nor a seal to leave.
  const isEnding = random.chance(0.3);
  if (random.chance(0.6)) {
    await Promise.all(pending);
    // A look that was stuck since before the other had come leaves the change behind it as free as it was then.
    if (scene.disk.counters['call-stuck'] === 0) scene.replaced = processId;
    await pass(scene, TIMERS_MS);
    if (!isEnding && random.chance(0.4)) await takeAsPredecessor(log);
  }
  if (isEnding) await log.close();
  else await saveAsPredecessor(scene, log, random.chance(0.6) ? scene.plan.config.segmentBytes : 0);
  scene.replaced = null;
}

/** Its fence stands in the way, and then the log has failed. */
async function takeAsPredecessor(log: RaftLog): Promise<void> {
  const { lastIndex: index } = log;
  await log.createSnapshot({ index, conf: new Uint8Array(), data: new Uint8Array(9) }).catch(() => undefined);
}

/** A writer that was replaced must not acknowledge, whatever it is asked to save: also what needs a segment of its own. */
async function saveAsPredecessor(scene: Scene, log: RaftLog, entryBytes: number): Promise<void> {
  const { lastIndex, hardState } = log.accepted;
  const term = hardState.term + 1;
  const entries = [{ index: lastIndex + 1, term, data: new Uint8Array(entryBytes) }];
  try {
    await log.save({ hardState: { term, vote: 'predecessor' }, ...(entryBytes > 0 && { entries }) });
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
