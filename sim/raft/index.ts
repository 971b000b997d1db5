export {
  type ConfChange,
  type Configuration,
  decodeConfiguration,
  encodeConfiguration,
  NO_CONFIGURATION,
  type NodeId,
} from './configuration.js';
export { ENTRY_KIND } from './entries.js';
export { RaftInvariantError } from './invariant.js';
export type { ChangeRefusal } from './membership.js';
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
export type { LogRead, ReadState, SnapshotRead } from './outbox.js';
export { OutgoingSnapshots } from './outgoing-snapshots.js';
export type { ProgressState } from './progress.js';
export { type Proposal, type ProposalRefusal, Raft } from './raft.js';
export { RaftDriver, type RaftDriverParts, type RaftHost } from './raft-driver.js';
export type { Ready, ReadySave } from './ready.js';
export type { Role, StorageState } from './server.js';
export type { SnapshotPiece } from './snapshot-transfer.js';
export type { MemberStatus, RaftStatus } from './status.js';
export { type RaftStorage, storageOf } from './storage.js';
