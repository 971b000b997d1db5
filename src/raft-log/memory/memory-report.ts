import type { RecoveryReport } from '../../wal/inside.js';
import type { MemoryMedium } from './memory-queue.js';

/** What an open of memory finds: nothing can be amiss. */
export function reportOf(medium: MemoryMedium): RecoveryReport {
  return Object.freeze({
    verdict: medium.epoch === 1 ? 'fresh' : 'clean',
    segments: 0,
    batches: 0,
    entries: 0,
    lastLsn: medium.lastLsn,
    epoch: medium.epoch,
    cut: null,
    damage: null,
    rebuilt: [],
    snapshotFallback: null,
    sparse: null,
    quarantined: [],
    strays: [],
    readBytes: 0,
    ms: 0,
  });
}
