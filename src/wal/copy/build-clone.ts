import type { HeldEnvironment } from '../../disk/held-disk.js';
import { syncNames } from '../../disk/durable-names.js';
import { WAL_DIRECTORY_NAME } from '../../format/names.js';
import type { StoreOrigin, Superblock } from '../../format/superblock.js';
import type { WalLayer } from '../layer.js';
import { lockStore } from '../store/lock-store.js';
import { StorePaths } from '../store/store-directory.js';
import { readSlots, SuperblockFile } from '../store/superblock-file.js';
import { buildBeside } from '../switch/build-beside.js';
import { requestBeside } from '../switch/request-beside.js';
import type { Replacement } from '../switch/older-stores.js';
import type { DirectoryInMaking } from './directory-in-making.js';

/** What a clone begins with, and how it is written. */
export interface CloneStart extends Replacement {
  readonly layer: WalLayer;
  readonly segmentBytes: number;
  /** The most to write and sync in one go; left out: what a log needs to keep up with its saves. */
  readonly pieceBytes?: number | undefined;
  /** Above every epoch that its source may have used: what the source writes on is outside the clone's run (D11). */
  readonly epoch: number;
  readonly origin: StoreOrigin;
}

/**
 * Makes a store in a directory in the making, by the code that writes every log. The superblock says `live` last, when all
 * that it relies on is synced; who calls this ends the making. Returns what it says.
 */
export async function buildClone(
  environment: HeldEnvironment,
  directory: DirectoryInMaking,
  start: CloneStart,
): Promise<Superblock> {
  const { disk } = environment;
  const { layer, segmentBytes, pieceBytes } = start;
  const paths = new StorePaths(directory.path, directory.walDir);
  if (!paths.isWalSeparate) await directory.makeInner(WAL_DIRECTORY_NAME);
  // An open that looked before the making began would make its own store here.
  const lock = await lockStore(disk, paths);
  try {
    const request = requestBeside(environment, paths, segmentBytes, layer);
    const built = await buildBeside({ ...request, zeroSyncBytes: pieceBytes }, start, start.epoch);
    await syncNames(disk, paths.walDir);
    await syncNames(disk, paths.dir);
    const { bytes } = await readSlots(lock.superblock);
    const superblock = new SuperblockFile(lock.superblock, { ...built, origin: start.origin }, bytes, 0);
    await superblock.writeBoth({});
    return superblock.current;
  } finally {
    await lock.release();
  }
}
