import type { CallUnderWay } from '../disk/disk-watch.js';
import type { Durations } from '../wal/report/wal-counters.js';

/** Counters since open, and the state of the queue now. */
export interface RaftLogStats {
  /** Saves accepted. */
  readonly saves: number;
  /** Entries accepted. */
  readonly entries: number;
  /** Groups of saves written, each with one write. */
  readonly groups: number;
  /** Syncs of segments for groups. */
  readonly syncs: number;
  /** Bytes of frames written, headers included. */
  readonly frameBytes: number;
  /** Bytes of entry data accepted. */
  readonly payloadBytes: number;
  /** Bytes of zeros written to prepare segments. */
  readonly zeroFillBytes: number;
  /** Segments that took over from a full one. */
  readonly rotations: number;
  /** Of these, made of a segment that compaction freed. */
  readonly segmentsRecycled: number;
  /** Segments that hold the log now. */
  readonly segmentsLive: number;
  /** Saves that wait for the disk now. */
  readonly queuedSaves: number;
  /** Their bytes, held against `queueBytesMax`. */
  readonly queuedBytes: number;
  /** Duration of write and sync of a group. */
  readonly syncMs: Durations;
  /**
   * End marks that could not be written. While none lands, damage to the newest groups may pass for a tear of groups that
   * were never acknowledged (R5, D12).
   */
  readonly endMarksFailed: number;
  /** Bytes of the present segment that take no room on the disk, as its open found: see `recovery.sparse`. */
  readonly sparseBytes: number;
}

/** How the disk does now. */
export interface RaftLogHealth {
  /** The call of the disk that has been under way longest; null if none is. */
  readonly oldestCall: CallUnderWay | null;
  /** Duration of write and sync of a group. */
  readonly syncMs: Durations;
}
