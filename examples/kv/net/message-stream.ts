import type { ClientWritableStream, ServiceError } from '@grpc/grpc-js';

/** Bytes are not counted: Raft's own windows bound what it sends to one follower. This bounds the small messages. */
const QUEUE_MAX = 4096;
/** Milliseconds for which a broken stream is not opened again; what is sent meanwhile is lost, as Raft allows. */
const PAUSE_MS = 100;

export interface MessageStreamParts<T> {
  readonly open: (onEnd: (error: ServiceError | null) => void) => ClientWritableStream<T>;
  /** The stream broke, or its queue overflowed: what was sent of late may be lost. */
  readonly onLost: (error: ServiceError | null) => void;
}

/** Messages to one node, in order, no faster than it takes them; opened when needed, and again after it broke. */
export class MessageStream<T> {
  readonly #parts: MessageStreamParts<T>;
  #stream: ClientWritableStream<T> | null = null;
  #queue: T[] = [];
  #isBlocked = false;
  #notBeforeMs = 0;

  constructor(parts: MessageStreamParts<T>) {
    this.#parts = parts;
  }

  send(message: T): void {
    if (this.#stream === null && !this.#open()) return;
    if (this.#queue.length >= QUEUE_MAX) {
      this.#parts.onLost(null);
      return;
    }
    this.#queue.push(message);
    this.#flush();
  }

  close(): void {
    this.#notBeforeMs = Infinity;
    this.#drop()?.cancel();
  }

  #open(): boolean {
    if (performance.now() < this.#notBeforeMs) return false;
    const stream = this.#parts.open((error) => {
      if (this.#stream !== stream) return;
      this.#drop();
      this.#parts.onLost(error);
    });
    // What ends the stream is told by its status; without a listener it would end the process.
    stream.on('error', () => undefined);
    stream.on('drain', () => {
      if (this.#stream !== stream) return;
      this.#isBlocked = false;
      this.#flush();
    });
    this.#stream = stream;
    return true;
  }

  /** Stops at the first write that the receiver is not ready for: the rest waits here, where it is counted. */
  #flush(): void {
    let written = 0;
    while (!this.#isBlocked && written < this.#queue.length) {
      this.#isBlocked = this.#stream?.write(this.#queue[written] as T) === false;
      written += 1;
    }
    if (written > 0) this.#queue.splice(0, written);
  }

  #drop(): ClientWritableStream<T> | null {
    const stream = this.#stream;
    this.#stream = null;
    this.#queue = [];
    this.#isBlocked = false;
    this.#notBeforeMs = Math.max(this.#notBeforeMs, performance.now() + PAUSE_MS);
    return stream;
  }
}
