import type { Configuration, NodeId } from './configuration.js';
import type { ProgressState } from './progress.js';
import type { Role, Server, StorageState } from './server.js';

/** How a leader sees one member. */
export interface MemberStatus {
  readonly match: number;
  readonly next: number;
  readonly state: ProgressState;
}

/** A server at one moment, for people, metrics and checks. */
export interface RaftStatus {
  readonly id: NodeId;
  readonly term: number;
  readonly vote: NodeId | null;
  readonly role: Role;
  readonly leader: NodeId | null;
  readonly commit: number;
  readonly applied: number;
  /** What the Raft holds in memory may be ahead of what is durable. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly durableIndex: number;
  readonly configuration: Configuration;
  readonly storageState: StorageState;
  readonly unfitToVote: boolean;
  readonly transferee: NodeId | null;
  /** Of a leader; else empty. */
  readonly members: ReadonlyMap<NodeId, MemberStatus>;
}

export function statusOf(server: Server): RaftStatus {
  const { id, term, vote, role, leader, log, applying, configuration, storageState, transferee } = server;
  const members = [...server.progress].map(
    ([member, { match, next, state }]) => [member, { match, next, state }] as const,
  );
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
    members: new Map(members),
  };
}
