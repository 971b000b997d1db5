import { isKeelsonError, KeelsonError } from '../../src/errors/index.js';
import type { Entry, RaftLog } from '../../src/raft-log/contract.js';
import {
  type LogRead,
  type Message,
  OutgoingSnapshots,
  type Raft,
  RaftInvariantError,
  type RaftStatus,
  type Ready,
  type ReadySave,
  type SnapshotRead,
} from '../raft/index.js';
import { ClusterFinding } from './cluster-finding.js';
import type { ClusterNode } from './cluster-node.js';
import type { ClusterWorld } from './cluster-world.js';
import { judgeSent } from './judge-sent.js';
import { lastIndexOf, type PendingPromise, termAt } from './promised-log.js';
import type { LifeSeen } from './raft-rules.js';
import type { RegisterState } from './register-state.js';
import { SnapshotTaker } from './snapshot-taker.js';
import { WaitingClients } from './waiting-clients.js';

export interface NodeHostParts {
  readonly world: ClusterWorld;
  readonly node: ClusterNode;
  readonly log: RaftLog;
  readonly raft: Raft;
  readonly state: RegisterState;
  /** Whether the process that this runs in still lives. */
  readonly isAlive: () => boolean;
}

/** Readies that one happening may lead to; more would be a loop that never ends. */
const READIES_MAX = 10_000;

/**
 * The loop around one life of a Raft, as docs/plugging-in.md says it: gives it time, messages and proposals, does
 * what it then wants done, and shows each step to the rules.
 */
export class NodeHost {
  readonly raft: Raft;
  readonly log: RaftLog;
  readonly state: RegisterState;
  readonly taker: SnapshotTaker;
  readonly #parts: NodeHostParts;
  readonly #outgoing: OutgoingSnapshots;
  readonly #seen: LifeSeen;
  readonly #clients: WaitingClients;
  #pieces: Uint8Array[] = [];
  #status: RaftStatus;
  #isStopped = false;

  constructor(parts: NodeHostParts) {
    const { raft, log, state, world } = parts;
    this.#parts = parts;
    this.raft = raft;
    this.log = log;
    this.state = state;
    this.taker = new SnapshotTaker(this, parts);
    this.#outgoing = new OutgoingSnapshots(log);
    this.#clients = new WaitingClients(parts.node);
    this.#status = raft.status;
    const { term, commit, configuration } = this.#status;
    this.#seen = { term, commit, judged: 0, configuration };
    log.events.on('space-back', () => {
      world.reach['space-back'] += 1;
      this.feed(() => {
        raft.storageBack();
      });
    });
  }

  /** As of the last step: nothing changes between two of them. */
  get status(): RaftStatus {
    return this.#status;
  }

  get isRunning(): boolean {
    return !this.#isStopped && this.#parts.isAlive();
  }

  /** Lets something happen to the Raft, does all that it then wants done, and holds it against the rules. */
  feed(happen: () => void): void {
    if (!this.isRunning) return;
    const { node } = this.#parts;
    if (node.isPaused) {
      node.defer(() => {
        this.feed(happen);
      });
      return;
    }
    try {
      happen();
      for (let count = 0; this.isRunning && this.raft.hasReady; count += 1) {
        if (count > READIES_MAX) throw new Error(`${node.id} is never done`);
        this.#carryOut(this.raft.ready());
      }
      // Also when the process died in the midst of it: what it had decided it may have told others.
      this.#observe();
    } catch (error) {
      this.#thrown(error);
    }
  }

  step(message: Message): void {
    this.feed(() => {
      const { status } = this;
      this.raft.step(message);
      if (message.term < status.term) this.#judgeStale(message, status);
    });
  }

