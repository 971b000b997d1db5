import type { Superblock } from '../../format/superblock.js';
import type { OpenRequest } from '../open-request.js';
import { judge } from '../recover/judge.js';
import { RecoveryTally } from '../report/damage.js';
import { SegmentedLog } from '../segmented-log.js';
import type { StorePaths } from '../store/store-directory.js';
import { WalCounters } from '../write/wal-counters.js';

/** A run of frames that replay can begin at, up to its last LSN. */
export interface Stretch {
  readonly storeId: Uint8Array | null;
  /** What is known of where the present epoch began. */
  readonly superblock: Pick<Superblock, 'fenceEpoch' | 'fenceLsn'> | null;
  readonly fromSegment: number;
  readonly toSegment: number;
  readonly lastLsn: number;
}

/** The stretch as a log of its own, for reading: as if the store began and ended with it. Throws its damage. */
export async function openStretch(
  request: OpenRequest,
  paths: StorePaths,
  { storeId, superblock, fromSegment, toSegment, lastLsn }: Stretch,
): Promise<SegmentedLog> {
  const { environment, layer } = request;
  const tally = new RecoveryTally(() => environment.now());
  const nothing = { lsn: 0, lastIndex: 0, lastTerm: 0 };
  const judgement = await judge({
    disk: environment.disk,
    walDir: paths.walDir,
    superblock: {
      generation: 0,
      storeId: storeId ?? new Uint8Array(),
      storeKind: layer.storeKind,
      epoch: 0,
      fenceEpoch: superblock?.fenceEpoch ?? 0,
      fenceLsn: superblock?.fenceLsn ?? Infinity,
      firstSegment: fromSegment,
      newestSegment: toSegment,
      proven: nothing,
      isLive: true,
      isCleanEnd: false,
      isWalSeparate: paths.isWalSeparate,
      unfitUntil: 0,
    },
    present: new Set(Array.from({ length: toSegment - fromSegment + 1 }, (_, at) => fromSegment + at)),
    mark: nothing,
    layer,
    readsAll: false,
    untilLsn: lastLsn,
    tally,
  });
  const readOnly = { ...request, readOnly: true };
  return SegmentedLog.readOnly(readOnly, paths, judgement, tally.report('clean'), new WalCounters());
}
