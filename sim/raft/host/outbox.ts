import type { NodeId } from '../members/configuration.js';
import type { Message } from '../messages.js';
import type { SnapshotPiece } from '../snapshots/snapshot-transfer.js';

/** Entries `[from, until)` that the host shall read from the log and hand to `entriesRead`. */
export interface LogRead {
  /** The follower they are for; this server itself if they are to be applied. */
  readonly to: NodeId;
  /** Term in which they were asked for; an answer of another term is dropped. */
  readonly term: number;
  /** The first index. */
  readonly from: number;
  /** One above the last. */
  readonly until: number;
  /** Most bytes of data to read; fewer entries are fine, but at least one. */
  readonly bytesMax: number;
}

/**
 * The next piece of the newest snapshot, which the host shall hand to `snapshotRead`. Offset 0 means to open the
 * newest snapshot anew; any other offset goes on where the last piece for this follower ended.
 */
export interface SnapshotRead {
  /** The follower that it is for. */
  readonly to: NodeId;
  /** Term in which it was asked for; an answer of another term is dropped. */
  readonly term: number;
  /** Where in the data the piece begins. */
  readonly offset: number;
  /** Size of the piece, unless the data ends before. */
  readonly bytesMax: number;
}

/** Answer to a `readIndex`: read once everything up to `index` is applied. */
export interface ReadState {
  /** As it was given to `readIndex`. */
  readonly context: string;
  /** Once this is applied, the read is linearizable. */
  readonly index: number;
}

/** What the algorithm wants of the world, gathered until the next `ready()`. */
export class Outbox {
  messages: Message[] = [];
  messagesAfterSave: Message[] = [];
  readStates: ReadState[] = [];
  reads: LogRead[] = [];
  snapshotReads: SnapshotRead[] = [];
  snapshotPieces: SnapshotPiece[] = [];

  /** Nothing is here that could go out without a save. */
  get isEmptyButForSave(): boolean {
    const { messages, readStates, reads, snapshotReads, snapshotPieces } = this;
    return (
      messages.length + readStates.length + reads.length + snapshotReads.length + snapshotPieces.length === 0
    );
  }

  /** Empties it; what waits for a save stays unless there can be one. */
  take(withSave: boolean): Omit<Outbox, 'take' | 'isEmptyButForSave' | 'dropUnsaved'> {
    const { messages, readStates, reads, snapshotReads, snapshotPieces } = this;
    const messagesAfterSave = withSave ? this.messagesAfterSave : [];
    this.messages = [];
    this.readStates = [];
    this.reads = [];
    this.snapshotReads = [];
    this.snapshotPieces = [];
    if (withSave) this.messagesAfterSave = [];
    return { messages, messagesAfterSave, readStates, reads, snapshotReads, snapshotPieces };
  }

  /** A save was refused: what would have been true after it must not be said. */
  dropUnsaved(): void {
    this.messagesAfterSave = [];
    this.snapshotPieces = [];
  }
}
