/** Half-open range of log indexes. */
export interface IndexRange {
  readonly from: number;
  readonly until: number;
}

/** What an open found, as data. A damage error carries the same in `details.recovery`. */
export interface RecoveryReport {
  /**
   * - `'fresh'`: there was no log; an empty one was made.
   * - `'clean'`: nothing lay behind the last whole save.
   * - `'torn-tail'`: bytes behind it, never provably acknowledged, were cut off.
   * - `'damaged'`: only in reports that a damage error carries.
   */
  readonly verdict: 'fresh' | 'clean' | 'torn-tail' | 'damaged';
  readonly segments: number;
  /** Frames and entries replayed from the unsealed tail. */
  readonly batches: number;
  readonly entries: number;
  readonly lastLsn: number;
  readonly epoch: number;
  readonly cut: {
    readonly path: string;
    readonly offset: number;
    readonly bytes: number;
    readonly reason: string;
  } | null;
  readonly damage: {
    readonly path: string;
    readonly offset: number;
    readonly reason: string;
    /** Entries that cannot be read. */
    readonly entries: IndexRange;
    /** Entries behind the damage that are whole. */
    readonly intact: readonly IndexRange[];
  } | null;
  /** Paths rebuilt from their twin: superblock slots. */
  readonly rebuilt: readonly string[];
  /**
   * An older snapshot stands in for the one that the log names, which is missing or damaged (R8); null if none had to.
   * The log itself is whole. A new snapshot ends it.
   */
  readonly snapshotFallback: {
    readonly lost: {
      readonly path: string;
      readonly index: number;
      readonly term: number;
      readonly reason: string;
    };
    readonly used: { readonly index: number; readonly term: number };
  } | null;
  /** Paths in quarantine of what this open copied or moved there. */
  readonly quarantined: readonly string[];
  readonly readBytes: number;
  readonly ms: number;
}
