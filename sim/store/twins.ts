import { KeelsonError } from '../../src/errors/index.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import type { SimulatedProcess } from '../disk/simulated-process.js';
import { Finding } from '../oracle/finding.js';
import { Random } from '../world/random.js';
import { openOptions } from './open-options.js';
import type { Scene } from './scene.js';
import { pass } from './settled.js';

/** What a writer was told of a save. */
interface Acknowledged {
  readonly processId: number;
  readonly epoch: number;
  readonly lsn: number;
}

/** Saves of each, one behind the other. */
const SAVES = 6;
/** Virtual milliseconds between the two: none, or so that one of them has looked, stamped or saved by then. */
const APART_MS = [0, 0, 0.5, 2, 5] as const;

/**
 * Two processes open a copy of the store at one moment, on a file system that grants both the lock. Whose bytes stand there
 * in the end no store can promise; but whoever finds itself succeeded acknowledges nothing more (D11), and no (epoch, LSN)
 * is acknowledged twice (D4).
 */
export async function performTwins(scene: Scene, seed: number): Promise<void> {
  const { allowed, other, isDamaged, hasLostLock, isFull, wasOpened } = scene;
  if (other !== null || isDamaged || hasLostLock || isFull || !wasOpened || !allowed.isSettled) return;
  const { queue, trace } = scene.disk;
  const disk: SimulatedDisk = scene.disk.fork({ seed, queue, trace });
  disk.crash('power');
  disk.fs.sharesLocks = true;
  const told: Acknowledged[] = [];
  const [first, second] = [disk.process, disk.startProcess()];
  const apartMs = new Random(seed).pick(APART_MS);
  const later = async (): Promise<void> => {
    if (apartMs > 0) await pass(scene, apartMs);
    await saveAsTwin(scene, second, told);
  };
  await Promise.all([saveAsTwin(scene, first, told), later()]);
  for (const process of [first, second]) process.kill();
  if (told.some(({ processId }) => processId !== told[0]?.processId)) scene.reach['twins-both-saved'] += 1;
  for (const [at, { processId, epoch, lsn }] of told.entries()) {
    const before = told.slice(0, at);
    const isSucceeded = before.findLastIndex((one) => one.processId === processId) < at - 1;
    const isAgain = isSucceeded && before.some((one) => one.processId === processId);
    const isTwice = before.some((one) => one.epoch === epoch && one.lsn === lsn);
    if (!isAgain && !isTwice) continue;
    const what = `in a copy at ${scene.by} two processes opened the store at one moment, and both were told that LSN ${lsn} of epoch ${epoch} or what is behind it is durable`;
    throw new Finding({ oracle: 'acknowledgement', what, found: JSON.stringify(told) });
  }
}

/** What it is told in place of an acknowledgement follows from what the other put over its bytes. */
async function saveAsTwin(scene: Scene, process: SimulatedProcess, told: Acknowledged[]): Promise<void> {
  try {
    const log = await openRaftLog({ ...openOptions(scene, process), create: 'never' });
    const { epoch } = log.recovery;
    for (let count = 0; count < SAVES; count += 1) {
      const { lsn } = await log.save({ hardState: { term: log.hardState.term + 1 } });
      told.push({ processId: process.id, epoch, lsn });
    }
  } catch (error) {
    if (!(error instanceof KeelsonError)) throw error;
  }
}
