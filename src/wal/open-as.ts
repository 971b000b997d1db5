import type { DurableMark } from '../format/position.js';
import type { Superblock } from '../format/superblock.js';
import type { LogRequest } from './log-request.js';
import { judge, type Judgement } from './recover/judge.js';
import { RecoveryTally } from './report/damage.js';
import { SegmentedLog } from './segmented-log.js';

/** How far the log goes that is taken for one. */
interface Extent {
  /** Numbers of the segments that are there. */
  readonly present: ReadonlySet<number>;
  /** Known durable. */
  readonly mark: DurableMark;
  /** Frames that pass this LSN are left out. */
  readonly untilLsn: number;
}

/** The log that the store would have with that superblock, which need stand nowhere, for reading. Throws its damage. */
export async function openAs(
  request: LogRequest,
  superblock: Superblock,
  extent: Extent,
): Promise<SegmentedLog> {
  const { judgement, tally } = await judgeAs(request, superblock, extent);
  return new SegmentedLog(request, judgement, tally.report('clean'));
}

/** What an open would find there. */
export async function judgeAs(
  { environment, paths, layer, verifyOnOpen }: LogRequest,
  superblock: Superblock,
  extent: Extent,
): Promise<{ readonly judgement: Judgement; readonly tally: RecoveryTally }> {
  const tally = new RecoveryTally(() => environment.now());
  const readsAll = verifyOnOpen === 'all';
  const { walDir } = paths;
  return {
    judgement: await judge({ environment, walDir, superblock, layer, readsAll, tally, ...extent }),
    tally,
  };
}
