import type { Configuration, NodeId } from './members/configuration.js';
import type { RaftStorage } from './host/storage.js';

/** How a Raft server is made. Ticks are calls of `tick()`; what a tick lasts is the host's affair. */
export interface RaftOptions {
  /** This server. */
  readonly id: NodeId;
  /** What is durable; `storageOf(log)` makes it of a `RaftLog`. */
  readonly storage: RaftStorage;
  /** Uniform in [0, 1): the only randomness there is. It must differ between servers and incarnations. */
  readonly random: () => number;
  /** The configuration as of `appliedIndex`; without voters for a server that waits to be added. */
  readonly configuration: Configuration;
  /** What the host's state machine already holds: its snapshot's index. Default: `storage.firstIndex - 1`. */
  readonly appliedIndex?: number;
  /** Shortest election timeout in ticks; each is drawn from [electionTicks, 2 * electionTicks). Default 10. */
  readonly electionTicks?: number;
  /** Ticks between heartbeats, below `electionTicks`. Default 1. */
  readonly heartbeatTicks?: number;
  /**
   * Most saves that may be under way at once. Default 1: what comes up meanwhile is gathered into the next, which shares
   * one sync just as well. With more, the host must not begin a save between a refusal and `storageFailed`.
   */
  readonly savesUnderWayMax?: number;
  /** Most bytes of data in one append, and in one batch handed for applying. Default 1 MiB. */
  readonly appendBytesMax?: number;
  /** Most appends on the way to one follower. Default 64. */
  readonly inflightCountMax?: number;
  /** Most bytes of data on the way to one follower. Default 8 MiB. */
  readonly inflightBytesMax?: number;
  /** Bytes of durable entries kept in memory for followers that lag only a little. Default 8 MiB. */
  readonly recentBytesMax?: number;
  /** Most bytes proposed and not yet committed; beyond it proposals are refused. Default 32 MiB. */
  readonly uncommittedBytesMax?: number;
  /** Most reads that wait for an answer; beyond it they are refused. Default 10,000. */
  readonly readsWaitingMax?: number;
  /** Bytes of one piece of a snapshot. Default 256 KiB. */
  readonly snapshotChunkBytes?: number;
  /** Most unanswered pieces of a snapshot on the way to one follower. Default 4. */
  readonly snapshotChunksMax?: number;
}

/** The options with every default filled in. */
export type ResolvedOptions = Readonly<Required<RaftOptions>>;

const DEFAULTS = Object.freeze({
  electionTicks: 10,
  heartbeatTicks: 1,
  savesUnderWayMax: 1,
  appendBytesMax: 1024 * 1024,
  inflightCountMax: 64,
  inflightBytesMax: 8 * 1024 * 1024,
  recentBytesMax: 8 * 1024 * 1024,
  uncommittedBytesMax: 32 * 1024 * 1024,
  readsWaitingMax: 10_000,
  snapshotChunkBytes: 256 * 1024,
  snapshotChunksMax: 4,
});

/** Fills in the defaults; throws a `RangeError` that names an option that is no positive integer or does not fit. */
export function resolveOptions(options: RaftOptions): ResolvedOptions {
  const boundary = options.storage.firstIndex - 1;
  const resolved = { ...DEFAULTS, appliedIndex: boundary, ...options };
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    if (!Number.isSafeInteger(resolved[name]) || resolved[name] < 1) {
      throw new RangeError(`${name} must be an integer of at least 1, got ${String(resolved[name])}`);
    }
  }
  if (resolved.heartbeatTicks >= resolved.electionTicks) {
    throw new RangeError(
      `heartbeatTicks must be below electionTicks (${String(resolved.electionTicks)}), got ${String(resolved.heartbeatTicks)}`,
    );
  }
  if (resolved.appliedIndex < boundary || resolved.appliedIndex > options.storage.lastIndex) {
    throw new RangeError(
      `appliedIndex must be in ${String(boundary)}..${String(options.storage.lastIndex)}, the log's range, got ${String(resolved.appliedIndex)}`,
    );
  }
  return Object.freeze(resolved);
}
