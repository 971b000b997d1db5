import type { RecoveryReport } from '../wal/report/recovery-report.js';
import type { LogCopies } from './copies/copies-contract.js';
import type { RaftLogEvents } from './events.js';
import type { HardState } from './hard-state-contract.js';
import type { OpenedSnapshot, OpenSnapshotOptions, SnapshotData, SnapshotMeta } from './snapshot-contract.js';
import type { RaftLogHealth, RaftLogStats } from './stats.js';
import type { VerifyOptions, VerifyReport } from './verify-report.js';

export type { HardState } from './hard-state-contract.js';
export type { OpenedSnapshot, OpenSnapshotOptions, SnapshotData, SnapshotMeta } from './snapshot-contract.js';

/** One entry of the Raft log, as it is given to {@link RaftLog.save}. */
export interface Entry {
  /** Position in the log, from 1. */
  readonly index: number;
  /** Term in which a leader made it. */
  readonly term: number;
  /** The caller's own mark, 0..255, default 0 (a configuration change, for example). The log never reads it. */
  readonly kind?: number;
  /**
   * The command; length 0 is valid (a leader's no-op). Copied before `save` returns: the caller may reuse the buffer.
   * Refused on memory that other threads share or that may change its size.
   */
  readonly data: Uint8Array;
}

