/** What a snapshot is, without its data. */
export interface SnapshotMeta {
  /** Last index it covers. */
  readonly index: number;
  /** Term of that index. */
  readonly term: number;
  /** The cluster's configuration as of `index`, the caller's bytes, at most 64 KiB. The caller's own copy. */
  readonly conf: Uint8Array<ArrayBuffer>;
  /** Size of the data in bytes. */
  readonly bytes: number;
}

/**
 * The data of a snapshot: bytes, copied at the call, or an async iterable of them, which is pulled one piece at a time and
 * may reuse its buffer for the next. A stream belongs to the log from the call on, which ends it (`return`, or `destroy` of
 * a stream of Node) where it is not run to its end, also if the call is refused; nothing waits for that. Its code may use
 * the log, but not take another snapshot: that would wait for the one it is part of, and is `KEELSON_INVALID_ARGUMENT`.
 */
export type SnapshotData = Uint8Array | AsyncIterable<Uint8Array>;

/** Options of `openSnapshot`. */
export interface OpenSnapshotOptions {
  /** Index of a snapshot that is kept, see `log.snapshots`. Default: the newest. */
  readonly index?: number;
  /** Ends the opening and the reading with `KEELSON_ABORTED`. */
  readonly signal?: AbortSignal;
}

/**
 * A snapshot opened for reading. It stays readable, whatever becomes of it in the log, until its data was run through or it
 * is closed; so its bytes stay on the disk as long: close what is not read to its end. It ends with the log.
 *
 * @example
 * ```ts
 * const opened = await log.openSnapshot();
 * try {
 *   if (opened !== null) for await (const chunk of opened.data) send(chunk);
 * } finally {
 *   await opened?.close();
 * }
 * ```
 */
export interface OpenedSnapshot extends AsyncDisposable {
  /** Which one it is. */
  readonly meta: SnapshotMeta;
  /**
   * The data, each chunk verified before it is handed out, and the caller's to keep. To be run through once, a second run
   * is `KEELSON_INVALID_ARGUMENT`; leaving the loop early closes the snapshot. Ends with `KEELSON_CORRUPT` or
   * `KEELSON_READ_FAILED` at the first chunk that cannot be trusted, with `KEELSON_CLOSED` where it was closed meanwhile.
   */
  readonly data: AsyncIterable<Uint8Array<ArrayBuffer>>;
  /** Ends the reading and frees the file. Idempotent, never rejects. */
  close(): Promise<void>;
}
