import type { FrameStore } from '../log-store.js';
import type { RaftLogStats } from '../stats.js';
import type { FrameCounts } from './frame-queue.js';

/** The counters of a log, as of now. */
export function statsOf(frames: FrameStore, counts: FrameCounts, queuedSaves: number): RaftLogStats {
  const { groups, syncs, frameBytes, zeroFillBytes, rotations, segmentsRecycled, syncMs } = frames.counters;
  const { endMarksFailed, sparseBytes } = frames.counters;
  return {
    saves: counts.saves,
    entries: counts.entries,
    payloadBytes: counts.payloadBytes,
    groups,
    syncs,
    frameBytes,
    zeroFillBytes,
    rotations,
    segmentsRecycled,
    segmentsLive: frames.segmentCount,
    queuedSaves: queuedSaves,
    queuedBytes: frames.queuedBytes,
    syncMs: syncMs.summary(),
    endMarksFailed,
    sparseBytes,
  };
}