/** An entry read back: {@link Entry} with nothing left out. It, and its bytes, belong to the caller. */
export interface ReadEntry extends Entry {
  /** As it was given; 0 if it was left out. */
  readonly kind: number;
  /**
   * The command, held against the entry's own checksum. A view of a buffer that the entries of one call or chunk share: copy
   * it before you transfer it to another thread, or keep one entry of thousands, or it holds the memory of all.
   */
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * A change of the hard state: fields left out stay as they are, but a higher `term` without `vote` sets the vote to null,
 * since nobody has got the new term's vote yet.
 */
export type HardStateChange = Partial<HardState>;

/**
 * Changes of the small durable values, by key: bytes to be kept under it, or null for none. Others stay as they are. A key has
 * 1..64 bytes of UTF-8; at most 32 keys are held, and 4 KiB of keys and values together. Copied before `save` returns.
 */
export type StableChanges = Readonly<Record<string, Uint8Array | null>>;

/**
 * One atomic write. Inside it, truncation comes first, then entries against the log as truncated, then hard state; the
 * interlocks are judged on the outcome of all three.
 */
export interface SaveRequest {
  /**
   * Drop entries with `index >= truncateFrom`. `lastIndex + 1` drops nothing. Seldom needed: conflicting `entries` drop
   * what they replace by themselves.
   */
  readonly truncateFrom?: number;
  /** Entries in order of index, without holes; see {@link RaftLog.save} for what is skipped and what conflicts. */
  readonly entries?: readonly Entry[];
  /** What changes of the hard state. A vote and the entries that come with it may share one save. */
  readonly hardState?: HardStateChange;
  /** What changes of the small values: the committed flag of a vote, a membership, another engine's stable store. */
  readonly stable?: StableChanges;
}

/** What a save resolves to. */
export interface SaveResult {
  /** LSN of the last record this save waited for; everything up to it is on stable storage. */
  readonly lsn: number;
  /** `lastIndex` as of this save; later saves may have moved it since. */
  readonly lastIndex: number;
}

/** A snapshot of the host's own state, for {@link RaftLog.createSnapshot}. */
export interface CreateSnapshotRequest {
  /** The state is that after applying this entry: `snapshot.index < index <= lastIndex`. */
  readonly index: number;
  /** The cluster's configuration as of `index`, at most 64 KiB. Copied at the call. */
  readonly conf: Uint8Array;
  /** The state, of any size. */
  readonly data: SnapshotData;
  /** How many bytes the data must bring: more or fewer are refused, so that a stream cut short is. Default: any number. */
  readonly bytes?: number;
  /** Abandons it, also while the data is silent (`KEELSON_ABORTED`); no more once its record is queued. */
  readonly signal?: AbortSignal;
}

/** A snapshot that a leader has sent, for {@link RaftLog.installSnapshot}. */
export interface InstallSnapshotRequest {
  /** Last index it covers, above `snapshot.index`. */
  readonly index: number;
  /** Term of that index, at most the hard state's term after this call. */
  readonly term: number;
  /** The cluster's configuration as of `index`, at most 64 KiB. Copied at the call. */
  readonly conf: Uint8Array;
  /** The state, of any size. */
  readonly data: SnapshotData;
  /** How many bytes the data must bring: more or fewer are refused, so that a stream cut short is. Default: any number. */
  readonly bytes?: number;
  /** Abandons it, also while the data is silent (`KEELSON_ABORTED`); no more once its record is queued. */
  readonly signal?: AbortSignal;
  /** Changes with it, in the same record. `commit` rises to `index` whether or not it says so. */
  readonly hardState?: HardStateChange;
}

/** Options of a read. */
export interface ReadOptions {
  /**
   * Stop before the sum of `data.length` passes this; at least one entry of a range that is not empty is returned.
   * Default: no bound.
   */
  readonly bytesMax?: number;
  /** Abandons the read with `KEELSON_ABORTED`. */
  readonly signal?: AbortSignal;
}

/** Options of {@link RaftLog.entriesInMemory}. */
export type InMemoryOptions = Pick<ReadOptions, 'bytesMax'>;

/** Options of {@link RaftLog.stream} and {@link RaftLog.streamChunks}. */
export type StreamOptions = Pick<ReadOptions, 'signal'>;

/**
 * - `'open'`: all works. Also while a full disk refuses entries: see the event `no-space`.
 * - `'read-only'`: opened with `readOnly`.
 * - `'failed'`: latched. A write or a sync failed; reads go on, no save is taken, and only reopening tells what was kept.
 * - `'closed'`: `close` was called.
 */
export type LogStatus = 'open' | 'read-only' | 'failed' | 'closed';

/**
 * The view over durable plus queued saves: the log as it will be when all that was accepted is durable. For a leader that
 * sends while it writes. Never acknowledge from it, and never count this server itself by it: a crash may take it back.
 */
export interface AcceptedView {
  /** Highest index of the log with all queued saves. */
  readonly lastIndex: number;
  /** Term of {@link lastIndex}. */
  readonly lastTerm: number;
  /** The hard state with all queued saves. */
  readonly hardState: HardState;
  /** The small values with all queued saves. A copy, as {@link RaftLog.stable}. */
  readonly stable: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** As {@link RaftLog.term}, of this view. */
  term(index: number): number;
  /** As {@link RaftLog.entries}, of this view. */
  entries(from: number, until: number, options?: ReadOptions): Promise<ReadEntry[]>;
  /** As {@link RaftLog.entriesInMemory}, of this view: entries of queued saves are always in memory. */
  entriesInMemory(from: number, until: number, options?: InMemoryOptions): ReadEntry[] | null;
}

/**
 * Durable storage for one Raft server.
 *
 * **What to do, and when.** Before a vote or an acknowledgement is sent, what it promises must be in a {@link save} that
 * has resolved. Everything else follows: entries and the term they came with go into one save; a save that rejects with a
 * `caller` error or `KEELSON_NO_SPACE` left no trace, after any other the log is `failed` and reopening decides; committed
 * entries that were applied may go into {@link createSnapshot}, and what that covers may be dropped with {@link compact}.
 *
 * **Two views.** The members here show the durable view, never what a crash could take back. {@link accepted} shows it
 * with the saves that are still on their way.
 *
 * **Conventions.** Ranges are half-open, `[from, until)`. Terms are whole numbers up to 2^53 - 1, indexes up to 2^53 - 2.
 * Promises returned by members reject and are never thrown past; {@link term} and {@link entriesInMemory} throw; getters keep their last value after
 * {@link close}. Bytes returned belong to the caller, bytes handed in are copied before the call returns, and each property
 * of an object handed in is read once. Any member may be called at any time, also while others are under way. Errors are
 * `KeelsonError`, and any member may reject with `KEELSON_CLOSED` after `close`.
 *
 * @example
 * ```ts
 * import { openRaftLog } from 'keelson';
 *
 * const log = await openRaftLog({ dir: 'raft-log' });
 * await log.save({
 *   hardState: { term: 1, vote: 'node-1' },
 *   entries: [{ index: log.lastIndex + 1, term: 1, data: new TextEncoder().encode('x=1') }],
 * });
 * console.log(log.lastIndex, log.hardState.vote); // on stable storage
 * await log.close();
 * ```
 */
export interface RaftLog extends LogCopies, AsyncDisposable {
  /** Term, vote and commit index. Fresh: `{ term: 0, vote: null, commit: 0 }`. */
  readonly hardState: HardState;
  /**
   * The small values that were saved beside the log, by key. They last through snapshots, installed ones too, and compaction;
   * a repair keeps those that it can read. A copy: it belongs to the caller. Fresh: none.
   */
  readonly stable: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  /** Lowest index held; one above the compaction boundary. Fresh: 1. Rises with `compact` and `installSnapshot`. */
  readonly firstIndex: number;
  /** Highest index held; `firstIndex - 1` if the log holds no entry. Fresh: 0. Falls when entries are replaced or dropped. */
  readonly lastIndex: number;
  /** Term of {@link lastIndex}, also where that is the boundary. Fresh: 0. */
  readonly lastTerm: number;
  /** The newest snapshot, or null. A copy: its `conf` belongs to the caller. */
  readonly snapshot: SnapshotMeta | null;
  /** Every kept snapshot (`snapshotsKept`), newest first. The first is {@link snapshot}. Copies, as there. */
  readonly snapshots: readonly SnapshotMeta[];
  /** Whether the log takes saves, and if not, why. */
  readonly status: LogStatus;
  /** What the open found. */
  readonly recovery: RecoveryReport;
  /**
   * Until `commit` has reached this index, a vote that is not already held is refused (`KEELSON_UNFIT_TO_VOTE`): a repair
   * or a reset gave up what this server may have acknowledged. 0 when fit; `Infinity` when nothing bounds it.
   */
  readonly unfitUntil: number;
  /** The log with all saves that were accepted and are not durable yet. */
  readonly accepted: AcceptedView;
  /** What happens to the log, to subscribe to. What a listener throws, or rejects with, harms nothing: see `RaftLogEventMap`. */
  readonly events: RaftLogEvents;

