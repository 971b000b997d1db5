import { isKeelsonError } from '../../../src/errors/index.js';
import type { Entry, RaftLog, SnapshotData } from '../../../src/raft-log/contract.js';
import { invariant } from '../invariant.js';
import type { Message } from '../messages.js';
import type { LogRead, SnapshotRead } from './outbox.js';
import { handOver } from '../elect/hand-over.js';
import { OutgoingSnapshots } from '../snapshots/outgoing-snapshots.js';
import type { Raft } from '../raft.js';
import type { Ready, ReadySave } from './ready.js';
import type { SnapshotPiece } from '../snapshots/snapshot-transfer.js';

/** What a {@link RaftDriver} asks of the server around it. Each is called in the order in which the Raft wants it. */
export interface RaftHost {
  /** Hands messages to the network. They may be lost, late or doubled. */
  send(messages: readonly Message[]): void;
  /** Takes committed entries into the state machine, in order, each once after each start. */
  apply(entries: readonly Entry[]): void;
  /** A ready is under way and its entries are applied: the place to answer `readStates`, and to take a snapshot. */
  handled(ready: Ready): void;
  /** Keeps a piece of a snapshot that a leader sends. Offset 0 begins anew and voids what was kept. */
  keepPiece(piece: SnapshotPiece): void;
  /** All pieces that were kept, as one snapshot's data. What it throws, and a stream of it, fails the save. */
  incomingData(): SnapshotData;
  /** The log's newest snapshot came from a leader and is durable: put the state machine to it. */
  installed(): Promise<void>;
  /** This server takes no further part, and must be made anew from what the log holds once it is opened again. Told once. */
  failed(error: unknown): void;
  /** It goes on, but something did not work: no space, a read that failed. */
  troubled(error: unknown): void;

  /** The Raft has come to rest, and its status may have changed. */
  turned?(): void;
  /** The Raft or this host threw, which neither should: a bug. Default: {@link failed}. */
  threw?(error: unknown): void;
  /** For hosts that check what is promised: told before a save is handed to the log; `writes` false: all of it is left out. */
  saving?(save: ReadySave, writes: boolean): void;
  /** Told when a save is durable, before anything is said about it. */
  saved?(save: ReadySave): void;
  /** Told when the log had no room for a save, once the Raft has taken it back. */
  refused?(save: ReadySave, error: unknown): void;
}

/** What a {@link RaftDriver} is made of. */
export interface RaftDriverParts {
  /** Made from `log`; nobody else calls its `ready`, `persisted`, `applied` and the like. */
  readonly raft: Raft;
  /** Open, and this driver's alone to save to; snapshots are the host's to take. */
  readonly log: RaftLog;
  /** The server around it. */
  readonly host: RaftHost;
  /**
   * Runs a round once, soon: at the end of the turn of the event loop, so that all that happened in it shares one save and
   * one sync. `setImmediate` is meant. A simulation may run it at once.
   */
  readonly schedule: (round: () => void) => void;
  /** Lets the driver act: now (the default), later, or, where its process is over, never. */
  readonly admit?: (act: () => void) => void;
  /** Whether the process that this runs in still lives. Default: it does. */
  readonly isAlive?: () => boolean;
  /** Also writes a commit index that comes alone, which need not be. Default false. */
  readonly savesCommit?: boolean;
}

/** Readies that one round may lead to; more would be a loop that never ends. */
const READIES_MAX = 10_000;

/**
 * The loop around a {@link Raft} and its log: lets things happen to the Raft, and does what it then wants done.
 *
 * The one rule that matters: what the Raft wants said after a save is said when the log has said 'durable', and not
 * before. docs/plugging-in.md goes through it piece by piece.
 */
export class RaftDriver {
  readonly #parts: RaftDriverParts;
  readonly #outgoing: OutgoingSnapshots;
  #isWoken = false;
  #isStopped = false;

  /** Nothing happens before the first {@link feed}. */
  constructor(parts: RaftDriverParts) {
    this.#parts = parts;
    this.#outgoing = new OutgoingSnapshots(parts.log);
    parts.log.events.on('space-back', () => {
      this.feed((raft) => raft.storageBack());
    });
    parts.log.events.on('stalled', () => {
      this.feed(handOver);
    });
  }

  /** False once it was stopped or has failed. */
  get isRunning(): boolean {
    return !this.#isStopped && (this.#parts.isAlive?.() ?? true);
  }

  /** Lets something happen to the Raft (a message, a tick, a proposal), and does what it then wants done. */
  feed(happen: (raft: Raft) => void): void {
    const { raft, admit = now } = this.#parts;
    admit(() => {
      if (!this.isRunning) return;
      try {
        happen(raft);
      } catch (error) {
        this.#threw(error);
        return;
      }
      this.#wake();
    });
  }

