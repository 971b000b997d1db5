/** Half-open range of log indexes. */
export interface IndexRange {
  /** The first. */
  readonly from: number;
  /** One above the last. */
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
  /**
   * Random identity of this store, as hex: files that were copied bear it too, while a clone and a restored backup have one
   * of their own. Two members of a cluster with the same one are one log under two names. `''`: no superblock was
   * read, or the log is in memory.
   */
  readonly storeId: string;
  /** Segments that hold the log. */
  readonly segments: number;
  /** Frames and entries replayed from the unsealed tail. */
  readonly batches: number;
  /** Entries in those frames. */
  readonly entries: number;
  /** LSN of the last record that was kept. */
  readonly lastLsn: number;
  /** The epoch of this opening: one above every earlier writer's. */
  readonly epoch: number;
  /** What was cut off behind the last whole save, never provably acknowledged; null if nothing was. */
  readonly cut: {
    /** The segment. */
    readonly path: string;
    /** Where the cut begins. */
    readonly offset: number;
    /** How many bytes bore this log's marks. */
    readonly bytes: number;
    /** Why they are no whole save. */
    readonly reason: string;
  } | null;
  /** The damage that the open ended with; null in the report of an opened log. */
  readonly damage: {
    /** The file. */
    readonly path: string;
    /** Byte offset in that file. */
    readonly offset: number;
    /** What was got against what was expected, in words. */
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
    /** The one that the log names. */
    readonly lost: {
      /** Its file. */
      readonly path: string;
      /** Last index it covers. */
      readonly index: number;
      /** Term of that index. */
      readonly term: number;
      /** Why it cannot be used. */
      readonly reason: string;
    };
    /** The one that stands in for it. */
    readonly used: {
      /** Last index it covers. */
      readonly index: number;
      /** Term of that index. */
      readonly term: number;
    };
  } | null;
  /**
   * The segment that takes saves came with holes where zeros had been written, as a sparse copy leaves it, and they could
   * not be filled: no room, or a disk that keeps zeros without any. While the disk is full, votes are refused as entries
   * are (A8, D7). Null: there are none.
   */
  readonly sparse: {
    /** The segment. */
    readonly path: string;
    /** How many bytes of it take no room, at most. */
    readonly bytes: number;
  } | null;
  /**
   * The end marks could not be opened for writing as the log was opened, so what it acknowledges lacks a witness until a mark
   * lands (D12); each mark tries again, and `stats().endMarksFailed` counts. Null: they could.
   */
  readonly unmarked: {
    /** The file. */
    readonly path: string;
    /** Why, in words. */
    readonly reason: string;
  } | null;
  /** Paths in quarantine of what this open copied or moved there. */
  readonly quarantined: readonly string[];
  /** Paths of what stands in the store's directories and is none of Keelson's; it was left alone. */
  readonly strays: readonly string[];
  /** Bytes read by the open. */
  readonly readBytes: number;
  /** How long the open took, in milliseconds. */
  readonly ms: number;
}
