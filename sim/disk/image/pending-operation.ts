/** Where a write lands when the device sends it astray. */
export interface WrongPlace {
  readonly ino: number;
  readonly position: number;
}

/**
 * One change of a file's data or size that no sync has made durable yet. What it holds never changes, so
 * copies of a disk share it.
 */
export interface PendingOperation {
  /** Place in the order of all changes of the disk. */
  readonly sequence: number;
  /** Where `bytes` belong: the start of a sector. */
  readonly position: number;
  /** Whole sectors as they were after the change; null if only the size changed. */
  readonly bytes: Uint8Array | null;
  /** Size of the file after the change. */
  readonly sizeAfter: number;
  /** For a truncation: all from here on became zeros. Else null. */
  readonly clearedFrom: number | null;
  /** The bytes `[from, until)` that the caller wrote, for the record of what was durable. */
  readonly from: number;
  readonly until: number;
  readonly wrongPlace: WrongPlace | null;
}
