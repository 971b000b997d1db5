import { isKeelsonError } from '../errors/index.js';
import { openRaftLog } from '../raft-log/open-raft-log.js';
import type { CliOptions } from './options.js';

/**
 * Whether a server would open the store as it is, found out by the same judgement: an open for reading writes nothing
 * and takes no lock. Null if that cannot be told now (a read failed, say).
 */
export async function opensNow({ dir, walDir }: Pick<CliOptions, 'dir' | 'walDir'>): Promise<boolean | null> {
  try {
    const log = await openRaftLog({ dir, readOnly: true, ...(walDir === null ? {} : { walDir }) });
    await log.close();
    return true;
  } catch (error) {
    return isKeelsonError(error) && error.family === 'damage' ? false : null;
  }
}
