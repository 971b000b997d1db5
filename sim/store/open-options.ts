import type { RaftLogOptions } from '../../src/raft-log/options-contract.js';
import type { SimulatedProcess } from '../disk/simulated-process.js';
import { SEPARATE_WAL_DIR, type Scene } from './scene.js';

/** How a process opens the store. */
export function openOptions(scene: Scene, process: SimulatedProcess): RaftLogOptions {
  const { segmentBytes, batchBytesMax, snapshotsKept, queueBytesMax, writeMode, walDirIsSeparate } =
    scene.plan.config;
  return {
    dir: scene.dir,
    ...(walDirIsSeparate ? { walDir: SEPARATE_WAL_DIR } : {}),
    segmentBytes,
    batchBytesMax,
    snapshotsKept,
    ...(queueBytesMax === undefined ? {} : { queueBytesMax }),
    writeMode,
    recentBytes: scene.plan.config.recentBytes ?? 0,
    // A store that was open once may never be taken for a missing one.
    create: scene.wasOpened ? 'never' : 'if-missing',
    environment: process.environment,
  };
}
