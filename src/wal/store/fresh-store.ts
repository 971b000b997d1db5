import { join } from 'node:path';
import type { Disk, DiskFile } from '../../disk/port.js';
import { SUPERBLOCK_NAME } from '../../format/names.js';
import type { LogRequest } from '../log-request.js';
import { proveOwnName, removeName, renewDirectory, renewName, syncNames } from '../../disk/durable-names.js';
import { beginLog, newIdentity } from './begin-log.js';
import { listStore, makeDirectory, type StorePaths } from './store-directory.js';
import { SuperblockFile } from './superblock-file.js';

/**
 * Makes an empty store, or makes one again that never said it was live and so has acknowledged nothing (R7).
 * The superblock says `live` last, when every file and name it relies on is synced.
 *
 * @param superblock locked
 * @param superblockBytes what it holds so far: nothing, or what an unfinished making left
 * @param onZeroed told of zeros as they are written
 */
export async function makeFreshStore(
  { environment, paths, layer, segmentBytes, signal }: LogRequest,
  superblock: DiskFile,
  superblockBytes: Uint8Array,
  onZeroed: (bytes: number) => void,
): Promise<SuperblockFile> {
  const { disk } = environment;
  await clearLeftovers(disk, paths);
  const start = {
    storeKind: layer.storeKind,
    lineage: newIdentity(environment),
    epoch: 1,
    above: { lsn: 0, segment: 0 },
    end: { lastIndex: 0, lastTerm: 0 },
    state: layer.preambleState(),
    segmentBytes,
  };
  const blank = await beginLog(environment, paths, start, { onStep: onZeroed, signal });
  await syncNames(disk, paths.walDir);
  if (paths.isWalSeparate) await proveOwnName(disk, paths.walDir);
  await syncNames(disk, paths.dir);
  await proveOwnName(disk, paths.dir);
  const file = new SuperblockFile(superblock, blank, superblockBytes, 0);
  await file.writeBoth({});
  return file;
}

/** Removes what an earlier, unfinished making left, and renews the names that it may not have made durable. */
async function clearLeftovers(disk: Disk, paths: StorePaths): Promise<void> {
  await makeDirectory(disk, paths.walDir);
  const { segments, spares, asides } = await listStore(disk, paths);
  for (const number of segments) await removeName(disk, paths.segment(number));
  for (const number of asides) await removeName(disk, paths.aside(number));
  for (const name of spares) await removeName(disk, join(paths.walDir, name));
  await renewName(disk, paths.dir, SUPERBLOCK_NAME);
  if (!paths.isWalSeparate) await renewDirectory(disk, paths.walDir);
}
