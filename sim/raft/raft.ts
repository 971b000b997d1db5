import type { Entry } from '../../src/raft-log/contract.js';
import { campaign } from './elect/campaign.js';
import type { ConfChange, NodeId } from './members/configuration.js';
import { handlePersisted, handleStorageBack, handleStorageFailed } from './replicate/durability.js';
import { ENTRY_KIND } from './replicate/entries.js';
import { applyChanges, type ChangeRefusal, proposeChange } from './members/membership.js';
import type { Message } from './messages.js';
import type { RaftOptions } from './options.js';
import type { LogRead, SnapshotRead } from './host/outbox.js';
import { requestRead } from './reads/read-index.js';
import { hasReady, type Ready, takeReady } from './host/ready.js';
import { appendAsLeader, sendEntriesRead } from './replicate/replication.js';
import { Server } from './host/server.js';
import { abandonSnapshot, sendSnapshotRead } from './snapshots/snapshot-sending.js';
import type { SnapshotPiece } from './snapshots/snapshot-transfer.js';
import { type RaftStatus, statusOf } from './status.js';
import { stepMessage } from './step.js';
import { tickServer } from './elect/ticking.js';
import { startTransfer } from './elect/transfer.js';

/** Why a proposal was not taken. */
export type ProposalRefusal = 'not-leader' | 'transferring' | 'overloaded' | ChangeRefusal;

/**
 * A proposal that was taken has a place in the leader's log. It is committed if the entry that is applied at `index`
 * is of `term`, and lost if another is.
 */
export type Proposal =
  | {
      /** It was taken. */
      readonly ok: true;
      /** Where its entry stands. */
      readonly index: number;
      /** The term of its entry. */
      readonly term: number;
    }
  | {
      /** Nothing was done. */
      readonly ok: false;
      /** Why not. */
      readonly reason: ProposalRefusal;
      /** Who may take it, as far as this server knows. */
      readonly leader: NodeId | null;
    };

/** One Raft server as a pure state machine: no clock, no I/O, no chance. docs/plugging-in.md has the loop around it. */
export class Raft {
  readonly #server: Server;

  constructor(options: RaftOptions) {
    this.#server = new Server(options);
  }

