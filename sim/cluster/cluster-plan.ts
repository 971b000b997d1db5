import type { CrashKind, CrashPoint } from '../disk/calls/call-kinds.js';
import type { DiskProfile } from '../disk/harm/profile.js';
import type { CallSelector } from '../plan/meant-call.js';
import type { CallClass } from '../plan/plan.js';

/** Version of the form of cluster plans; a corpus of another one is refused, not guessed at. */
export const CLUSTER_PLAN_VERSION = 1;

/** Options of every node's Raft: small bounds, so that each is met soon. */
export interface RaftTuning {
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly savesUnderWayMax: number;
  readonly appendBytesMax: number;
  readonly inflightCountMax: number;
  readonly inflightBytesMax: number;
  readonly recentBytesMax: number;
  readonly uncommittedBytesMax: number;
  readonly snapshotChunkBytes: number;
  readonly snapshotChunksMax: number;
}

export interface StoreTuning {
  readonly segmentBytes: number;
  readonly batchBytesMax: number;
  readonly queueBytesMax: number;
  readonly snapshotsKept: number;
  readonly writeMode: 'auto' | 'inline' | 'background';
}

/** The world and the options of its nodes. */
export interface ClusterConfig {
  /** Voters at the start, `n1`..; nodes that join later are numbered on. */
  readonly voterCount: number;
  readonly tickMs: number;
  /** Operations and faults come within this time; then all faults stop. */
  readonly spanMs: number;
  readonly raft: RaftTuning;
  readonly store: StoreTuning;
  readonly calls: DiskProfile['calls'];
  /** So many times the usual time do syncs and reads take, so that messages come meanwhile. Default 1. */
  readonly diskSlowness?: number;
  /** Its nodes' file systems copy on write: an overwrite needs room too. */
  readonly copiesOnWrite?: boolean;
  /** A node takes a snapshot each time that so many entries were applied since its last. */
  readonly snapshotEveryEntries: number;
  /** So many entries stay in the log behind a snapshot. */
  readonly keepEntries: number;
  /** Bytes put on top of each snapshot's data, so that it travels in several pieces. */
  readonly snapshotPadBytes: number;
  /** Whoever begins to send a snapshot takes a newer one, with which a transfer that has to begin anew goes on. */
  readonly snapshotsWhileSending?: boolean;
  /** What happens to a node within so long shares a round of its driver, as by `setImmediate`; 0, or none: nothing does. */
  readonly turnMs?: number;
  /** A commit index alone is written too, though the Raft does not ask for it. */
  readonly savesCommit: boolean;
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** How much slower (or, below 0, quicker) each node's clock runs; taken in turn by number of node. */
  readonly driftPercent: readonly number[];
  /** The drawn majority at the end: of so many shares of the voters beyond a bare majority. 0: a bare majority. */
  readonly survivorsShare: number;
  /** Faults may hit more than a minority: then no liveness is asked. */
  readonly isOverBudget: boolean;
}

/**
 * Which node: counted from 0 over all nodes ever made, modulo their number; null: the leader, or the first node while
 * there is none.
 */
export type NodeChoice = number | null;

/** What a client or an operator asks for. */
export type ClusterOpBody =
  /** A write of one key. */
  | { readonly kind: 'put'; readonly key: number; readonly bytes: number; readonly node: NodeChoice }
  /** A linearizable read of one key. */
  | { readonly kind: 'get'; readonly key: number; readonly node: NodeChoice }
  /** So many writes in one turn, at the leader. */
  | { readonly kind: 'burst'; readonly key: number; readonly count: number; readonly bytes: number }
  | { readonly kind: 'transfer'; readonly node: NodeChoice }
  | { readonly kind: 'campaign'; readonly node: NodeChoice }
  /** The leader is told that this node cannot be reached. */
  | { readonly kind: 'unreachable'; readonly node: NodeChoice }
  /** A node takes a snapshot and compacts now, with nothing kept behind it. */
  | { readonly kind: 'snapshot'; readonly node: NodeChoice }
  /** A new node joins, first as a learner. */
  | { readonly kind: 'grow' }
  /** A member is taken out, if three are left; its process lives on. */
  | { readonly kind: 'shrink'; readonly node: NodeChoice }
  /** A new node joins, and then a member is taken out. */
  | { readonly kind: 'swap'; readonly node: NodeChoice };

/** An operation; `id` stays when others are left out, and all that it draws comes from it. */
export type ClusterOp = ClusterOpBody & { readonly id: number; readonly atMs: number };

/** A crash of one node: at the nth call of a class from now on, or a moment later if that call does not come. */
export interface CrashPlan extends CallSelector {
  readonly how: CrashKind;
  readonly nth: number;
  readonly at: CrashPoint;
  /** Until the node starts again. */
  readonly downMs: number;
}