  /** Proposes a command; `onDecided` is told once whether it was kept. False if it was not taken. */
  propose(command: Uint8Array, onDecided: (isKept: boolean) => void): boolean {
    let isTaken = false;
    // A process that stands still takes nothing.
    if (this.#parts.node.isPaused) return false;
    this.feed(() => {
      const proposal = this.raft.propose(command);
      if (!proposal.ok) return;
      isTaken = true;
      this.#clients.waitForEntry(proposal.index, proposal.term, onDecided);
    });
    return isTaken;
  }

  /** `onAnswer` is told of the state at a moment at which a read is linearizable, if that moment comes. */
  read(onAnswer: (state: RegisterState) => void): void {
    if (this.#parts.node.isPaused) return;
    this.feed(() => {
      const context = this.#clients.newContext();
      if (this.raft.readIndex(context) === null) this.#clients.waitForRead(context, onAnswer);
    });
  }

  /** Does no more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Ends what it reads, so that the log can be closed. */
  async closeReaders(): Promise<void> {
    await this.#outgoing.closeAll();
  }

  /** Something that the log or the Raft cannot live with: this life is over. */
  fail(error: unknown): void {
    if (!this.isRunning) return;
    this.#isStopped = true;
    this.#parts.node.failed(this, error);
  }

  #observe(): void {
    const { world, node } = this.#parts;
    const { status } = this.raft;
    this.#status = status;
    const hasLed = world.rules.hasLed(status.term);
    world.rules.observe(node, this.#seen, status);
    if (status.role === 'leader' && !hasLed) {
      world.reach.elected += 1;
      node.trace.note(`${node.clock} ${node.id} leads in term ${String(status.term)}`);
    }
  }

  #carryOut(ready: Ready): void {
    this.#send(ready.messages);
    for (const piece of ready.snapshotPieces) {
      if (piece.offset === 0) this.#pieces = [];
      this.#pieces.push(piece.data);
    }
    if (ready.save !== null) this.#save(ready.save, ready.messagesAfterSave);
    for (const read of ready.reads) this.#guard(this.#readEntries(read));
    for (const read of ready.snapshotReads) this.#guard(this.#readSnapshot(read));
    this.#apply(ready);
  }

  #send(messages: readonly Message[]): void {
    const { world, node } = this.#parts;
    for (const message of messages) {
      if (!this.isRunning) return;
      judgeSent(node, message);
      node.traceMessage('sends', message);
      world.network.send(message, node.life);
    }
  }

