import type { RaftLog } from '../../../src/index.js';
import type {
  ConfChange,
  Message,
  Proposal,
  RaftHost,
  RaftStatus,
  ReadState,
} from '../../../sim/raft/index.js';

/** A message of an engine that has an encoding of its own: the transport carries it as it is. */
export interface ForeignMessage {
  readonly type: 'foreign';
  readonly from: string;
  readonly to: string;
  readonly term: number;
  readonly bytes: Uint8Array;
  /** The vote that it is, for those who watch; one for oneself goes nowhere. */
  readonly vote?: { readonly term: number; readonly candidate: string };
}

/** What nodes say to each other. Pieces of snapshots, and their answers, are the same whatever the engine. */
export type PeerMessage = Message | ForeignMessage;

/** What a node knows of the engine under it. */
export type EngineStatus = Pick<
  RaftStatus,
  'id' | 'role' | 'term' | 'leader' | 'commit' | 'firstIndex' | 'lastIndex' | 'storageState'
> & {
  readonly configuration: RaftStatus['configuration'];
  /** Of a leader: up to where each member surely holds the log. */
  readonly members: ReadonlyMap<string, { readonly match: number }>;
};

/** What an engine asks of the node around it. */
export interface EngineHost extends Omit<RaftHost, 'send' | 'handled'> {
  send(messages: readonly PeerMessage[]): void;
  handled(round: { readonly readStates: readonly ReadState[] }): void;
  /** A follower needs a snapshot that the log has not: one of now would do. */
  snapshotWanted(): void;
}

/** A Raft with its loop, on a log: the one file in which nodes of different engines differ. */
export interface Engine {
  readonly isRunning: boolean;
  readonly status: EngineStatus;
  /** The configuration as of what is applied, as the snapshot's `conf` shall hold it. */
  readonly conf: () => Uint8Array;
  step(message: PeerMessage): void;
  tick(): void;
  unreachable(peer: string): void;
  propose(command: Uint8Array): Proposal;
  /** Null, and `handled` tells when; or why not. */
  readIndex(context: string): string | null;
  /** Proposes changes of the members as one; an engine that refuses says nothing, and may be asked again. */
  change(changes: readonly ConfChange[]): void;
  /** Does no more, and reads no more of the log. */
  stop(): Promise<void>;
}

/** What an engine is made of. */
export interface EngineParts {
  readonly id: string;
  readonly log: RaftLog;
  readonly host: EngineHost;
  /** Up to here the state is applied: the log's newest snapshot. */
  readonly appliedIndex: number;
  /** That snapshot's `conf`; null where there is none. */
  readonly conf: Uint8Array | null;
  /** The first members; none for a node that joins. */
  readonly founders: readonly string[];
  /** Everybody who is known now. */
  readonly members: () => readonly string[];
  /** Bytes of entries that may be kept in memory for followers that lag only a little. */
  readonly recentBytes: number;
}

/** Makes an engine; it does nothing before it is told something. */
export type MakeEngine = (parts: EngineParts) => Engine;