export type ClusterFaultBody =
  /** These links carry nothing for their own time; a link is `[from, to]`, one way. */
  | {
      readonly kind: 'cut';
      readonly links: readonly { readonly link: readonly [NodeChoice, NodeChoice]; readonly ms: number }[];
      /** So many writes come to the leader meanwhile, one a tick, if it is cut off itself: others may replace them. */
      readonly writes?: number;
    }
  /** Probabilities for each message meanwhile: lost, doubled, held back for up to `lateMs`. */
  | {
      readonly kind: 'rough';
      readonly drop: number;
      readonly duplicate: number;
      readonly late: number;
      readonly lateMs: number;
      readonly ms: number;
    }
  /** The node's process stands still; what comes in is handled afterwards. */
  | { readonly kind: 'pause'; readonly node: NodeChoice; readonly ms: number }
  /** `crashes[0]` hits now, the others the opens that follow. */
  | { readonly kind: 'crash'; readonly nodes: readonly NodeChoice[]; readonly crashes: readonly CrashPlan[] }
  /** The next node that begins to do this crashes in the midst of it. */
  | {
      readonly kind: 'crash-during';
      readonly doing: 'install' | 'snapshot' | 'compaction';
      readonly crash: CrashPlan;
    }
  /** Every node that lives crashes in the same instant. */
  | { readonly kind: 'crash-all'; readonly how: CrashKind; readonly downMs: readonly number[] }
  | {
      readonly kind: 'call';
      readonly node: NodeChoice;
      readonly what: CallFault;
      readonly on: CallClass;
      readonly of?: string;
      readonly nth: number;
    }
  /** A node's disk has so many bytes free, for a while; amid it another campaigns, so that it meets a new term. */
  | {
      readonly kind: 'squeeze';
      readonly node: NodeChoice;
      readonly freeBytes: number;
      readonly ms: number;
      readonly campaigner?: NodeChoice;
    }
  | { readonly kind: 'rot'; readonly node: NodeChoice; readonly what: 'bit-rot' | 'unreadable-sector' }
  /** A repair gives up the end of the log, and says so: the node is unfit to vote until it has caught up. */
  | {
      readonly kind: 'lose-tail';
      readonly node: NodeChoice;
      readonly keepShare: number;
      readonly downMs: number;
    }
  /** The disk is gone; later a node of a new name takes the place of its owner. */
  | { readonly kind: 'lose-disk'; readonly node: NodeChoice; readonly freshAfterMs: number };

export const CALL_FAULTS = [
  'EIO',
  'ENOSPC',
  'EMFILE',
  'short-read',
  'short-write',
  'slow',
  'stuck',
  'eviction',
] as const;
/** What happens to one call of a disk. */
export type CallFault = (typeof CALL_FAULTS)[number];

export type ClusterFault = ClusterFaultBody & { readonly id: number; readonly atMs: number };

/** A run, as data: what `runClusterPlan` does follows from it alone. */
export interface ClusterPlan {
  /** {@link CLUSTER_PLAN_VERSION}. */
  readonly version: typeof CLUSTER_PLAN_VERSION;
  /** Told from plans of one store by it. */
  readonly profile: 'cluster';
  /** From which all that is drawn while running follows: latencies, elections, what a crash leaves. */
  readonly seed: number;
  /** The nodes, their network, disks and options. */
  readonly config: ClusterConfig;
  /** What clients and operators do, in order. */
  readonly ops: readonly ClusterOp[];
  /** What befalls nodes and network, and when. */
  readonly faults: readonly ClusterFault[];
}

/** Reads a cluster plan from JSON; throws a `TypeError` if it is none of this version. */
export function parseClusterPlan(text: string): ClusterPlan {
  const plan = JSON.parse(text) as Partial<ClusterPlan> | null;
  if (plan === null || typeof plan !== 'object') throw new TypeError('a plan is an object');
  if (plan.profile !== 'cluster')
    throw new TypeError(`the plan's profile is ${String(plan.profile)}, expected cluster`);
  if (plan.version !== CLUSTER_PLAN_VERSION)
    throw new TypeError(
      `the plan is of version ${String(plan.version)}, expected ${String(CLUSTER_PLAN_VERSION)}`,
    );
  if (typeof plan.seed !== 'number' || typeof plan.config !== 'object')
    throw new TypeError('a plan has a seed and a config');
  if (!Array.isArray(plan.ops) || !Array.isArray(plan.faults))
    throw new TypeError('a plan has lists of ops and faults');
  return plan as ClusterPlan;
}
