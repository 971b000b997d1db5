import { join } from 'node:path';
import { LIMITS } from '../../format/limits.js';
import { segmentName, spareName } from '../../format/names.js';
import { framesFrom } from '../../format/segment-header.js';
import { encodeSuperblock, SUPERBLOCK_SLOT_BYTES, type Superblock } from '../../format/superblock.js';
import { closeFile } from '../../disk/close-file.js';
import { RecoveryTally } from '../report/damage.js';
import { newIdentity } from '../store/fresh-store.js';
import { judge } from '../recover/judge.js';
import { openTail } from '../recover/prove-tail.js';
import { makeFailed, makeZeroedFile, writeSegmentHeader } from '../segment/make-segment.js';
import { segmentBytesHolding } from '../write/active-segment.js';
import { UNHEARD } from '../report/observer.js';
import type { OpenRequest } from '../open-request.js';
import { SegmentedLog } from '../segmented-log.js';
import { syncNames } from '../../disk/durable-names.js';
import { type StorePaths } from '../store/store-directory.js';
import { newestSlot, readSlots, SuperblockFile, superblockPath } from '../store/superblock-file.js';
import { WalCounters } from '../report/wal-counters.js';
import type { Replacement } from './older-stores.js';
import { SuperblockInMemory } from './superblock-in-memory.js';

/**
 * Makes the segments of a log beside those of an older store, by the code that writes every log, and fills them.
 * Resolved: they and their names are durable, and nothing names them; returns the superblock that would.
 *
 * @param epoch of the new log, above every one that the old store has seen
 */
export async function buildBeside(
  request: OpenRequest,
  paths: StorePaths,
  replacement: Replacement,
  epoch: number,
): Promise<Superblock> {
  const lineage = replacement.lineage ?? newIdentity(request.environment);
  const first = await makeFirst(request, paths, replacement, lineage, epoch);
  const log = await openUnnamed(request, paths, first);
  try {
    await replacement.fill(log.segmented);
  } finally {
    await log.segmented.close();
  }
  if (log.segmented.latched !== null) throw log.segmented.latched;
  return newestSlot((await readSlots(log.superblock)).slots) ?? first;
}

async function makeFirst(
  { environment, layer, ...request }: OpenRequest,
  { walDir, isWalSeparate }: StorePaths,
  replacement: Replacement,
  lineage: Uint8Array,
  epoch: number,
): Promise<Superblock> {
  const { above, end } = replacement;
  const number = above.segment + 1;
  const state = await replacement.begin(lineage);
  const durable = { lsn: above.lsn, ...end };
  const segmentBytes = segmentBytesHolding(framesFrom(state.length), request.segmentBytes);
  const spare = join(walDir, spareName(number));
  const file = await makeZeroedFile(environment, spare, segmentBytes, {
    syncEveryBytes: request.zeroSyncBytes,
  });
  try {
    const identity = newIdentity(environment);
    const firstLsn = above.lsn + 1;
    const header = {
      lineage,
      identity,
      number,
      segmentBytes,
      firstLsn,
      chain: 0,
      epoch,
      durable,
      end,
      state,
    };
    await writeSegmentHeader(file, header);
    await environment.disk.rename(spare, join(walDir, segmentName(number)));
  } catch (error) {
    throw makeFailed(spare, error);
  } finally {
    await closeFile(file);
  }
  await syncNames(environment.disk, walDir);
  return {
    generation: 0,
    lineage,
    storeId: newIdentity(environment),
    origin: 'made',
    storeKind: layer.storeKind,
    epoch,
    nonce: newIdentity(environment),
    fenceEpoch: epoch,
    fenceLsn: above.lsn + 1,
    firstSegment: number,
    newestSegment: number,
    proven: durable,
    isLive: true,
    isCleanEnd: false,
    isWalSeparate,
  };
}

/** Opens the log of one empty segment that no superblock on the disk names. */
async function openUnnamed(
  request: OpenRequest,
  paths: StorePaths,
  first: Superblock,
): Promise<{ readonly segmented: SegmentedLog; readonly superblock: SuperblockInMemory }> {
  const { environment, layer } = request;
  const tally = new RecoveryTally(() => environment.now());
  const judgement = await judge({
    disk: environment.disk,
    walDir: paths.walDir,
    superblock: first,
    present: new Set([first.firstSegment]),
    mark: first.proven,
    layer,
    readsAll: false,
    untilLsn: Infinity,
    tally,
  });
  const superblock = new SuperblockInMemory(superblockPath(paths.dir));
  const slot = encodeSuperblock(first);
  for (const at of [0, 1]) superblock.write(slot, at * SUPERBLOCK_SLOT_BYTES);
  const { bytes } = await readSlots(superblock);
  const tail = await openTail(environment.disk, judgement);
  const segmented = await SegmentedLog.open(
    // What the old store has accepted must be accepted again, whatever the limits of this open are.
    { ...request, frameBytesMax: LIMITS.frameBytesMax, observer: UNHEARD },
    paths,
    judgement,
    tally.report('fresh'),
    new WalCounters(),
    {
      lock: { superblock, files: [], release: () => Promise.resolve() },
      superblock: new SuperblockFile(superblock, first, bytes, 0),
      endMarks: null,
      tail,
    },
  ).catch(async (error: unknown) => {
    await closeFile(tail);
    throw error;
  });
  return { segmented, superblock };
}
