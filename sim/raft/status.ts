import type { Configuration, NodeId } from './members/configuration.js';
import type { ProgressState } from './replicate/progress.js';
import type { Role, Server, StorageState } from './host/server.js';

/** How a leader sees one member. */
export interface MemberStatus {
  /** Everything up to here it surely holds, durably. */
  readonly match: number;
  /** The next entry to send it. */
  readonly next: number;
  /** How it is being sent to. */
  readonly state: ProgressState;
}

/** A server at one moment, for people, metrics and checks. */
export interface RaftStatus {
  /** This server. */
  readonly id: NodeId;
  /** The latest term it has seen. */
  readonly term: number;
  /** Who got its vote in that term. */
  readonly vote: NodeId | null;
  /** What it is in that term. */
  readonly role: Role;
  /** Who leads, as far as it knows. */
  readonly leader: NodeId | null;
  /** Known to be committed. */
  readonly commit: number;
  /** Taken by the state machine. */
  readonly applied: number;
  /** What the Raft holds in memory may be ahead of what is durable. */
  readonly firstIndex: number;
  /** Its last entry, durable or not. */
  readonly lastIndex: number;
  /** Term of {@link lastIndex}. */
  readonly lastTerm: number;
  /** Everything up to here is durable here. */
  readonly durableIndex: number;
  /** Who takes part, as of `applied`. */
  readonly configuration: Configuration;
  /** Whether its log takes entries. */
  readonly storageState: StorageState;
  /** Its log may have lost what it acknowledged; see `RaftStorage.unfitToVote`. */
  readonly unfitToVote: boolean;
  /** To whom it is handing leadership; of a leader. */
  readonly transferee: NodeId | null;
  /** Of a leader; else empty. */
  readonly members: ReadonlyMap<NodeId, MemberStatus>;
}

export function statusOf(server: Server): RaftStatus {
  const { id, term, vote, role, leader, log, applying, configuration, storageState, transferee } = server;
  return {
    id,
    term,
    vote,
    role,
    leader,
    commit: log.commit,
    applied: applying.applied,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    lastTerm: log.lastTerm,
    durableIndex: log.durableIndex,
    configuration,
    storageState,
    unfitToVote: server.options.storage.unfitToVote,
    transferee,
    members: server.progress.size === 0 ? NONE : membersOf(server),
  };
}

/** Asked for after every step, and nearly always of no leader. */
const NONE: ReadonlyMap<NodeId, MemberStatus> = new Map<NodeId, MemberStatus>();

function membersOf(server: Server): Map<NodeId, MemberStatus> {
  const members = new Map<NodeId, MemberStatus>();
  for (const [member, { match, next, state }] of server.progress) members.set(member, { match, next, state });
  return members;
}