  /**
   * **The** write: truncation, entries, hard state and small values as one atom. After a crash all of it is there, or none.
   *
   * Saves are judged, ordered and resolved in the order of the calls, each against durable plus queued state, so the next
   * may be made before this one has resolved; those of one turn of the event loop, and those that come while a write is
   * under way, share one write and one sync. Bytes are encoded before this returns.
   *
   * **The conflict rule** (Raft paper, figure 2, AppendEntries 3 and 4). Of `entries`, one that is held already with the
   * same term is skipped; the first that is held with another term drops that one and all behind it; the rest is appended.
   * So a stale, repeated or reordered request never loses a newer suffix. Entries at or below `firstIndex - 1` are covered
   * by the snapshot and skipped.
   *
   * A save that leaves nothing to write, `save({})` too, resolves when all it was judged against is durable, and fails if
   * that fails.
   *
   * @returns when it is on stable storage, and not before.
   * @throws Refused, nothing changed, now or later: `KEELSON_INVALID_ARGUMENT`, `KEELSON_TOO_LARGE` (`batchBytesMax`, or too many small values),
   *   `KEELSON_QUEUE_FULL` (`queueBytesMax`), `KEELSON_READ_ONLY`, `KEELSON_CLOSED`; `KEELSON_INDEX_GAP` (entries begin
   *   beyond `lastIndex + 1`, or have a hole), `KEELSON_UNAVAILABLE` (`truncateFrom` or `commit` beyond the end),
   *   `KEELSON_COMPACTED` (would drop what a snapshot covers), `KEELSON_ENTRY_MISMATCH` (same index and term, other bytes,
   *   where the checksum is at hand); `KEELSON_NO_SPACE`, then also every save queued behind it.
   * @throws Refused by the interlocks (`checks: 'strict'`): `KEELSON_TERM_REGRESSION`, `KEELSON_VOTE_CONFLICT`,
   *   `KEELSON_COMMIT_REGRESSION`, `KEELSON_COMMITTED_TRUNCATION`, `KEELSON_UNFIT_TO_VOTE`.
   * @throws Fate unknown until the log is opened again: `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`, `KEELSON_FENCED`,
   *   and `KEELSON_FAILED` for all that come after. Do not acknowledge, do not retry on this log.
   *
   * @example A follower that takes an AppendEntries of a new term.
   * ```ts
   * await log.save({ hardState: { term: request.term }, entries: request.entries });
   * reply({ success: true, matchIndex: request.prevIndex + request.entries.length });
   * ```
   */
  save(request: SaveRequest): Promise<SaveResult>;
  /** Short for `save({ entries })`. */
  append(entries: readonly Entry[]): Promise<SaveResult>;
  /** Short for `save({ hardState })`. */
  setHardState(change: HardStateChange): Promise<SaveResult>;
  /**
   * Short for `save({ truncateFrom })`: drops entries `>= index`. `lastIndex + 1` drops nothing; above is
   * `KEELSON_UNAVAILABLE`; at or below the snapshot or the boundary `KEELSON_COMPACTED`; at or below commit
   * `KEELSON_COMMITTED_TRUNCATION`.
   */
  truncateFrom(index: number): Promise<SaveResult>;
  /**
   * For who got `KEELSON_QUEUE_FULL`: resolves when there is room for saves again. At once if nothing waits for the disk;
   * else when the next saves have ended, well or not, and at most half of `queueBytesMax` waits. Others may be quicker to
   * fill it, so the save is tried in a loop.
   *
   * @throws `KEELSON_FAILED` once the log is latched, also while it waits; `KEELSON_READ_ONLY`, `KEELSON_CLOSED`.
   *
   * @example
   * ```ts
   * for (;;) {
   *   try {
   *     return await log.save(request);
   *   } catch (error) {
   *     if (!isKeelsonError(error, 'KEELSON_QUEUE_FULL')) throw error;
   *     await log.drained();
   *   }
   * }
   * ```
   */
  drained(): Promise<void>;

