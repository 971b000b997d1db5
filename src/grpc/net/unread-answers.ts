import { constants, type ServerHttp2Stream } from 'node:http2';
import { UNREAD_BYTES_A_MS, UNREAD_BYTES_MAX, UNREAD_MS_MIN } from '../limits.js';

/**
 * Answers that wait for their clients to take them, of all calls. A client may open no window, or go on with nothing: each
 * of its calls is memory, and has a log, a descriptor, or a place among the calls, for as long as it stays.
 *
 * Invariant: in order of how long they have waited, so that where there is no room for all of them the one that is let go
 * is the one whose client takes nothing, and never one that is being read.
 */
export class UnreadAnswers {
  readonly #unreadMs: number;
  readonly #now: () => number;
  readonly #waiting = new Map<ServerHttp2Stream, { readonly sinceMs: number; readonly bytes: number }>();
  #bytes = 0;
  #sweeping: NodeJS.Timeout | undefined;

  constructor(unreadMs: number, now: () => number) {
    this.#unreadMs = unreadMs;
    this.#now = now;
  }

  /** Something was handed to that stream, or has left it. */
  note(stream: ServerHttp2Stream): void {
    this.forget(stream);
    const bytes = stream.writableLength;
    if (bytes === 0) return;
    this.#waiting.set(stream, { sinceMs: this.#now(), bytes });
    this.#bytes += bytes;
    this.#sweeping ??= setInterval(this.#sweep, this.#unreadMs / 4).unref();
    for (const [oldest, { sinceMs }] of this.#waiting) {
      if (this.#bytes <= UNREAD_BYTES_MAX || this.#now() - sinceMs < UNREAD_MS_MIN) return;
      this.#letGo(oldest);
    }
  }

  forget(stream: ServerHttp2Stream): void {
    const waiting = this.#waiting.get(stream);
    if (waiting === undefined) return;
    this.#waiting.delete(stream);
    this.#bytes -= waiting.bytes;
  }

  /** Large ones may take longer, on a slow line. */
  readonly #sweep = (): void => {
    for (const [stream, { sinceMs, bytes }] of this.#waiting)
      if (this.#now() - sinceMs > this.#unreadMs + bytes / UNREAD_BYTES_A_MS) this.#letGo(stream);
    if (this.#waiting.size > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  };

  /** A status would wait behind the answer. To its client it looks like a lost connection: it may ask again. */
  #letGo(stream: ServerHttp2Stream): void {
    this.forget(stream);
    stream.close(constants.NGHTTP2_CANCEL);
  }
}
