import type { Superblock } from '../format/superblock.js';
import type { LogRequest } from './log-request.js';
import { judge, type Extent, type Judgement } from './recover/judge.js';
import { RecoveryTally } from './report/damage.js';
import { SegmentedLog } from './segmented-log.js';

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
  request: LogRequest,
  superblock: Superblock,
  extent: Extent,
): Promise<{ readonly judgement: Judgement; readonly tally: RecoveryTally }> {
  const tally = new RecoveryTally(() => request.environment.now());
  return { judgement: await judge(request, { superblock, tally, ...extent }), tally };
}
