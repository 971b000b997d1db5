import { join } from 'node:path';
import type { Environment } from '../../disk/environment.js';
import type { DiskFile } from '../../disk/port.js';
import { segmentAsideName, SUPERBLOCK_NAME } from '../../format/names.js';
import type { WalLayer } from '../layer.js';
import { segmentPath } from '../segment/live-segment.js';
import { proveOwnName, removeName, renewDirectory, renewName, syncNames } from '../../disk/durable-names.js';
import { beginLog, newIdentity } from './begin-log.js';
import { listStore, makeDirectory, type StorePaths } from './store-directory.js';
import { SuperblockFile } from './superblock-file.js';

export interface FreshStoreRequest {
  readonly environment: Environment;
  readonly paths: StorePaths;
  readonly layer: WalLayer;
  readonly segmentBytes: number;
  /** Locked. */
  readonly superblock: DiskFile;
  /** What it holds so far: nothing, or what an unfinished making left. */
  readonly superblockBytes: Uint8Array;
  readonly onZeroed: (bytes: number) => void;
  /** Stops the filling of the first segment. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Makes an empty store, or makes one again that never said it was live and so has acknowledged nothing (R7).
 * The superblock says `live` last, when every file and name it relies on is synced.
 */
export async function makeFreshStore(request: FreshStoreRequest): Promise<SuperblockFile> {
  const { environment, paths, layer, segmentBytes, superblock } = request;
  const { disk } = environment;
  await clearLeftovers(request);
  const { storeKind } = layer;
  const end = { lastIndex: 0, lastTerm: 0 };
  const start = {
    storeKind,
    lineage: newIdentity(environment),
    epoch: 1,
    above: { lsn: 0, segment: 0 },
    end,
  };
  const how = { onStep: request.onZeroed, signal: request.signal };
  const blank = await beginLog(
    environment,
    paths,
    { ...start, state: layer.preambleState(), segmentBytes },
    how,
  );
  await syncNames(disk, paths.walDir);
  if (paths.isWalSeparate) await proveOwnName(disk, paths.walDir);
  await syncNames(disk, paths.dir);
  await proveOwnName(disk, paths.dir);
  const file = new SuperblockFile(superblock, blank, request.superblockBytes, 0);
  await file.writeBoth({});
  return file;
}

/** Removes what an earlier, unfinished making left, and renews the names that it may not have made durable. */
async function clearLeftovers({ environment, paths }: FreshStoreRequest): Promise<void> {
  const { disk } = environment;
  await makeDirectory(disk, paths.walDir);
  const { segments, spares, asides } = await listStore(disk, paths);
  for (const number of segments ?? []) await removeName(disk, segmentPath(paths.walDir, number));
  for (const number of asides) await removeName(disk, join(paths.walDir, segmentAsideName(number)));
  for (const name of spares) await removeName(disk, join(paths.walDir, name));
  await renewName(disk, paths.dir, SUPERBLOCK_NAME);
  if (!paths.isWalSeparate) await renewDirectory(disk, paths.walDir);
}
