import { isKeelsonError, type RaftLog } from '../../../src/index.js';
import type {
  LogRead,
  Message,
  OutgoingSnapshots,
  Raft,
  RaftStatus,
  Ready,
  ReadySave,
  SnapshotRead,
} from '../../../sim/raft/index.js';
import type { KeyValueState, Outcome } from '../state/key-value-state.js';
import type { Compaction } from './compaction.js';
import type { IncomingSnapshot } from './incoming-snapshot.js';
import { PendingProposals } from './pending-proposals.js';
import { PendingReads } from './pending-reads.js';
import { NotLeaderError, TryAgainError } from './refusals.js';

/** What a host tells whoever watches it. */
export interface HostObserver {
  /** After each round: role, term and leader may have changed. */
  readonly turned: (status: RaftStatus) => void;
  /** It no longer takes part, and must be made anew from what the log then holds. Told once. */
  readonly failed: (error: unknown) => void;
  /** It goes on, but something did not work. */
  readonly troubled: (error: unknown) => void;
}

export interface RaftHostParts {
  readonly log: RaftLog;
  readonly raft: Raft;
  readonly state: KeyValueState;
  readonly compaction: Compaction;
  readonly incoming: IncomingSnapshot;
  readonly outgoing: OutgoingSnapshots;
  /** Hands messages to the network. They may be lost; they may not be sent twice in another order. */
  readonly send: (messages: readonly Message[]) => void;
  readonly observer: HostObserver;
}

/**
 * The loop around a Raft: gives it time, messages and proposals, and does what it then wants done.
 *
 * The one rule that matters: what the Raft wants said after a save is said when the log has said 'durable', and not
 * before. Everything else here is convenience.
 */
export class RaftHost {
  readonly #parts: RaftHostParts;
  readonly #proposals = new PendingProposals();
  readonly #reads = new PendingReads();
  #isWoken = false;
  #isStopped = false;

