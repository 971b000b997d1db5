import {
  type Configuration,
  decodeConfiguration,
  ENTRY_KIND,
  encodeConfiguration,
  type LogRead,
  type Message,
  NO_CONFIGURATION,
  Raft,
  type RaftOptions,
  type ReadState,
  type Ready,
  type ReadySave,
  type SnapshotPiece,
  type SnapshotRead,
} from '../../../../sim/raft/index.js';
import type { Entry } from '../../../../src/raft-log/contract.js';
import { Disk } from './disk.js';

/** A save that the disk has not finished. */
interface PendingSave {
  readonly save: ReadySave;
  readonly snapshotData: Uint8Array | null;
  readonly messages: readonly Message[];
}

/** What a test watches a server by. */
export interface Watcher {
  readonly sent: (member: Member, message: Message) => void;
  readonly offered: (member: Member, save: ReadySave) => void;
  readonly applied: (member: Member, entry: Entry) => void;
  readonly read: (member: Member, read: ReadState) => void;
}

export type Tuning = Omit<RaftOptions, 'id' | 'storage' | 'random' | 'configuration' | 'appliedIndex'>;

/** One server with its host: a disk that finishes saves when told to, a state machine that is a list of commands. */
export class Member {
  readonly id: string;
  readonly disk: Disk = new Disk();
  readonly #first: Configuration;
  readonly #tuning: Tuning;
  readonly #random: () => number;
  readonly #watcher: Watcher;
  raft: Raft | null = null;
  pendingSaves: PendingSave[] = [];
  pendingReads: LogRead[] = [];
  pendingSnapshotReads: SnapshotRead[] = [];
  /** The commands applied so far. */
  commands: string[] = [];
  #pieces: Uint8Array[] = [];
  /** The last ready had work to do; a loop that never ends would be a bug. */
  #turns = 0;

  constructor(id: string, first: Configuration, tuning: Tuning, random: () => number, watcher: Watcher) {
    this.id = id;
    this.#first = first;
    this.#tuning = tuning;
    this.#random = random;
    this.#watcher = watcher;
  }

  get isUp(): boolean {
    return this.raft !== null;
  }

  start(): void {
    const snapshot = this.disk.snapshot;
    this.commands = snapshot === null ? [] : decodeCommands(snapshot.data);
    this.raft = new Raft({
      ...this.#tuning,
      id: this.id,
      storage: this.disk,
      random: this.#random,
      configuration: snapshot === null ? this.#first : decodeConfiguration(snapshot.conf),
      appliedIndex: snapshot?.index ?? 0,
    });
  }

  /** Loses everything but the disk, on which the first `survivingSaves` of the saves under way also land. */
  crash(survivingSaves: number): void {
    for (const { save, snapshotData } of this.pendingSaves.slice(0, survivingSaves))
      this.disk.save(save, snapshotData);
    this.raft = null;
    this.pendingSaves = [];
    this.pendingReads = [];
    this.pendingSnapshotReads = [];
    this.#pieces = [];
  }

  /** Does what the Raft asks for, all but what takes the disk's time. */
  pump(): void {
    this.#turns = 0;
    while (this.raft?.hasReady === true) {
      this.#turns += 1;
      if (this.#turns > 1000) throw new Error(`${this.id} is never done`);
      this.#take(this.raft, this.raft.ready());
    }
  }

  /** Lets the disk finish the oldest save. */
  finishSave(): void {
    const pending = this.pendingSaves.shift();
    if (pending === undefined || this.raft === null) return;
    this.disk.save(pending.save, pending.snapshotData);
    if (pending.save.snapshot !== undefined)
      this.commands = decodeCommands(pending.snapshotData ?? new Uint8Array(0));
    for (const message of pending.messages) this.#watcher.sent(this, message);
    this.raft.persisted(pending.save.id);
  }

  /** Has the disk refuse the oldest save and so all behind it. */
  refuseSaves(): void {
    const [first] = this.pendingSaves;
    this.pendingSaves = [];
    if (first !== undefined) this.raft?.storageFailed(first.save.id, 'refused');
  }

  finishReads(): void {
    const reads = this.pendingReads;
    const snapshotReads = this.pendingSnapshotReads;
    this.pendingReads = [];
    this.pendingSnapshotReads = [];
    for (const read of reads) this.raft?.entriesRead(read, this.disk.entries(read.from, read.until));
    for (const read of snapshotReads) this.raft?.snapshotRead(read, this.#piece(read));
  }

  /** Makes a snapshot of the state machine and compacts the log up to it, behind the saves under way. */
  compact(): void {
    while (this.pendingSaves.length > 0) this.finishSave();
    const index = this.raft?.status.applied ?? 0;
    if (this.raft === null || index < this.disk.firstIndex) return;
    const conf = encodeConfiguration(this.raft.status.configuration);
    this.disk.compact({ index, term: this.disk.term(index), conf, data: encodeCommands(this.commands) });
  }

  #take(raft: Raft, ready: Ready): void {
    for (const message of ready.messages) this.#watcher.sent(this, message);
    for (const piece of ready.snapshotPieces) {
      if (piece.offset === 0) this.#pieces = [];
      this.#pieces.push(piece.data);
    }
    if (ready.save !== null) {
      this.#watcher.offered(this, ready.save);
      const snapshotData = ready.save.snapshot === undefined ? null : concat(this.#pieces);
      this.pendingSaves.push({ save: ready.save, snapshotData, messages: ready.messagesAfterSave });
    }
    this.pendingReads.push(...ready.reads);
    this.pendingSnapshotReads.push(...ready.snapshotReads);
    for (const entry of ready.committedEntries) {
      if (entry.kind === ENTRY_KIND.command) this.commands.push(new TextDecoder().decode(entry.data));
      this.#watcher.applied(this, entry);
    }
    const last = ready.committedEntries.at(-1);
    if (last !== undefined) raft.applied(last.index);
    for (const read of ready.readStates) this.#watcher.read(this, read);
  }

  #piece(read: SnapshotRead): SnapshotPiece | null {
    const stored = this.disk.snapshot;
    if (stored === null) return null;
    const { data, ...snapshot } = stored;
    // A snapshot that was replaced while it was being sent: as if its reader had broken off.
    if (read.offset > data.length) return null;
    const end = Math.min(data.length, read.offset + read.bytesMax);
    return { snapshot, offset: read.offset, data: data.slice(read.offset, end), isLast: end === data.length };
  }
}

export { NO_CONFIGURATION };

function encodeCommands(commands: readonly string[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(commands));
}

function decodeCommands(data: Uint8Array): string[] {
  const value: unknown = JSON.parse(new TextDecoder().decode(data));
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new TypeError('not a list of commands');
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}
