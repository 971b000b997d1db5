import type { RaftLogOptions } from '../../src/raft-log/options-contract.js';
import type { SimulatedProcess } from '../disk/simulated-process.js';
import { SEPARATE_WAL_DIR, type Scene } from './scene.js';

/** How a process opens the store. */
export function openOptions(scene: Scene, process: SimulatedProcess): RaftLogOptions {
  const { segmentBytes, batchBytesMax, snapshotsKept, queueBytesMax, writeMode, walDirIsSeparate } =
    scene.plan.config;
  return {
    dir: scene.dir,
    segmentBytes,
    batchBytesMax,
    snapshotsKept,
    writeMode,
    recentBytes: scene.plan.config.recentBytes ?? 0,
    // A store that was open once may never be taken for a missing one.
    create: scene.wasOpened ? 'never' : 'if-missing',
    environment: process.environment,
    // What a caller may want otherwise stands here too: what is put behind a spread costs each object a shape of its own.
    readOnly: false,
    verifyOnOpen: 'tail',
    ...(walDirIsSeparate && { walDir: SEPARATE_WAL_DIR }),
    ...(queueBytesMax !== undefined && { queueBytesMax }),
  };
}
