/**
 * The one table of limits (D9): what is refused on write is refused on read and in recovery by the same
 * number, so that whatever was accepted can be read back, and no length read from a disk can take memory
 * beyond them.
 */
export const LIMITS = {
  /** Largest index, term, LSN: what a JavaScript number holds exactly, though the disk has room for u64. */
  integerMax: Number.MAX_SAFE_INTEGER,
  /** Smallest and largest size of a segment file, in bytes. Offsets in an index are u32, so 1 GiB is safe. */
  segmentBytesMin: 4 * 1024,
  segmentBytesMax: 1024 * 1024 * 1024,
  /** Largest frame payload in bytes; `batchBytesMax` may not be set above it. */
  frameBytesMax: 256 * 1024 * 1024,
  /** Most records in one frame. */
  frameRecordsMax: 16 * 1024 * 1024,
  /** Largest kind an entry or a caller's record may have. */
  entryKindMax: 255,
  recordKindMax: 127,
  /** Largest vote, in bytes of UTF-8. */
  voteBytesMax: 255,
  /** Largest `conf` of a snapshot, in bytes. */
  confBytesMax: 64 * 1024,
  /** Size of a snapshot's chunk, in bytes of data. */
  snapshotChunkBytes: 256 * 1024,
  snapshotsKeptMax: 1000,
  /** Most bytes that may wait for the disk. */
  queueBytesMax: 1024 * 1024 * 1024,
} as const;