  /**
   * Term of the entry at `index`, in `[firstIndex - 1, lastIndex]`: the boundary's term is known though its entry is gone,
   * for the consistency check of AppendEntries. Synchronous; nothing is read from the disk.
   *
   * @throws `KEELSON_COMPACTED` below the boundary, `KEELSON_UNAVAILABLE` above `lastIndex`, `KEELSON_INVALID_ARGUMENT`.
   */
  term(index: number): number;
  /**
   * Reads entries `[from, until)` of the durable log, each held against its own checksum: all of them, or with `bytesMax`
   * the first ones, at least one. What one call returns is of one log, also where a conflict replaces entries meanwhile.
   *
   * @throws `KEELSON_COMPACTED` (`from < firstIndex`), `KEELSON_UNAVAILABLE` (`until > lastIndex + 1`),
   *   `KEELSON_INVALID_ARGUMENT` (`from > until`; equal is `[]`), `KEELSON_CORRUPT` naming the one entry that is damaged,
   *   `KEELSON_READ_FAILED`.
   *
   * @example What a leader sends next, at most 1 MiB of it.
   * ```ts
   * const entries = await log.entries(next, log.lastIndex + 1, { bytesMax: 1_048_576 });
   * ```
   */
  entries(from: number, until: number, options?: ReadOptions): Promise<ReadEntry[]>;
  /**
   * Reads entries `[from, until)` one after another, with bounded read-ahead. Rejects as {@link entries} does, at the first
   * step; later with `KEELSON_COMPACTED` where compaction overtook it, or `KEELSON_UNAVAILABLE` where an entry it had
   * handed out, or was to hand out next, was replaced: begin anew.
   */
  stream(from: number, until: number, options?: StreamOptions): AsyncIterable<ReadEntry>;
  /**
   * As {@link stream}, in arrays of entries, of about 1 MiB or 4096 entries: the quickest way through a long log, since
   * each step of an asynchronous iteration costs as much as some entries. The next array is read while the last one is
   * worked on. No array is empty.
   */
  streamChunks(from: number, until: number, options?: StreamOptions): AsyncIterable<ReadEntry[]>;
  /**
   * Entries `[from, until)` of the durable log, now and without the disk; null if any of them is not among the newest
   * that are kept in memory (`recentBytes`): then {@link entries} has them. For engines whose storage is synchronous.
   * `bytesMax` as there.
   *
   * @throws `KEELSON_COMPACTED`, `KEELSON_UNAVAILABLE`, `KEELSON_INVALID_ARGUMENT` as {@link entries}; `KEELSON_CLOSED`.
   */
  entriesInMemory(from: number, until: number, options?: InMemoryOptions): ReadEntry[] | null;

