import type { Environment } from '../disk/environment.js';
import type { RecoveryReport } from '../wal/report/recovery-report.js';
import type { RaftLogEvents } from './events.js';
import type { RaftLogStats } from './stats.js';
import type { VerifyOptions, VerifyReport } from './repair/verify-store.js';

/** One entry of the Raft log. */
export interface Entry {
  /** Position in the log, from 1. */
  readonly index: number;
  /** Term in which a leader made it. */
  readonly term: number;
  /** The caller's own mark, 0..255, default 0 (a configuration change, for example). Always set on entries read back. */
  readonly kind?: number;
  /** The command; length 0 is valid (a leader's no-op). */
  readonly data: Uint8Array;
}

/** What a Raft server must never forget (Raft paper, figure 2), and the commit index, which saves it work. */
export interface HardState {
  /** Latest term the server has seen. */
  readonly term: number;
  /** Candidate that got the vote in `term` (1..255 bytes of UTF-8), or null. */
  readonly vote: string | null;
  /** Highest index known committed. */
  readonly commit: number;
}

/** A change of the hard state: fields left out stay; a higher `term` without `vote` sets the vote to null. */
export type HardStateChange = Partial<HardState>;

/** The newest snapshot. */
export interface SnapshotMeta {
  /** Last index it covers. */
  readonly index: number;
  /** Term of that index. */
  readonly term: number;
  /** The cluster's configuration as of `index`, the caller's bytes, at most 64 KiB. */
  readonly conf: Uint8Array;
  /** Size of the data in bytes. */
  readonly bytes: number;
}

/** One atomic write: inside it, truncation comes first, then entries, then hard state. */
export interface SaveRequest {
  /** Drop entries with `index >= truncateFrom`. */
  readonly truncateFrom?: number;
  /** Entries in order of index, without holes. */
  readonly entries?: readonly Entry[];
  readonly hardState?: HardStateChange;
}

/** What a save resolves to. */
export interface SaveResult {
  /** LSN of the last record this save waited for; everything up to it is on stable storage. */
  readonly lsn: number;
  /** `lastIndex` as of this save. */
  readonly lastIndex: number;
}

/** Bytes, or a stream of them. */
export type SnapshotData = Uint8Array | AsyncIterable<Uint8Array>;

export interface CreateSnapshotRequest {
  /** `snapshot.index < index <= lastIndex`. */
  readonly index: number;
  readonly conf: Uint8Array;
  readonly data: SnapshotData;
}

export interface InstallSnapshotRequest {
  readonly index: number;
  readonly term: number;
  readonly conf: Uint8Array;
  readonly data: SnapshotData;
  readonly hardState?: HardStateChange;
}

export interface OpenedSnapshot {
  readonly meta: SnapshotMeta;
  /** The data, each chunk verified before it is handed out. */
  readonly data: AsyncIterable<Uint8Array>;
}

export interface ReadOptions {
  /** Stop before the sum of `data.length` passes this; at least one entry is returned. Default: no bound. */
  readonly bytesMax?: number;
}

export type LogStatus = 'open' | 'read-only' | 'failed' | 'closed';

/** The view over durable plus queued saves. For a leader that sends while it writes. Never acknowledge from it. */
export interface AcceptedView {
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly hardState: HardState;
  term(index: number): number;
  entries(from: number, until: number, options?: ReadOptions): Promise<Entry[]>;
}

/** Options of `openRaftLog`. An unknown option is refused. */
export interface RaftLogOptions {
  /** The directory of the log. Made if it is missing and `create` allows it; its parent must be there. */
  readonly dir: string;
  /** Directory of the segments, if they should live on another disk: beside `dir`, not in it. Default: `wal` inside `dir`. */
  readonly walDir?: string;
  /** `'never'` for production: an unmounted disk is not a fresh log. Default `'if-missing'`. */
  readonly create?: 'if-missing' | 'never';
  /** Size of a segment, 4 KiB..1 GiB. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Largest save, in encoded bytes, up to 256 MiB. Default 16 MiB. */
  readonly batchBytesMax?: number;
  /** Snapshots kept, 1..1000, the newest included. Default 2. */
  readonly snapshotsKept?: number;
  /** Where writes run. `'auto'`: inline while syncs are quick and groups small. Default `'auto'`. */
  readonly writeMode?: 'auto' | 'inline' | 'background';
  /** `'off'` for hosts that keep their hard state elsewhere. Default `'strict'`. */
  readonly checks?: 'strict' | 'off';
  /** Only read; takes no lock, changes nothing, safe beside a live writer. Default false. */
  readonly readOnly?: boolean;
  /** `'all'` also reads every sealed segment at open. Default `'tail'`. */
  readonly verifyOnOpen?: 'tail' | 'all';
  /** What to do with a store of an older format. Default `'refuse'`. */
  readonly onOlderFormat?: 'migrate' | 'refuse' | 'reset';
  /** Needed by `onOlderFormat: 'reset'`: where the emptied log stands. */
  readonly resetTo?: { readonly index: number; readonly term: number; readonly hardState?: HardState };
  /** Most bytes of saves that may wait for the disk. Default 64 MiB. */
  readonly queueBytesMax?: number;
  readonly environment?: Environment;
  /** Abandons the open: it rejects with `KEELSON_ABORTED` and frees the store. */
  readonly signal?: AbortSignal;
}

/**
 * Durable storage for one Raft server.
 *
 * Promises returned by its members reject and are never thrown past; `term` throws; getters keep their last
 * value after `close`. Reads show the durable view: never what a crash could take back.
 */
export interface RaftLog extends AsyncDisposable {
  readonly hardState: HardState;
  /** Lowest index held; one above the compaction boundary. */
  readonly firstIndex: number;
  /** Highest index held; `firstIndex - 1` if the log is empty. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly snapshot: SnapshotMeta | null;
  readonly status: LogStatus;
  readonly recovery: RecoveryReport;
  /** Until `commit` has reached this index, new votes are refused. 0 when fit; `Infinity` when unbounded. */
  readonly unfitUntil: number;
  readonly accepted: AcceptedView;
  readonly events: RaftLogEvents;

  /** The write: one atomic frame. Resolved: on stable storage. */
  save(request: SaveRequest): Promise<SaveResult>;
  append(entries: readonly Entry[]): Promise<SaveResult>;
  setHardState(change: HardStateChange): Promise<SaveResult>;
  truncateFrom(index: number): Promise<SaveResult>;

  term(index: number): number;
  entries(from: number, until: number, options?: ReadOptions): Promise<Entry[]>;
  stream(from: number, until: number): AsyncIterable<Entry>;

  createSnapshot(request: CreateSnapshotRequest): Promise<SnapshotMeta>;
  installSnapshot(request: InstallSnapshotRequest): Promise<SnapshotMeta>;
  openSnapshot(): Promise<OpenedSnapshot | null>;
  compact(upTo: number): Promise<{ readonly bytesFreed: number }>;

  /**
   * Reads all segments and snapshots again and holds every byte that counts against its checksum. Changes nothing, and
   * saves go on beside it. Resolves to every damage, with file, offset, reason and the entries concerned.
   * Rejects: `KEELSON_READ_FAILED`, `KEELSON_ABORTED`, `KEELSON_CLOSED`.
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>;
  stats(): RaftLogStats;
  close(): Promise<void>;
}
