import { join } from 'node:path';
import { closeFile } from '../../disk/close-file.js';
import type { Environment } from '../../disk/environment.js';
import type { ZeroFillOptions } from '../../disk/zero-fill.js';
import { IDENTITY_BYTES } from '../../format/identity.js';
import { spareName } from '../../format/names.js';
import type { LogEnd } from '../../format/position.js';
import { UNWRITTEN_SUPERBLOCK, type StoreKind, type Superblock } from '../../format/superblock.js';
import { makeFailed, makeZeroedFile, writeSegmentHeader } from '../segment/make-segment.js';
import type { StorePaths } from './store-directory.js';

/** What a log begins with, and above what. */
export interface LogStart {
  readonly storeKind: StoreKind;
  readonly lineage: Uint8Array;
  readonly epoch: number;
  /** The highest LSN and segment number that were ever used where it begins. */
  readonly above: { readonly lsn: number; readonly segment: number };
  readonly end: LogEnd;
  /** Of its first preamble. */
  readonly state: Uint8Array;
  readonly segmentBytes: number;
}

/** Random bytes from the environment. */
export function newIdentity(environment: Environment): Uint8Array {
  const identity = new Uint8Array(IDENTITY_BYTES);
  environment.fillRandom(identity);
  return identity;
}

/**
 * Makes the first segment of a log. Resolved: it is durable but for its name, and nothing names it; returns the superblock that
 * would.
 *
 * @param how its file is filled with zeros
 */
export async function beginLog(
  environment: Environment,
  paths: StorePaths,
  start: LogStart,
  how: Omit<ZeroFillOptions, 'from' | 'until'>,
): Promise<Superblock> {
  const { storeKind, lineage, epoch, above, end, state, segmentBytes } = start;
  const number = above.segment + 1;
  const firstLsn = above.lsn + 1;
  const durable = { lsn: above.lsn, ...end };
  const spare = join(paths.walDir, spareName(number));
  const file = await makeZeroedFile(environment, spare, segmentBytes, how);
  try {
    const identity = newIdentity(environment);
    const run = { firstLsn, chain: 0, epoch, durable, end, state };
    await writeSegmentHeader(file, { lineage, identity, number, segmentBytes, ...run });
    await environment.disk.rename(spare, paths.segment(number));
  } catch (error) {
    throw makeFailed(spare, error);
  } finally {
    await closeFile(file);
  }
  return {
    ...UNWRITTEN_SUPERBLOCK,
    lineage,
    storeId: newIdentity(environment),
    storeKind,
    epoch,
    nonce: newIdentity(environment),
    fenceEpoch: epoch,
    fenceLsn: firstLsn,
    firstSegment: number,
    newestSegment: number,
    proven: durable,
    isWalSeparate: paths.isWalSeparate,
  };
}
