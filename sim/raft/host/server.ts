import type { HardState } from '../../../src/raft-log/contract.js';
import { Applying } from './applying.js';
import { type Configuration, NO_CONFIGURATION, type NodeId } from '../members/configuration.js';
import { LogView } from '../replicate/log-view.js';
import type { SnapshotHead } from '../messages.js';
import { type RaftOptions, type ResolvedOptions, resolveOptions } from '../options.js';
import { Outbox } from './outbox.js';
import type { Progress } from '../replicate/progress.js';
import { ReadQueue } from '../reads/read-queue.js';

/** Raft paper §5.1; a pre-candidate asks whether it would be elected, before it raises its term (dissertation §9.6). */
export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/**
 * Whether the log takes writes:
 * - `'open'`: it does.
 * - `'full'`: it refuses entries, and what it refused exists nowhere. Votes still work.
 * - `'failed'`: nobody knows what it holds until it is opened anew. This server is silent for good.
 */
export type StorageState = 'open' | 'full' | 'failed';

/** A snapshot that a follower is receiving piece by piece. */
export interface Reception {
  readonly from: NodeId;
  readonly snapshot: SnapshotHead;
  readonly offset: number;
}

/** All state of one server (figure 2, "State"). It holds no rules: those are in the files named after them. */
export class Server {
  readonly id: NodeId;
  readonly options: ResolvedOptions;
  readonly log: LogView;
  readonly applying: Applying;
  readonly outbox: Outbox = new Outbox();
  readonly reads: ReadQueue = new ReadQueue();

  term: number;
  vote: NodeId | null;
  role: Role = 'follower';
  leader: NodeId | null = null;
  configuration: Configuration = NO_CONFIGURATION;
  storageState: StorageState = 'open';
  /** A mere hard state was refused since the last tick: to offer it again at once would only spin. */
  isSavingPaused = false;

  /** Ticks since the last word of a leader or, on a leader, since the last quorum check. */
  electionElapsedTicks = 0;
  heartbeatElapsedTicks = 0;
  electionTimeoutTicks: number;

  /** Answers to this server's own election, while it is a (pre-)candidate. */
  votes: Map<NodeId, boolean> = new Map();
  /** One for each member, itself included, while it leads. */
  progress: Map<NodeId, Progress> = new Map();
  /** Who shall lead next, while a transfer is under way. */
  transferee: NodeId | null = null;
  /** A change of the configuration may be proposed only once this index is applied. */
  configurationPendingIndex = 0;
  uncommittedBytes = 0;
  /** There are entries, or a commit index, that the followers have not been sent. */
  isBroadcastDue = false;

  reception: Reception | null = null;
  /** Reads asked of a leader, by the id that the request travels under. */
  readonly forwardedReads: Map<string, string> = new Map();
  readonly #incarnation: string;
  #requestCount = 0;

  constructor(options: RaftOptions) {
    this.options = resolveOptions(options);
    this.id = options.id;
    const hardState = options.storage.hardState;
    this.term = hardState.term;
    this.vote = hardState.vote;
    this.log = new LogView(this.options, hardState);
    this.log.commitTo(this.options.appliedIndex);
    this.applying = new Applying(this.options.appliedIndex);
    this.configuration = options.configuration;
    this.electionTimeoutTicks = this.drawElectionTimeoutTicks();
    this.#incarnation = Math.floor(options.random() * 2 ** 48).toString(36);
  }

  get hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.log.commit };
  }

  get isVoter(): boolean {
    return this.configuration.voters.includes(this.id);
  }

  /** Members other than this server, in a fixed order. */
  get peers(): readonly NodeId[] {
    return [...this.configuration.voters, ...this.configuration.learners]
      .filter((id) => id !== this.id)
      .sort();
  }

  /** Raft paper §5.2: drawn anew for each wait, so that split votes are rare and resolve quickly. */
  drawElectionTimeoutTicks(): number {
    const { electionTicks, random } = this.options;
    return electionTicks + Math.floor(random() * electionTicks);
  }

  /** An id that no earlier life of this server has used. */
  nextRequestId(): string {
    this.#requestCount += 1;
    return `${this.#incarnation}-${String(this.#requestCount)}`;
  }
}
