import type { Environment } from '../../disk/environment.js';
import type { CheckpointScope } from '../../format/checkpoint-file.js';
import type { HardState } from '../hard-state-contract.js';
import type { SnapshotMeta } from '../snapshot-contract.js';
import type { LogSpace, SealedSegmentFile } from '../space-contract.js';

export type { CheckpointScope } from '../../format/checkpoint-file.js';

/** What `RaftLog.checkpoint` is asked for. */
export interface CheckpointRequest {
  /**
   * - `'all'`: for when the snapshot covers every entry, else `KEELSON_UNAVAILABLE`. It names no segment, so that nothing is
   *   missed when segments are cleaned up afterwards.
   * - `'durable'`: the newest snapshot, and the segments that are needed behind it.
   */
  readonly scope: CheckpointScope;
  /** A directory that is empty or not there, outside the store's own; its parent must be there. */
  readonly to: string;
  /** Abandons it, also while it copies (`KEELSON_ABORTED`). */
  readonly signal?: AbortSignal;
}

/** A segment that a checkpoint holds. */
export interface CheckpointedSegment {
  /** As in its name. */
  readonly number: number;
  /** In the checkpoint. */
  readonly path: string;
  /** LSN of its first record. */
  readonly firstLsn: number;
  /** How much of it was copied. */
  readonly bytes: number;
}

/** What a checkpoint holds: the log as it was at one LSN. */
export interface Checkpoint {
  /** As it was asked for. */
  readonly scope: CheckpointScope;
  /** The snapshot in it; null if the log had none. */
  readonly snapshot: SnapshotMeta | null;
  /** The segments in it, oldest first; none for scope `'all'`. */
  readonly segments: readonly CheckpointedSegment[];
  /** LSN after which segments must still be replayed; for scope `'all'` the last one there is. */
  readonly replayAfter: number;
  /** Term, vote and commit as of then. */
  readonly hardState: HardState;
}

/** What becomes of the member that the source was. */
export type CloneIdentity = 'new-member' | 'same';

/** Options of {@link cloneRaftLog}. An unknown option is refused. */
export interface CloneOptions {
  /** A directory that is empty or not there, outside the source's own; its parent must be there. */
  readonly to: string;
  /** Where the source's segments are, if not in its own directory. The clone does not inherit it: see `toWalDir`. */
  readonly walDir?: string;
  /**
   * Where the clone's segments are to be, if not inside `to`: empty or not there, outside `to` and the source; its parent
   * must be there. The clone is opened with that as its `walDir`, and only so.
   */
  readonly toWalDir?: string;
  /**
   * - `'new-member'`: the term stays, the vote goes. It must join under a new member id: two servers with one vote break Raft.
   * - `'same'`: for a server that is restored and whose original is gone. It goes on under its member id, and never votes
   *   unless `wholeCluster` says so, since what the original promised after the copy is not in it.
   */
  readonly identity: CloneIdentity;
  /** With `'same'`: every member of the cluster is restored from copies of one moment, so that nobody remembers more. Default false. */
  readonly wholeCluster?: boolean;
  /** Disk, clock, timers and randomness. Default: `nodeEnvironment()`. */
  readonly environment?: Environment;
  /** Abandons it, also while it copies (`KEELSON_ABORTED`). */
  readonly signal?: AbortSignal;
}

/** What a clone is. */
export interface CloneReport {
  /** As it was asked for. */
  readonly identity: CloneIdentity;
  /** LSN at which the clone equals its source. */
  readonly sourceLsn: number;
  /** Lowest index that it holds. */
  readonly firstIndex: number;
  /** Highest index that it holds. */
  readonly lastIndex: number;
  /** Term, vote and commit of the clone. */
  readonly hardState: HardState;
  /** The snapshot that it holds; null if the source had none. */
  readonly snapshot: SnapshotMeta | null;
  /** As in `RaftLog`; `Infinity`: it never votes. */
  readonly unfitUntil: number;
  /** Segments of the source that were not there and not needed, since the snapshot covers what they held. */
  readonly skipped: readonly string[];
}

/** What a log gives away of itself, for copies, archives and the person who looks for room. */
export interface LogCopies {
  /**
   * Writes what is durable, with all saves that were accepted before the call, to a directory of its own, while saves go on:
   * the newest snapshot, linked where the file system can, and with scope `'durable'` copies of the segments that are needed
   * behind it, which the log keeps until they are copied. {@link cloneRaftLog} makes a store of it; no open takes it for one.
   * A read-only log beside a writer can be asked too.
   *
   * @returns when the checkpoint is on stable storage. A crash before that leaves none; the same call makes it again.
   * @throws `KEELSON_INVALID_ARGUMENT` (`to` is not empty), `KEELSON_UNAVAILABLE` (scope `'all'`, and the snapshot does not
   *   cover every entry; a log in memory), `KEELSON_LOCKED` (another copy is being made at `to`), `KEELSON_MISSING_SNAPSHOT`,
   *   `KEELSON_NO_SPACE`, `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`, which latch nothing; `KEELSON_READ_FAILED`,
   *   `KEELSON_ABORTED`, `KEELSON_CLOSED`, `KEELSON_FAILED`; on a read-only log `KEELSON_COMPACTED` where the writer has
   *   dropped what was copied: open the log again.
   */
  checkpoint(request: CheckpointRequest): Promise<Checkpoint>;
  /**
   * The segments that take no record any more and hold one above `lsn`, oldest first, for an archiver: none that could still
   * change. While it is run through, the log keeps those that are still to come; it ends with the last one there was at the
   * call. Ask again from the `lastLsn` of the last one.
   *
   * @throws `KEELSON_COMPACTED` (the record behind `lsn` is gone: archive a checkpoint first), `KEELSON_READ_FAILED`,
   *   `KEELSON_UNAVAILABLE` (a log in memory), `KEELSON_INVALID_ARGUMENT`, `KEELSON_CLOSED`.
   */
  segmentsSince(lsn: number): AsyncIterable<SealedSegmentFile>;
  /**
   * Who holds the space: bytes by holder, and what would free them. Looks at the files; changes nothing.
   *
   * @throws `KEELSON_READ_FAILED`, `KEELSON_UNAVAILABLE` (a log without files here), `KEELSON_CLOSED`.
   */
  space(): Promise<LogSpace>;
}
