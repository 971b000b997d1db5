/** What holds bytes of a store. */
export type SpaceHolderKind =
  /** Segments with entries behind the snapshot, and the one that takes saves. */
  | 'entries'
  /** Segments whose entries the snapshot covers. */
  | 'covered-entries'
  /** Segments that a checkpoint or an archiver keeps, and nothing else; a snapshot that was replaced while it is open. */
  | 'pin'
  | 'newest-snapshot'
  | 'older-snapshots'
  | 'spares'
  | 'quarantine';

/** Who holds how much of the disk, and what would free it. */
export interface SpaceHolder {
  /** What the bytes are. */
  readonly kind: SpaceHolderKind;
  /** Of a pin: who holds it. Else as `kind`. */
  readonly holder: string;
  /** Bytes of files. */
  readonly bytes: number;
  /** Of a pin: for how long, in milliseconds; null for all else. */
  readonly ageMs: number | null;
  /** What gives the bytes back, in words. */
  readonly frees: string;
}

/** Who holds the space of a log. */
export interface LogSpace {
  /** Those that hold anything, the one that holds most first. */
  readonly holders: readonly SpaceHolder[];
  /** Of all of them. A segment that two pins keep is in it twice. */
  readonly bytes: number;
  /** On the file system of the segments. */
  readonly freeBytes: number;
}

/** A segment that takes no record any more, for an archiver. */
export interface SealedSegmentFile {
  /** As in its name. */
  readonly number: number;
  /** LSN of its first record. */
  readonly firstLsn: number;
  /** LSN of its last record: what to ask from the next time. */
  readonly lastLsn: number;
  /** Its name without its directory. */
  readonly name: string;
  /** Size of its file. */
  readonly bytes: number;
  /** Its bytes, in pieces that belong to the caller; to be read before the next segment is asked for. */
  data(): AsyncIterable<Uint8Array>;
}
