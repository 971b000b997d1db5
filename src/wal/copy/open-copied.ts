import type { CheckpointFile } from '../../format/checkpoint-file.js';
import type { OpenRequest } from '../open-request.js';
import { judge } from '../recover/judge.js';
import { RecoveryTally } from '../report/damage.js';
import { SegmentedLog } from '../segmented-log.js';
import { listStore, type StorePaths } from '../store/store-directory.js';
import { WalCounters } from '../report/wal-counters.js';
import { superblockOf } from './read-checkpoint.js';

/** The segments that a checkpoint names, as a log for reading that ends where it was taken. Throws their damage. */
export async function openCopied(
  request: OpenRequest,
  paths: StorePaths,
  file: CheckpointFile,
): Promise<SegmentedLog> {
  const { environment, layer } = request;
  const { proven } = file;
  const tally = new RecoveryTally(() => environment.now());
  const listing = await listStore(environment.disk, paths);
  const judgement = await judge({
    disk: environment.disk,
    walDir: paths.walDir,
    superblock: superblockOf(file, paths.isWalSeparate),
    present: new Set(listing.segments ?? []),
    mark: proven,
    layer,
    readsAll: request.verifyOnOpen === 'all',
    untilLsn: proven.lsn,
    tally,
  });
  return SegmentedLog.readOnly(request, paths, judgement, tally.report('clean'), new WalCounters());
}
