import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { Finding } from '../oracle/finding.js';
import { framesIn } from '../oracle/frame-census.js';
import { Random, subSeed } from '../world/random.js';
import { openOptions } from './open-options.js';
import type { Scene } from './scene.js';

/**
 * R12: a copy of the store is opened and closed, and one bit of its last segment's frames flips, before the close or behind
 * it. A close has no bytes of its own for what it may not have read, so whichever comes first, the next open names the damage.
 */
export async function hurtCleanEnd(scene: Scene, disk: SimulatedDisk, seed: number): Promise<void> {
  const random = new Random(subSeed(seed, 'clean-end'));
  const open = (): Promise<RaftLog> => openRaftLog(openOptions(scene, disk.process));
  const log = await open();
  const path =
    disk.list().findLast((one) => one.startsWith(`${scene.walDir}/`) && one.endsWith('.wal')) ?? '';
  const frames = [...framesIn(disk.readVolatile(path) ?? new Uint8Array())];
  const isEarly = random.chance(0.5);
  if (!isEarly || frames.length === 0) await log.close();
  if (frames.length === 0) return;
  const { at, header } = random.pick(frames);
  disk.flipBit(path, at + random.below(header.headerBytes + header.payloadBytes), random.below(8));
  if (isEarly) await log.close();
  scene.reach['damage-behind-clean-end'] += 1;
  try {
    await (await open()).close();
  } catch (error) {
    if (isKeelsonError(error) && error.family === 'damage') return;
    throw error;
  }
  const when = isEarly ? 'while the log was open' : 'behind a clean end';
  const what = `in a copy at ${scene.by} a bit of ${path} flipped at ${at} ${when}, and the open behind it says nothing`;
  throw new Finding({ oracle: 'recovered-state', what, expected: scene.allowed.lines(), found: '' });
}
