import type { Entry } from '../../src/raft-log/contract.js';
import type { NodeId } from './members/configuration.js';

/** What every message carries. That sender and receiver are of one cluster is the host's concern. */
interface Envelope {
  /** The sender. */
  readonly from: NodeId;
  /** The receiver; others drop it. */
  readonly to: NodeId;
  /** The sender's term; for a pre-vote and its grant, the term that the sender would campaign in. */
  readonly term: number;
}

/** Identity of a snapshot. Compared by index and term. */
export interface SnapshotId {
  /** Last index it covers. */
  readonly index: number;
  /** Term of that index. */
  readonly term: number;
}

/** A snapshot and the configuration as of its index, encoded. */
export interface SnapshotHead extends SnapshotId {
  /** What `encodeConfiguration` made of the configuration. */
  readonly conf: Uint8Array;
}

/** Would you vote for me? Changes neither term nor vote at the receiver (dissertation §9.6). */
export interface PreVoteRequest extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'pre-vote';
  /** Of the sender's last entry. */
  readonly lastIndex: number;
  /** Of the sender's last entry. */
  readonly lastTerm: number;
  /** The last entry that the sender knows to be committed. A transport that does not carry it costs only time. */
  readonly commit?: number;
  /** Term of the entry at `commit`. */
  readonly commitTerm?: number;
}

/** Answer to a pre-vote. */
export interface PreVoteResponse extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'pre-vote-response';
  /** It would vote so. */
  readonly granted: boolean;
}

/** RequestVote (Raft paper, figure 2). */
export interface VoteRequest extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'vote';
  /** Of the candidate's last entry. */
  readonly lastIndex: number;
  /** Of the candidate's last entry. */
  readonly lastTerm: number;
  /** The leader asked for this election, so a recent leader is no reason to refuse it (dissertation §4.2.3). */
  readonly transfer: boolean;
}

/** Answer to a request for a vote; sent once the vote is durable. */
export interface VoteResponse extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'vote-response';
  /** The vote is the candidate's. */
  readonly granted: boolean;
}

/** AppendEntries (Raft paper, figure 2). */
export interface AppendRequest extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'append';
  /** Index of the entry right before these. */
  readonly prevIndex: number;
  /** Its term: the receiver must hold that entry, or it rejects. */
  readonly prevTerm: number;
  /** May be empty: a probe. */
  readonly entries: readonly Entry[];
  /** The leader's commit index. */
  readonly commit: number;
}

/** Answer to an append; if it accepts, sent once the entries are durable. */
export interface AppendResponse extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'append-response';
  /** Accepted: everything up to here matches the leader's log and is durable. Rejected: the `prevIndex` refused. */
  readonly index: number;
  /** Set on a rejection: the highest place where the logs may still agree, as etcd's conflict hint. */
  readonly rejected: {
    /** The place. */
    readonly hintIndex: number;
    /** Term of the follower's entry there. */
    readonly hintTerm: number;
  } | null;
}

/** A leader says that it leads. */
export interface Heartbeat extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'heartbeat';
  /** Never above what the follower is known to hold, since a heartbeat checks no log. */
  readonly commit: number;
  /** The latest read round, see read-index.ts. */
  readonly round: number;
}

/** Answer to a heartbeat. */
export interface HeartbeatResponse extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'heartbeat-response';
  /** The round of the heartbeat that it answers. */
  readonly round: number;
}

/** One piece of a snapshot (InstallSnapshot, Raft paper, figure 13). */
export interface SnapshotChunk extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'snapshot-chunk';
  /** Which snapshot it is of. */
  readonly snapshot: SnapshotHead;
  /** Where in its data the piece begins. */
  readonly offset: number;
  /** The piece. */
  readonly data: Uint8Array;
  /** The data ends here. */
  readonly isLast: boolean;
}

/** Everything before `offset` was taken; the next piece wanted begins there. */
export interface SnapshotResponse extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'snapshot-response';
  /** Which snapshot. */
  readonly snapshot: SnapshotId;
  /** One above the last byte that was taken. */
  readonly offset: number;
}

/** Start an election now (dissertation §3.10). */
export interface TimeoutNow extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'timeout-now';
}

/** A follower asks its leader for an index to read at (dissertation §6.4). */
export interface ReadIndexRequest extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'read-index';
  /** Comes back in the answer. */
  readonly requestId: string;
}

/** The leader's answer, once it knew that it led. */
export interface ReadIndexResponse extends Envelope {
  /** Tells the messages apart. */
  readonly type: 'read-index-response';
  /** Of the request. */
  readonly requestId: string;
  /** Read once everything up to here is applied. */
  readonly index: number;
}

/** Everything that servers say to each other. */
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

/** What tells the messages apart. */
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
