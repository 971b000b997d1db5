import { join } from 'node:path';
import type { Environment } from '../../disk/environment.js';
import type { DiskFile } from '../../disk/port.js';
import { IDENTITY_BYTES } from '../../format/identity.js';
import { segmentAsideName, segmentName, spareName, SUPERBLOCK_NAME } from '../../format/names.js';
import { NOTHING_DURABLE } from '../../format/position.js';
import type { Superblock } from '../../format/superblock.js';
import { closeFile } from '../../disk/close-file.js';
import type { WalLayer } from '../layer.js';
import { segmentPath } from '../segment/live-segment.js';
import { makeFailed, makeZeroedFile, writeSegmentHeader } from '../segment/make-segment.js';
import { proveOwnName, removeName, renewDirectory, renewName, syncNames } from '../../disk/durable-names.js';
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

/** Random bytes from the environment. */
export function newIdentity(environment: Environment): Uint8Array {
  const identity = new Uint8Array(IDENTITY_BYTES);
  environment.fillRandom(identity);
  return identity;
}

/**
 * Makes an empty store, or makes one again that never said it was live and so has acknowledged nothing (R7).
 * The superblock says `live` last, when every file and name it relies on is synced.
 */
export async function makeFreshStore(request: FreshStoreRequest): Promise<SuperblockFile> {
  const { environment, paths, superblock } = request;
  const { disk } = environment;
  await clearLeftovers(request);
  const lineage = newIdentity(environment);
  await makeFirstSegment(request, lineage);
  await syncNames(disk, paths.walDir);
  if (paths.isWalSeparate) await proveOwnName(disk, paths.walDir);
  await syncNames(disk, paths.dir);
  await proveOwnName(disk, paths.dir);
  const blank: Superblock = {
    generation: 0,
    lineage,
    storeId: newIdentity(environment),
    origin: 'made',
    storeKind: request.layer.storeKind,
    epoch: 1,
    nonce: newIdentity(environment),
    fenceEpoch: 1,
    fenceLsn: 1,
    firstSegment: 1,
    newestSegment: 1,
    proven: NOTHING_DURABLE,
    isLive: true,
    isCleanEnd: false,
    isWalSeparate: paths.isWalSeparate,
  };
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

async function makeFirstSegment(request: FreshStoreRequest, lineage: Uint8Array): Promise<void> {
  const { environment, paths, segmentBytes, layer } = request;
  const path = join(paths.walDir, spareName(1));
  const file = await makeZeroedFile(environment, path, segmentBytes, {
    onStep: request.onZeroed,
    signal: request.signal,
  });
  try {
    await writeSegmentHeader(file, {
      lineage,
      identity: newIdentity(environment),
      number: 1,
      segmentBytes,
      firstLsn: 1,
      chain: 0,
      epoch: 1,
      durable: NOTHING_DURABLE,
      end: { lastIndex: 0, lastTerm: 0 },
      state: layer.preambleState(),
    });
    await environment.disk.rename(path, join(paths.walDir, segmentName(1)));
  } catch (error) {
    throw makeFailed(path, error);
  } finally {
    await closeFile(file);
  }
}
