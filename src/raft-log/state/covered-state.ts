import type { Superblock } from '../../format/superblock.js';
import { DurableState } from './durable-state.js';

/** The state of a log that is copied: leading segments may be gone that hold only what its snapshot covers. */
export class CoveredState extends DurableState {
  override boundary(): number {
    return Math.max(super.boundary(), this.snapshotName?.index ?? 0);
  }

  override judged(superblock: Pick<Superblock, 'lineage'>): Promise<void> {
    this.coverUnknown();
    return super.judged(superblock);
  }
}