  /** Not awaited: further saves queue behind this one and share its sync. The log resolves them in order. */
  #save(save: ReadySave, messagesAfterSave: readonly Message[]): void {
    const { world, node } = this.#parts;
    const { promised } = node;
    const writes = save.mustSync || world.plan.config.savesCommit;
    const first = save.entries[0];
    if (first !== undefined)
      world.rules.offered(node, save.entries, termAt(promised.newest, first.index - 1));
    const pending = promised.issue(save, writes);
    this.#write(save, writes).then(
      () => {
        this.feed(() => {
          promised.keep(pending);
          this.#send(messagesAfterSave);
          if (this.isRunning) this.raft.persisted(save.id);
        });
      },
      (error: unknown) => {
        this.feed(() => {
          this.#saveFailed(save, pending, error);
        });
      },
    );
  }

  async #write(save: ReadySave, writes: boolean): Promise<void> {
    const { truncateFrom, entries, hardState } = save;
    if (save.snapshot !== undefined) return this.#install(save);
    // A commit index alone owes no sync. It is still reported in its turn: behind the saves before it.
    await this.log.save(
      writes
        ? {
            entries,
            ...(truncateFrom === undefined ? {} : { truncateFrom }),
            ...(hardState === undefined ? {} : { hardState }),
          }
        : {},
    );
  }

  async #install({ snapshot, hardState }: ReadySave): Promise<void> {
    if (snapshot === undefined) return;
    const { node, world } = this.#parts;
    node.crashes.begin('install');
    const data = Buffer.concat(this.#pieces);
    this.#pieces = [];
    await this.log.installSnapshot({ ...snapshot, data, ...(hardState === undefined ? {} : { hardState }) });
    this.state.restore(data);
    node.crashes.finish('install');
    world.reach['snapshot-installed'] += 1;
    world.rules.stands(node, this.state.applied, this.state.hash);
  }

  /** No space: nothing of the save exists, so the Raft takes it back. Anything else: nobody knows until it is reopened. */
  #saveFailed(save: ReadySave, pending: PendingPromise, error: unknown): void {
    const { world, node } = this.#parts;
    node.crashes.finish('install');
    if (isKeelsonError(error, 'KEELSON_NO_SPACE')) {
      node.judgeCause(error);
      world.reach['save-refused-for-space'] += 1;
      node.promised.refuse(pending);
      this.raft.storageFailed(save.id, 'refused');
      // What was not durable is forgotten, as by a crash: the commit index may fall back with it.
      this.#seen.commit = 0;
      this.#seen.judged = Math.min(this.#seen.judged, lastIndexOf(node.promised.newest));
      this.taker.takeAtOnce();
      return;
    }
    this.raft.storageFailed(save.id, 'unknown');
    this.fail(error);
  }

  #apply({ committedEntries, readStates }: Ready): void {
    const { world, node } = this.#parts;
    if (!this.isRunning) return;
    if (committedEntries.length > 0) this.#observe();
    for (const entry of committedEntries) this.#applyOne(entry, node, world);
    const last = committedEntries.at(-1);
    if (last !== undefined) this.raft.applied(last.index);
    for (const read of readStates) this.#clients.confirmed(read);
    this.#clients.release(this.state);
    if (committedEntries.length > 0) this.taker.takeIfDue();
  }

  #applyOne(entry: Entry, node: ClusterNode, world: ClusterWorld): void {
    this.state.apply(entry);
    world.rules.applied(node, entry, this.state.hash);
    node.trace.fold(this.state.hash);
    this.#clients.applied(entry);
  }

  async #readEntries(read: LogRead): Promise<void> {
    const { from, until, bytesMax } = read;
    const entries = await this.log.entries(from, until, { bytesMax }).catch((error: unknown) => {
      this.#readFailed(error);
      return null;
    });
    this.feed(() => {
      this.raft.entriesRead(read, entries);
    });
  }

  async #readSnapshot(read: SnapshotRead): Promise<void> {
    const piece = await this.#outgoing.read(read).catch((error: unknown) => {
      this.#readFailed(error);
      return null;
    });
    if (read.offset === 0 && piece !== null) this.#parts.world.reach['snapshot-sent'] += 1;
    this.feed(() => {
      this.raft.snapshotRead(read, piece);
    });
  }

  /** A disk that does not answer may answer later. One that holds something else than was written must not lead. */
  #readFailed(error: unknown): void {
    const { node, world } = this.#parts;
    if (!this.isRunning) return;
    // Compacted away since it was asked for: the follower gets a snapshot instead.
    if (isKeelsonError(error, 'KEELSON_COMPACTED')) return;
    if (isKeelsonError(error, 'KEELSON_UNAVAILABLE')) return;
    if (isKeelsonError(error, 'KEELSON_READ_FAILED')) {
      world.reach['read-failed'] += 1;
      node.judgeCause(error);
      return;
    }
    this.fail(error);
  }

  /** A message of an earlier term is answered at most; it changes nothing. */
  #judgeStale(message: Message, before: RaftStatus): void {
    const { world, node } = this.#parts;
    world.reach['message-of-earlier-term'] += 1;
    const after = this.raft.status;
    const wasLike = stateText(before);
    if (stateText(after) === wasLike) return;
    throw new ClusterFinding({
      oracle: 'stale-message',
      what: `${node.id} took a ${message.type} of term ${String(message.term)} from ${message.from}, and changed`,
      expected: [wasLike],
      found: stateText(after),
    });
  }

  #thrown(error: unknown): void {
    const { world, node } = this.#parts;
    // The Raft asks its log for terms; one that the log does not hold is one that the Raft has made up.
    const isOfRaft = error instanceof RaftInvariantError || error instanceof KeelsonError;
    if (!isOfRaft) {
      world.found(error);
      return;
    }
    world.found(
      new ClusterFinding({ oracle: 'raft-invariant', what: `${node.id}: ${error.message}`, cause: error }),
    );
  }

  #guard(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#parts.world.found(error);
    });
  }
}

function stateText(status: RaftStatus): string {
  const { term, vote, role, leader, commit, applied, lastIndex, lastTerm, members } = status;
  const matches = [...members].map(([id, { match }]) => `${id} ${String(match)}`).join(', ');
  return `${role} of ${String(leader)} in term ${String(term)}, vote ${String(vote)}, commit ${String(commit)}, applied ${String(applied)}, log to ${String(lastIndex)}/${String(lastTerm)}; ${matches}`;
}
