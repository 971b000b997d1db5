/** Names one snapshot beyond doubt: what the log's records say of it. */
export interface SnapshotRef {
  readonly index: number;
  readonly term: number;
  /** The file's checksum (u32), which covers its header and the checksums of all its chunks. */
  readonly checksum: number;
}

/** What a snapshot is, read from its file. */
export interface SnapshotFileMeta {
  readonly index: number;
  readonly term: number;
  readonly conf: Uint8Array<ArrayBuffer>;
  /** Size of the data in bytes. */
  readonly bytes: number;
}

/** A snapshot whose head and end were read. */
export interface NamedSnapshot {
  readonly ref: SnapshotRef;
  readonly meta: SnapshotFileMeta;
}

/** A published snapshot as its name tells it; nothing of the file was read. */
export interface PublishedSnapshot {
  readonly index: number;
  readonly term: number;
  readonly path: string;
}