  /**
   * Keeps a snapshot of the host's own state as of `index`, whose term the log knows. Drops no entry ({@link compact}
   * does); a lower `commit` rises to `index`, since what was applied was committed. The data streams into its file
   * beside the saves; snapshot operations run one at a time, in the order of the calls.
   *
   * @returns when the snapshot is on stable storage and counts.
   * @throws Judged at the call, and again when the data is there: `KEELSON_SNAPSHOT_OUT_OF_DATE` (not above
   *   `snapshot.index`), `KEELSON_UNAVAILABLE` (above `lastIndex`), `KEELSON_COMPACTED` (below the boundary of a log that
   *   was reset), `KEELSON_COMMITTED_TRUNCATION` (the entry there was replaced meanwhile), `KEELSON_TOO_LARGE` (`conf`),
   *   `KEELSON_INVALID_ARGUMENT`. Whatever the iterable throws is thrown on, that very value. Else as {@link save}.
   */
  createSnapshot(request: CreateSnapshotRequest): Promise<SnapshotMeta>;
  /**
   * Takes a snapshot that a leader sent, in one record. **What keeps the log and what replaces it:** if the log holds the
   * entry `(index, term)`, no entry is dropped; else all entries are, and the log is then empty behind the snapshot:
   * `firstIndex` is `index + 1` and `lastIndex` is `index`. `commit` rises to `index`. The snapshot that the log has already
   * (same index and term as {@link snapshot}) is not taken again: its data is let go unread, `hardState` is saved.
   *
   * @returns when the snapshot is on stable storage and counts. Put the state machine to it before the next entry.
   * @throws Judged at the call, and again when the data is there: `KEELSON_SNAPSHOT_OUT_OF_DATE` (not above
   *   `snapshot.index`, and not that very one), `KEELSON_COMMITTED_TRUNCATION` (`index <= commit`, but another term is held there),
   *   `KEELSON_TERM_REGRESSION` (`term` above the hard state's after it), `KEELSON_TOO_LARGE` (`conf`),
   *   `KEELSON_INVALID_ARGUMENT`, and the interlocks for `hardState`. Else as {@link createSnapshot}.
   */
  installSnapshot(request: InstallSnapshotRequest): Promise<SnapshotMeta>;
  /**
   * Opens the newest snapshot, or the kept one of an index; null if there is none. What is open stays readable to its end,
   * also when it is no longer kept.
   *
   * @throws `KEELSON_INVALID_ARGUMENT`, `KEELSON_MISSING_SNAPSHOT`, `KEELSON_CORRUPT`, `KEELSON_READ_FAILED`,
   *   `KEELSON_ABORTED`; on a read-only log `KEELSON_COMPACTED` where the writer has replaced it: open the log again.
   */
  openSnapshot(options?: OpenSnapshotOptions): Promise<OpenedSnapshot | null>;
  /**
   * Drops entries `<= upTo`, at most `snapshot.index`, durably, and frees the segments that hold nothing else. Already
   * done: 0. It works on a full disk, and is what ends the shortage.
   *
   * @throws `KEELSON_UNAVAILABLE` (above the snapshot, or there is none), `KEELSON_INVALID_ARGUMENT`, else as {@link save}.
   */
  compact(upTo: number): Promise<{
    /** What the freed segments held, in bytes. Some of them may be kept as spares. */
    readonly bytesFreed: number;
  }>;

  /**
   * Reads all segments and snapshots again and holds every byte that counts against its checksum. Changes nothing, and
   * saves go on beside it. Resolves to every damage, with file, offset, reason and the entries concerned.
   *
   * @throws `KEELSON_READ_FAILED`, `KEELSON_ABORTED`, `KEELSON_CLOSED`.
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  /** Counters since open. Cheap: nothing is read from the disk. */
  stats(): RaftLogStats;
  /**
   * How the disk does now: which of its calls has been under way longest, and how long recent saves took. Cheap, and to be
   * asked at any time: a leader whose disk hangs steps down (see the event `stalled`).
   */
  health(): RaftLogHealth;
  /**
   * Waits for all saves that were accepted, marks a clean end, frees the lock. A snapshot whose data still streams is
   * abandoned with `KEELSON_CLOSED`, and open snapshots end. Idempotent, and never rejects for what a save was already told.
   */
  close(): Promise<void>;
}
