import type { Entry } from '../../src/raft-log/contract.js';
import type { NodeId } from './configuration.js';

/** What every message carries. That sender and receiver are of one cluster is the host's concern. */
interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; for a pre-vote and its grant, the term that the sender would campaign in. */
  readonly term: number;
}

/** Identity of a snapshot. Compared by index and term. */
export interface SnapshotId {
  readonly index: number;
  readonly term: number;
}

/** A snapshot and the configuration as of its index, encoded. */
export interface SnapshotHead extends SnapshotId {
  readonly conf: Uint8Array;
}

/** Would you vote for me? Changes neither term nor vote at the receiver (dissertation §9.6). */
export interface PreVoteRequest extends Envelope {
  readonly type: 'pre-vote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The last entry that the sender knows to be committed. A transport that does not carry it costs only time. */
  readonly commit?: number;
  readonly commitTerm?: number;
}

export interface PreVoteResponse extends Envelope {
  readonly type: 'pre-vote-response';
  readonly granted: boolean;
}

/** RequestVote (Raft paper, figure 2). */
export interface VoteRequest extends Envelope {
  readonly type: 'vote';
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The leader asked for this election, so a recent leader is no reason to refuse it (dissertation §4.2.3). */
  readonly transfer: boolean;
}

export interface VoteResponse extends Envelope {
  readonly type: 'vote-response';
  readonly granted: boolean;
}

/** AppendEntries (Raft paper, figure 2). */
export interface AppendRequest extends Envelope {
  readonly type: 'append';
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}

export interface AppendResponse extends Envelope {
  readonly type: 'append-response';
  /** Accepted: everything up to here matches the leader's log and is durable. Rejected: the `prevIndex` refused. */
  readonly index: number;
  /** Set on a rejection: the highest place where the logs may still agree, as etcd's conflict hint. */
  readonly rejected: { readonly hintIndex: number; readonly hintTerm: number } | null;
}

export interface Heartbeat extends Envelope {
  readonly type: 'heartbeat';
  /** Never above what the follower is known to hold, since a heartbeat checks no log. */
  readonly commit: number;
  /** The latest read round, see read-index.ts. */
  readonly round: number;
}

export interface HeartbeatResponse extends Envelope {
  readonly type: 'heartbeat-response';
  readonly round: number;
}

/** One piece of a snapshot (InstallSnapshot, Raft paper, figure 13). */
export interface SnapshotChunk extends Envelope {
  readonly type: 'snapshot-chunk';
  readonly snapshot: SnapshotHead;
  readonly offset: number;
  readonly data: Uint8Array;
  readonly isLast: boolean;
}

/** Everything before `offset` was taken; the next piece wanted begins there. */
export interface SnapshotResponse extends Envelope {
  readonly type: 'snapshot-response';
  readonly snapshot: SnapshotId;
  readonly offset: number;
}

/** Start an election now (dissertation §3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: 'timeout-now';
}

/** A follower asks its leader for an index to read at (dissertation §6.4). */
export interface ReadIndexRequest extends Envelope {
  readonly type: 'read-index';
  readonly requestId: string;
}

export interface ReadIndexResponse extends Envelope {
  readonly type: 'read-index-response';
  readonly requestId: string;
  readonly index: number;
}

export type Message =
  | PreVoteRequest
  | PreVoteResponse
  | VoteRequest
  | VoteResponse
  | AppendRequest
  | AppendResponse
  | Heartbeat
  | HeartbeatResponse
  | SnapshotChunk
  | SnapshotResponse
  | TimeoutNow
  | ReadIndexRequest
  | ReadIndexResponse;

export type MessageType = Message['type'];

type Unsigned<M> = M extends Message ? Omit<M, 'from' | 'term'> & { readonly term?: number } : never;

/** A message before its sender's id and term are put on it. */
export type Outgoing = Unsigned<Message>;

/**
 * What must not leave before everything that the server has decided so far is durable: a vote, the request that
 * follows a vote for oneself, and every acknowledgement. The rest promises nothing about this server's disk.
 * A leader's own appends are among the rest: it sends while it writes (dissertation §10.2.1).
 */
export const WAITS_FOR_SAVE: Readonly<Record<MessageType, boolean>> = {
  vote: true,
  'vote-response': true,
  'append-response': true,
  'snapshot-response': true,
  'pre-vote': false,
  'pre-vote-response': false,
  append: false,
  heartbeat: false,
  'heartbeat-response': false,
  'snapshot-chunk': false,
  'timeout-now': false,
  'read-index': false,
  'read-index-response': false,
};
