import type { RaftLog } from '../../../src/index.js';
import {
  type Message,
  OutgoingSnapshots,
  type SnapshotId,
  type SnapshotPiece,
} from '../../../sim/raft/index.js';

const PIECE_BYTES = 256 * 1024;
/** Ticks without an answer after which the follower, or the way to it, is taken for lost. */
const PATIENCE_TICKS = 20;

interface Sending {
  readonly snapshot: SnapshotId;
  /** Sent behind the last piece: the engine's own message, without which the pieces mean nothing. */
  readonly message: () => void;
  /** What the follower has when it answers next. */
  nextOffset: number;
  isLast: boolean;
  ticks: number;
}

/** Snapshots on their way to followers, one piece at a time: the next is read when the last was answered. */
export class SnapshotSending {
  readonly #self: string;
  readonly #outgoing: OutgoingSnapshots;
  readonly #send: (message: Message) => void;
  readonly #over: (to: string, isDone: boolean) => void;
  readonly #sendings = new Map<string, Sending>();

  /** `over` is told of each whether it was sent whole. */
  constructor(
    self: string,
    log: RaftLog,
    send: (message: Message) => void,
    over: (to: string, isDone: boolean) => void,
  ) {
    this.#self = self;
    this.#outgoing = new OutgoingSnapshots(log);
    this.#send = send;
    this.#over = over;
  }

  /** The snapshot that was promised, and no newer one. */
  start(to: string, snapshot: SnapshotId, message: () => void): void {
    const sending: Sending = { snapshot, message, nextOffset: 0, isLast: false, ticks: 0 };
    this.#sendings.set(to, sending);
    this.#next(to, sending);
  }

  answered(to: string, snapshot: SnapshotId, offset: number): void {
    const sending = this.#sendings.get(to);
    const { index, term } = sending?.snapshot ?? { index: 0, term: 0 };
    if (sending?.nextOffset !== offset || snapshot.index !== index || snapshot.term !== term) return;
    sending.ticks = 0;
    if (!sending.isLast) {
      this.#next(to, sending);
      return;
    }
    sending.message();
    this.#end(to, true);
  }

  tick(): void {
    for (const [to, sending] of this.#sendings) {
      sending.ticks += 1;
      if (sending.ticks > PATIENCE_TICKS) this.#end(to, false);
    }
  }

  lost(to: string): void {
    if (this.#sendings.has(to)) this.#end(to, false);
  }

  async stop(): Promise<void> {
    this.#sendings.clear();
    await this.#outgoing.closeAll();
  }

  #next(to: string, sending: Sending): void {
    const { index } = sending.snapshot;
    const read = { to, offset: sending.nextOffset, bytesMax: PIECE_BYTES, index };
    this.#outgoing.read(read).then(
      (piece) => {
        if (this.#sendings.get(to) !== sending) return;
        if (piece === null) this.#end(to, false);
        else this.#sendPiece(to, sending, piece);
      },
      () => {
        if (this.#sendings.get(to) === sending) this.#end(to, false);
      },
    );
  }

  #sendPiece(to: string, sending: Sending, piece: SnapshotPiece): void {
    sending.nextOffset += piece.data.length;
    sending.isLast = piece.isLast;
    this.#send({ type: 'snapshot-chunk', from: this.#self, to, term: sending.snapshot.term, ...piece });
  }

  #end(to: string, isDone: boolean): void {
    this.#sendings.delete(to);
    this.#over(to, isDone);
  }
}
