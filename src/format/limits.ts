/**
 * The one table of limits (D9): what is refused on write is refused on read and in recovery by the same
 * number, so that whatever was accepted can be read back, and no length read from a disk can take memory
 * beyond them.
 */
export const LIMITS = {
  /** Largest number of any kind: what a JavaScript number holds exactly, though the disk has room for u64. */
  integerMax: 9_007_199_254_740_991,
  /** Largest index: one below, since where a log ends is written, too, as one above its last index. */
  indexMax: 9_007_199_254_740_990,
  /**
   * Largest number that a writer goes on from where it counts by itself (LSNs, segments, writes of the superblock and of end
   * marks), and largest epoch: far below the end of the field, so that no life, and no repair, comes to it.
   */
  countedMax: 4_503_599_627_370_496,
  /** Largest number of a segment that is read at all: who looks for those behind it counts two above it. */
  segmentNumberMax: 9_007_199_254_740_989,
  epochMax: 4_294_900_000,
  /** Smallest and largest size of a segment file, in bytes. Offsets in an index are u32, so 1 GiB is safe. */
  segmentBytesMin: 4_096,
  segmentBytesMax: 1_073_741_824,
  /** Largest frame payload in bytes; `batchBytesMax` may not be set above it. */
  frameBytesMax: 268_435_456,
  /** Most records in one frame: its count has 24 bits. */
  frameRecordsMax: 16_777_216,
  /** Most entries in one save: below that, since the frame may also carry a hard state and the like. */
  saveEntriesMax: 16_777_000,
  /** Largest kind an entry or a caller's record may have. */
  entryKindMax: 255,
  recordKindMax: 127,
  /** Largest vote, in bytes of UTF-8. */
  voteBytesMax: 255,
  /** Small durable values: how many, the longest key in bytes of UTF-8, and all keys and values together, in bytes. */
  stableKeysMax: 32,
  stableKeyBytesMax: 64,
  stableBytesMax: 4_096,
  /** Largest `conf` of a snapshot, in bytes. */
  confBytesMax: 65_536,
  /** Size of a snapshot's chunk, in bytes of data. */
  snapshotChunkBytes: 262_144,
  snapshotsKeptMax: 1000,
  /** Most bytes that may wait for the disk. */
  queueBytesMax: 1_073_741_824,
  /** Most bytes of newest entries that are kept in memory. */
  recentBytesMax: 1_073_741_824,
} as const;