  /** Does no more. Resolved: nothing of it reads the log any more, so that the log can be closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#outgoing.closeAll();
  }

  #wake(): void {
    if (this.#isWoken) return;
    this.#isWoken = true;
    this.#parts.schedule(() => {
      this.#isWoken = false;
      this.#round();
    });
  }

  #round(): void {
    const { raft, host } = this.#parts;
    try {
      for (let count = 0; this.isRunning && raft.hasReady; count += 1) {
        invariant(count <= READIES_MAX, 'it is never done');
        this.#carryOut(raft.ready());
      }
      host.turned?.();
    } catch (error) {
      this.#threw(error);
    }
  }

  #carryOut(ready: Ready): void {
    const { raft, host } = this.#parts;
    host.send(ready.messages);
    for (const piece of ready.snapshotPieces) host.keepPiece(piece);
    if (ready.save !== null) this.#save(ready.save, ready.messagesAfterSave);
    for (const read of ready.reads) void this.#readEntries(read);
    for (const read of ready.snapshotReads) void this.#readSnapshot(read);
    if (!this.isRunning) return;
    const last = ready.committedEntries.at(-1);
    if (last !== undefined) {
      host.apply(ready.committedEntries);
      raft.applied(last.index);
    }
    host.handled(ready);
  }

  /** Not awaited: further saves queue behind this one and share its sync. The log resolves them in order. */
  #save(save: ReadySave, messagesAfterSave: readonly Message[]): void {
    const { host, savesCommit = false } = this.#parts;
    const writes = save.mustSync || savesCommit;
    host.saving?.(save, writes);
    this.#write(save, writes).then(
      () => {
        this.feed((raft) => {
          host.saved?.(save);
          host.send(messagesAfterSave);
          if (this.isRunning) raft.persisted(save.id);
        });
      },
      (error: unknown) => {
        this.feed(() => {
          this.#saveFailed(save, error);
        });
      },
    );
  }

  async #write(save: ReadySave, writes: boolean): Promise<void> {
    const { log } = this.#parts;
    const { snapshot, entries, truncateFrom, hardState } = save;
    if (snapshot !== undefined) return this.#install(save);
    // A commit index alone owes no sync. It is still reported in its turn: behind the saves before it.
    if (!writes) await log.save({});
    else {
      await log.save({
        entries,
        ...(truncateFrom === undefined ? {} : { truncateFrom }),
        ...(hardState === undefined ? {} : { hardState }),
      });
    }
  }

  async #install({ snapshot, hardState }: ReadySave): Promise<void> {
    if (snapshot === undefined) return;
    const { log, host } = this.#parts;
    const data = host.incomingData();
    await log.installSnapshot({ ...snapshot, data, ...(hardState === undefined ? {} : { hardState }) });
    await host.installed();
  }

  /**
   * No space, or no descriptor: nothing of the save exists, so the Raft takes it back, and a leader steps down; it goes on
   * when the log says `space-back`. Anything else: nobody knows what the log holds until it is opened again.
   */
  #saveFailed(save: ReadySave, error: unknown): void {
    const { raft, host, log } = this.#parts;
    if (isShortage(error) && log.status === 'open') {
      raft.storageFailed(save.id, 'refused');
      host.refused?.(save, error);
      host.troubled(error);
    } else {
      raft.storageFailed(save.id, 'unknown');
      this.#fail(error);
    }
  }

  async #readEntries(read: LogRead): Promise<void> {
    const { log } = this.#parts;
    const { from, until, bytesMax } = read;
    const entries = await log.entries(from, until, { bytesMax }).catch((error: unknown) => {
      this.#readFailed(error);
      return null;
    });
    this.feed((raft) => {
      raft.entriesRead(read, entries);
    });
  }

  async #readSnapshot(read: SnapshotRead): Promise<void> {
    const piece = await this.#outgoing.read(read).catch((error: unknown) => {
      this.#readFailed(error);
      return null;
    });
    this.feed((raft) => {
      raft.snapshotRead(read, piece);
    });
  }

  /** A disk that does not answer may answer later. One that holds something else than was written must not lead. */
  #readFailed(error: unknown): void {
    if (!this.isRunning) return;
    // Compacted away, or replaced, since it was asked for: the Raft asks for something else.
    if (isKeelsonError(error, 'KEELSON_COMPACTED') || isKeelsonError(error, 'KEELSON_UNAVAILABLE')) return;
    if (isKeelsonError(error) && error.family === 'damage') this.#fail(error);
    else this.#parts.host.troubled(error);
  }

  #fail(error: unknown): void {
    if (!this.isRunning) return;
    this.#isStopped = true;
    this.#parts.host.failed(error);
  }

  #threw(error: unknown): void {
    const { host } = this.#parts;
    if (host.threw === undefined) this.#fail(error);
    else host.threw(error);
  }
}

function now(act: () => void): void {
  act();
}

/** Codes of a kernel for what may come back by itself: room, and descriptors. */
const SHORTAGES: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);

/** The log's own word for it, or the kernel's, where a snapshot coming in was being gathered. */
function isShortage(error: unknown): boolean {
  if (isKeelsonError(error))
    return error.code === 'KEELSON_NO_SPACE' || SHORTAGES.has(error.details.systemCode);
  return error instanceof Error && 'code' in error && SHORTAGES.has(error.code);
}