  /** The server as it is now: a copy, made anew at each call. */
  get status(): RaftStatus {
    return statusOf(this.#server);
  }

  /** Takes a message of a peer. Those of an earlier term, or to another server, change nothing. */
  step(message: Message): void {
    if (this.#isSilent || message.from === this.#server.id) return;
    stepMessage(this.#server, message);
  }

  /** Lets one tick pass. */
  tick(): void {
    if (!this.#isSilent) tickServer(this.#server);
  }

  /** Starts an election now, with a pre-vote. Returns why not, or null. */
  campaign(): string | null {
    return this.#isSilent ? 'its log has failed' : campaign(this.#server);
  }

  /** Appends a command. `kind` is `ENTRY_KIND.command` or 16..255; others are a `RangeError`. */
  propose(data: Uint8Array, kind: number = ENTRY_KIND.command): Proposal {
    if (!Number.isInteger(kind) || kind < 0 || kind > 255 || (kind > 0 && kind < 16)) {
      throw new RangeError(`kind of a command must be 0 or 16..255, got ${String(kind)}`);
    }
    const refusal = this.#refusal(data.length);
    return refusal === null
      ? this.#taken(appendAsLeader(this.#server, { kind, data }))
      : this.#refused(refusal);
  }

  /** Adds or removes one server. The next change waits until this one is applied. */
  proposeConfChange(change: ConfChange): Proposal {
    const refusal = this.#refusal(0);
    if (refusal !== null) return this.#refused(refusal);
    const index = proposeChange(this.#server, change);
    return typeof index === 'number' ? this.#taken(index) : this.#refused(index);
  }

  /** Hands leadership to a voter. Returns why not, or null; whether it came to pass, `status` says. */
  transferLeadership(to: NodeId): 'not-leader' | 'not-a-voter' | 'is-leader' | null {
    return startTransfer(this.#server, to);
  }

  /**
   * Asks for an index at which a read is linearizable. The answer comes in `readStates` with the same context, or never
   * if leadership changes meanwhile: the host tries again after a while. Returns why not, or null.
   */
  readIndex(context: string): 'no-leader' | 'overloaded' | null {
    return requestRead(this.#server, context);
  }

  /** A message to `peer` was surely lost: what was sent on trust is sent again. */
  reportUnreachable(peer: NodeId): void {
    const progress = this.#server.progress.get(peer);
    if (progress?.state === 'replicate') progress.becomeProbe();
  }

  /** For a host that carries snapshots by its own means: how sending one to `peer` ended. */
  reportSnapshot(peer: NodeId, outcome: 'finished' | 'failed', index: number = 0): void {
    const progress = this.#server.progress.get(peer);
    if (progress?.state !== 'snapshot') return;
    abandonSnapshot(progress);
    if (outcome === 'finished') progress.becomeProbe(index + 1);
  }

  /** Whether `ready()` has anything to hand out. */
  get hasReady(): boolean {
    return hasReady(this.#server);
  }

  /** Hands out what has come up. It may be called again before what it handed out before is done. */
  ready(): Ready {
    return takeReady(this.#server);
  }

  /** Everything up to `save.id` is on stable storage. To be called for each save, in order. */
  persisted(saveId: number): void {
    handlePersisted(this.#server, saveId);
  }

  /** The state machine has taken everything up to `index`. Changes of the configuration take effect here. */
  applied(index: number): void {
    applyChanges(this.#server, this.#server.applying.take(index));
  }

  /** For a host that does all of a ready before it asks for the next: it is saved and applied. */
  advance(ready: Ready): void {
    if (ready.save !== null) this.persisted(ready.save.id);
    const last = ready.committedEntries.at(-1);
    if (last !== undefined) this.applied(last.index);
  }

  /** Answers `ready.reads`; fewer entries than asked for, from `read.from` on, are fine. Null: they cannot be read. */
  entriesRead(read: LogRead, entries: readonly Entry[] | null): void {
    const server = this.#server;
    const found = entries === null || entries.length === 0 ? null : entries;
    if (read.to !== server.id) sendEntriesRead(server, read, found);
    else if (found === null) server.applying.diskRead = 'failed';
    else server.applying.keepFromDisk(found);
  }

  /** Answers `ready.snapshotReads`. Null: there is none, or it cannot be read. */
  snapshotRead(read: SnapshotRead, piece: SnapshotPiece | null): void {
    sendSnapshotRead(this.#server, read, piece);
  }

  /** A save failed; see durability.ts for the two fates. A leader steps down. */
  storageFailed(saveId: number, fate: 'refused' | 'unknown'): void {
    handleStorageFailed(this.#server, saveId, fate);
  }

  /** After a refusal: the log takes entries again. */
  storageBack(): void {
    handleStorageBack(this.#server);
  }

  get #isSilent(): boolean {
    return this.#server.storageState === 'failed';
  }

  #refusal(bytes: number): ProposalRefusal | null {
    const { role, isVoter, transferee, uncommittedBytes, options } = this.#server;
    // A leader that was removed only finishes what it began.
    if (role !== 'leader' || !isVoter) return 'not-leader';
    if (transferee !== null) return 'transferring';
    // One proposal always fits, however large, or it could never be made.
    const isOver = uncommittedBytes > 0 && uncommittedBytes + bytes > options.uncommittedBytesMax;
    return isOver ? 'overloaded' : null;
  }

  #taken(index: number): Proposal {
    return { ok: true, index, term: this.#server.term };
  }

  #refused(reason: ProposalRefusal): Proposal {
    return { ok: false, reason, leader: this.#server.leader };
  }
}
