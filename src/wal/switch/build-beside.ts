import { LIMITS } from '../../format/limits.js';
import { framesFrom } from '../../format/segment-header.js';
import { encodeSuperblock, SUPERBLOCK_SLOT_BYTES, type Superblock } from '../../format/superblock.js';
import { keeping } from '../../disk/close-file.js';
import { judgeAs } from '../open-as.js';
import { beginLog, newIdentity } from '../store/begin-log.js';
import { openTail } from '../recover/prove-tail.js';
import { segmentBytesHolding } from '../write/active-segment.js';
import { UNHEARD } from '../report/observer.js';
import type { OpenRequest } from '../open-request.js';
import { SegmentedLog } from '../segmented-log.js';
import { syncNames } from '../../disk/durable-names.js';
import { newestSlot, readSlots, SuperblockFile } from '../store/superblock-file.js';
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
  replacement: Replacement,
  epoch: number,
): Promise<Superblock> {
  const { environment, paths, layer } = request;
  const { walDir } = paths;
  const { above, end } = replacement;
  const lineage = replacement.lineage ?? newIdentity(environment);
  const state = await replacement.begin(lineage);
  const segmentBytes = segmentBytesHolding(framesFrom(state.length), request.segmentBytes);
  const start = { storeKind: layer.storeKind, lineage, epoch, above, end, state, segmentBytes };
  const first = await beginLog(environment, paths, start, { syncEveryBytes: request.zeroSyncBytes });
  await syncNames(environment.disk, walDir);
  const log = await openUnnamed(request, first);
  try {
    await replacement.fill(log.segmented);
  } finally {
    await log.segmented.close();
  }
  if (log.segmented.latched !== null) throw log.segmented.latched;
  return newestSlot((await readSlots(log.superblock)).slots) ?? first;
}

/** Opens the log of one empty segment that no superblock on the disk names. */
async function openUnnamed(
  request: OpenRequest,
  first: Superblock,
): Promise<{ readonly segmented: SegmentedLog; readonly superblock: SuperblockInMemory }> {
  const { paths, environment } = request;
  const extent = { present: new Set([first.firstSegment]), mark: first.proven, untilLsn: Infinity };
  const { judgement, tally } = await judgeAs(request, first, extent);
  const superblock = new SuperblockInMemory(paths.superblock);
  const slot = encodeSuperblock(first);
  for (const at of [0, 1]) superblock.write(slot, at * SUPERBLOCK_SLOT_BYTES);
  const { bytes } = await readSlots(superblock);
  const tail = await openTail(environment.disk, judgement);
  const parts = {
    lock: { superblock, files: [], release: () => Promise.resolve() },
    superblock: new SuperblockFile(superblock, first, bytes, 0),
    endMarks: null,
    tail,
  };
  // What the old store has accepted must be accepted again, whatever the limits of this open are.
  const taking = { ...request, frameBytesMax: LIMITS.frameBytesMax, observer: UNHEARD };
  const report = tally.report('fresh');
  const segmented = await keeping(tail, () =>
    SegmentedLog.open(taking, judgement, report, new WalCounters(), parts),
  );
  return { segmented, superblock };
}