  constructor(parts: RaftHostParts) {
    this.#parts = parts;
    const { log, raft } = parts;
    log.events.on('space-back', () => {
      this.#feed(() => {
        raft.storageBack();
      });
    });
  }

  get status(): RaftStatus {
    return this.#parts.raft.status;
  }

  /** Takes a message of a peer. */
  step(message: Message): void {
    this.#feed(() => {
      this.#parts.raft.step(message);
    });
  }

  /** To be called at an even pace. */
  tick(): void {
    this.#reads.tick();
    this.#feed(() => {
      this.#parts.raft.tick();
    });
    this.#wake();
  }

  unreachable(peer: string): void {
    this.#feed(() => {
      this.#parts.raft.reportUnreachable(peer);
    });
  }

  /** Resolves once the command is on a majority's stable storage and applied. {@link NotLeaderError}, {@link TryAgainError}. */
  async propose(command: Uint8Array): Promise<Outcome> {
    this.#throwIfStopped();
    const proposal = this.#parts.raft.propose(command);
    this.#wake();
    if (proposal.ok) return this.#proposals.wait(proposal.index, proposal.term);
    if (proposal.reason === 'not-leader') throw new NotLeaderError(proposal.leader);
    throw new TryAgainError(`not taken: ${proposal.reason}`);
  }

  /** Resolves at a moment at which the state may be read as if it were the only copy. {@link TryAgainError}. */
  async mayRead(): Promise<void> {
    this.#throwIfStopped();
    const { context, may } = this.#reads.wait();
    const refusal = this.#parts.raft.readIndex(context);
    if (refusal !== null) this.#reads.reject(context, refusal);
    this.#wake();
    return may;
  }

  /** Does no more. What was asked of the log goes on until the log is closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#proposals.rejectAll();
    this.#reads.rejectAll('this node is stopping');
    await this.#parts.outgoing.closeAll();
  }

  /** Whatever happened in one turn of the event loop is answered by one round, and so by one save and one sync. */
  #wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#feed(() => {
        this.#round();
      });
    });
  }

  #round(): void {
    const { raft, observer } = this.#parts;
    while (raft.hasReady && !this.#isStopped) this.#carryOut(raft.ready());
    const status = raft.status;
    if (status.role !== 'leader') this.#proposals.rejectAll();
    observer.turned(status);
  }

  #carryOut(ready: Ready): void {
    const { send, incoming } = this.#parts;
    send(ready.messages);
    for (const piece of ready.snapshotPieces) incoming.keep(piece);
    if (ready.save !== null) this.#save(ready.save, ready.messagesAfterSave);
    for (const read of ready.reads) void this.#readEntries(read);
    for (const read of ready.snapshotReads) void this.#readSnapshot(read);
    this.#apply(ready);
  }

  /** Not awaited: further saves queue behind this one and share its sync. The log resolves them in order. */
  #save(save: ReadySave, messagesAfterSave: readonly Message[]): void {
    const { raft, send } = this.#parts;
    this.#write(save).then(
      () => {
        this.#feed(() => {
          send(messagesAfterSave);
          raft.persisted(save.id);
        });
      },
      (error: unknown) => {
        this.#feed(() => {
          this.#saveFailed(save.id, error);
        });
      },
    );
  }

  async #write(save: ReadySave): Promise<void> {
    const { log } = this.#parts;
    const { truncateFrom, entries, hardState } = save;
    if (save.snapshot !== undefined) return this.#install(save);
    // A commit index alone owes no sync. It is still reported in its turn: behind the saves before it.
    if (!save.mustSync) await log.save({});
    else {
      await log.save({
        entries,
        ...(truncateFrom === undefined ? {} : { truncateFrom }),
        ...(hardState === undefined ? {} : { hardState }),
      });
    }
  }

  async #install({ snapshot, hardState }: ReadySave): Promise<void> {
    const { log, incoming, state } = this.#parts;
    if (snapshot === undefined) return;
    const data = incoming.data();
    await log.installSnapshot({ ...snapshot, data, ...(hardState === undefined ? {} : { hardState }) });
    incoming.discard();
    const installed = await log.openSnapshot();
    if (installed !== null) await state.restore(installed.data);
  }

  /**
   * No space: nothing of the save exists, so the Raft takes it back, and a leader steps down; it goes on when the log
   * says `space-back`. Anything else: nobody knows what the log holds until it is opened again.
   */
  #saveFailed(saveId: number, error: unknown): void {
    const { raft, observer, incoming } = this.#parts;
    if (isNoSpace(error)) {
      incoming.discard();
      raft.storageFailed(saveId, 'refused');
      observer.troubled(error);
    } else {
      raft.storageFailed(saveId, 'unknown');
      this.#fail(error);
    }
  }

  #apply({ committedEntries, readStates }: Ready): void {
    const { raft, state, compaction, observer } = this.#parts;
    for (const entry of committedEntries) this.#proposals.applied(entry, state.apply(entry));
    const last = committedEntries.at(-1);
    if (last !== undefined) raft.applied(last.index);
    for (const read of readStates) this.#reads.confirmed(read);
    this.#reads.release(state.applied);
    void compaction.runIfDue(raft.status.configuration, (error) => {
      if (!this.#isStopped) observer.troubled(error);
    });
  }

  async #readEntries(read: LogRead): Promise<void> {
    const { log, raft } = this.#parts;
    const entries = await log
      .entries(read.from, read.until, { bytesMax: read.bytesMax })
      .catch((error: unknown) => {
        // Compacted away since it was asked for: the follower gets a snapshot instead.
        if (!isKeelsonError(error, 'KEELSON_COMPACTED')) this.#readFailed(error);
        return null;
      });
    this.#feed(() => {
      raft.entriesRead(read, entries);
    });
  }

  async #readSnapshot(read: SnapshotRead): Promise<void> {
    const { raft, outgoing } = this.#parts;
    const piece = await outgoing.read(read).catch((error: unknown) => {
      this.#readFailed(error);
      return null;
    });
    this.#feed(() => {
      raft.snapshotRead(read, piece);
    });
  }

  /** A disk that does not answer may answer later. One that holds something else than was written must not lead. */
  #readFailed(error: unknown): void {
    if (this.#isStopped) return;
    if (isKeelsonError(error) && error.family === 'damage') this.#fail(error);
    else this.#parts.observer.troubled(error);
  }

  /** Lets something happen to the Raft, and does later what it then wants done. */
  #feed(happen: () => void): void {
    if (this.#isStopped) return;
    try {
      happen();
    } catch (error) {
      this.#fail(error);
    }
    if (this.#parts.raft.hasReady) this.#wake();
  }

  #fail(error: unknown): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#proposals.rejectAll();
    this.#reads.rejectAll('this node has failed');
    this.#parts.observer.failed(error);
  }

  #throwIfStopped(): void {
    if (this.#isStopped) throw new TryAgainError('this node is stopping');
  }
}

/** The log's own word for it, or the kernel's, where a snapshot coming in was being gathered. */
function isNoSpace(error: unknown): boolean {
  if (isKeelsonError(error)) return error.code === 'KEELSON_NO_SPACE';
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
