export {
  type ConfChange,
  type Configuration,
  decodeConfiguration,
  encodeConfiguration,
  NO_CONFIGURATION,
  type NodeId,
} from './members/configuration.js';
export { ENTRY_KIND } from './replicate/entries.js';
export { RaftInvariantError } from './invariant.js';
export type { ChangeRefusal } from './members/membership.js';
export {
  type AppendRequest,
  type AppendResponse,
  type Heartbeat,
  type HeartbeatResponse,
  type Message,
  type MessageType,
  type PreVoteRequest,
  type PreVoteResponse,
  type ReadIndexRequest,
  type ReadIndexResponse,
  type SnapshotChunk,
  type SnapshotHead,
  type SnapshotId,
  type SnapshotResponse,
  type TimeoutNow,
  type VoteRequest,
  type VoteResponse,
  WAITS_FOR_SAVE,
} from './messages.js';
export type { RaftOptions } from './options.js';
export type { LogRead, ReadState, SnapshotRead } from './host/outbox.js';
export { OutgoingSnapshots } from './snapshots/outgoing-snapshots.js';
export type { ProgressState } from './replicate/progress.js';
export { type Proposal, type ProposalRefusal, Raft } from './raft.js';
export { RaftDriver, type RaftDriverParts, type RaftHost } from './host/raft-driver.js';
export type { Ready, ReadySave } from './host/ready.js';
export type { Role, StorageState } from './host/server.js';
export type { SnapshotPiece } from './snapshots/snapshot-transfer.js';
export type { MemberStatus, RaftStatus } from './status.js';
export { type RaftStorage, storageOf } from './host/storage.js';
