import type { Entry, RaftLog, SnapshotData } from '../../../src/index.js';
import type { ReadState, SnapshotPiece } from '../../../sim/raft/index.js';
import type { KeyValueState, Outcome } from '../state/key-value-state.js';
import type { Compaction } from './compaction.js';
import type { Engine, EngineHost, EngineStatus, PeerMessage } from './engine.js';
import type { IncomingSnapshot } from './incoming-snapshot.js';
import { PendingProposals } from './pending-proposals.js';
import { PendingReads } from './pending-reads.js';
import { NotLeaderError, TryAgainError } from './refusals.js';

/** What a host tells whoever watches it. */
export interface HostObserver {
  /** After each round: role, term and leader may have changed. */
  readonly turned: (status: EngineStatus) => void;
  /** It no longer takes part, and must be made anew from what the log then holds. Told once. */
  readonly failed: (error: unknown) => void;
  /** It goes on, but something did not work. */
  readonly troubled: (error: unknown) => void;
}

export interface KvHostParts {
  readonly log: RaftLog;
  /** Makes the engine under this host. */
  readonly engine: (host: EngineHost) => Engine;
  readonly state: KeyValueState;
  readonly compaction: Compaction;
  readonly incoming: IncomingSnapshot;
  /** Hands messages to the network. They may be lost; they may not be sent twice in another order. */
  readonly send: (messages: readonly PeerMessage[]) => void;
  readonly observer: HostObserver;
}

/** A learner this close to what is committed holds it soon enough to vote for the next. */
const LAG_ENTRIES_MAX = 8;

/** A state under a Raft: clients that propose and read, snapshots in and out. The loop is the engine's. */
export class KvHost implements EngineHost {
  readonly #parts: KvHostParts;
  readonly #engine: Engine;
  readonly #proposals = new PendingProposals();
  readonly #reads = new PendingReads();

  constructor(parts: KvHostParts) {
    this.#parts = parts;
    this.#engine = parts.engine(this);
  }

  get status(): EngineStatus {
    return this.#engine.status;
  }

  /** Takes a message of a peer. */
  step(message: PeerMessage): void {
    this.#engine.step(message);
  }

  /** To be called at an even pace. */
  tick(): void {
    this.#reads.tick();
    this.#engine.tick();
  }

  unreachable(peer: string): void {
    this.#engine.unreachable(peer);
  }

  /** Resolves once the command is on a majority's stable storage and applied. {@link NotLeaderError}, {@link TryAgainError}. */
  async propose(command: Uint8Array): Promise<Outcome> {
    this.#throwIfStopped();
    const proposal = this.#engine.propose(command);
    if (proposal.ok) return this.#proposals.wait(proposal.index, proposal.term);
    if (proposal.reason === 'not-leader') throw new NotLeaderError(proposal.leader);
    throw new TryAgainError(`not taken: ${proposal.reason}`);
  }

  /** Resolves at a moment at which the state may be read as if it were the only copy. {@link TryAgainError}. */
  async mayRead(): Promise<void> {
    this.#throwIfStopped();
    const { context, may } = this.#reads.wait();
    const refusal = this.#engine.readIndex(context);
    if (refusal !== null) this.#reads.reject(context, refusal);
    return may;
  }

  /**
   * Takes the next step to a voter: it learns first, without a say in what is committed, and has one once it has nearly all.
   * To be asked again until it is one.
   */
  admit(memberId: string): { readonly leader: string | null; readonly isVoter: boolean } {
    const { role, leader, configuration, members, commit } = this.status;
    const isVoter = configuration.voters.includes(memberId);
    const isLearner = configuration.learners.includes(memberId);
    const lag = commit - (members.get(memberId)?.match ?? 0);
    if (role === 'leader' && !isVoter && (!isLearner || lag <= LAG_ENTRIES_MAX)) {
      this.#engine.change([{ op: isLearner ? 'add-voter' : 'add-learner', id: memberId }]);
    }
    return { leader, isVoter };
  }

  /** Does no more. What was asked of the log goes on until the log is closed. */
  async stop(): Promise<void> {
    this.#rejectAll('this node is stopping');
    await this.#engine.stop();
  }

  send(messages: readonly PeerMessage[]): void {
    this.#parts.send(messages);
  }

  apply(entries: readonly Entry[]): void {
    const { state } = this.#parts;
    for (const entry of entries) this.#proposals.applied(entry, state.apply(entry));
  }

  handled({ readStates }: { readonly readStates: readonly ReadState[] }): void {
    for (const read of readStates) this.#reads.confirmed(read);
    this.#reads.release(this.#parts.state.applied);
    void this.#compact('if-due');
  }

  snapshotWanted(): void {
    void this.#compact('now');
  }

  turned(): void {
    const { status } = this;
    if (status.role !== 'leader') this.#proposals.rejectAll();
    this.#parts.observer.turned(status);
  }

  keepPiece(piece: SnapshotPiece): void {
    this.#parts.incoming.keep(piece);
  }

  incomingData(): SnapshotData {
    return this.#parts.incoming.data();
  }

  async installed(): Promise<void> {
    const { log, incoming, state } = this.#parts;
    incoming.discard();
    const snapshot = await log.openSnapshot();
    if (snapshot !== null) await state.restore(snapshot.data);
  }

  refused(): void {
    this.#parts.incoming.discard();
  }

  troubled(error: unknown): void {
    this.#parts.observer.troubled(error);
  }

  failed(error: unknown): void {
    this.#rejectAll('this node has failed');
    this.#parts.observer.failed(error);
  }

  #rejectAll(why: string): void {
    this.#proposals.rejectAll();
    this.#reads.rejectAll(why);
  }

  #compact(when: 'if-due' | 'now'): Promise<void> {
    return this.#parts.compaction.run(when, this.#engine.conf, (error) => {
      if (this.#engine.isRunning) this.troubled(error);
    });
  }

  #throwIfStopped(): void {
    if (!this.#engine.isRunning) throw new TryAgainError('this node is stopping');
  }
}
