/** Times in milliseconds, of the most recent 1,024 samples. */
export interface Durations {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Counters since open, and the state of the queue now. */
export interface RaftLogStats {
  readonly saves: number;
  readonly entries: number;
  readonly groups: number;
  readonly syncs: number;
  /** Bytes of frames written, headers included. */
  readonly frameBytes: number;
  /** Bytes of entry data accepted. */
  readonly payloadBytes: number;
  /** Bytes of zeros written to prepare segments. */
  readonly zeroFillBytes: number;
  readonly rotations: number;
  readonly segmentsRecycled: number;
  readonly segmentsLive: number;
  readonly queuedSaves: number;
  readonly queuedBytes: number;
  /** Duration of write and sync of a group. */
  readonly syncMs: Durations;
}
