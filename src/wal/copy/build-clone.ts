import { syncNames } from '../../disk/durable-names.js';
import { WAL_DIRECTORY_NAME } from '../../format/names.js';
import type { StoreOrigin, Superblock } from '../../format/superblock.js';
import type { OpenRequest } from '../open-request.js';
import { lockStore } from '../store/lock-store.js';
import { StorePaths } from '../store/store-directory.js';
import { readSlots, SuperblockFile } from '../store/superblock-file.js';
import { buildBeside } from '../switch/build-beside.js';
import type { Replacement } from '../switch/older-stores.js';
import type { DirectoryInMaking } from './directory-in-making.js';

/** What a clone begins with. */
export interface CloneStart extends Replacement {
  /** Above every epoch that its source may have used: what the source writes on is outside the clone's run (D11). */
  readonly epoch: number;
  readonly origin: StoreOrigin;
}

/**
 * Makes a store in a directory in the making, by the code that writes every log. The superblock says `live` last, when all
 * that it relies on is synced; who calls this ends the making. Returns what it says.
 */
export async function buildClone(
  request: OpenRequest,
  directory: DirectoryInMaking,
  start: CloneStart,
): Promise<Superblock> {
  const { disk } = request.environment;
  const paths = new StorePaths(directory.path, directory.walDir);
  if (!paths.isWalSeparate) await directory.makeInner(WAL_DIRECTORY_NAME);
  // An open that looked before the making began would make its own store here.
  const lock = await lockStore(disk, paths);
  try {
    const built = await buildBeside(request, paths, start, start.epoch);
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
