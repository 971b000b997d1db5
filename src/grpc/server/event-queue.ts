import { Bell } from '../bell.js';
import { WATCHED_EVENTS } from '../limits.js';

/** Events for one watcher, which may be slow: the oldest go when there are too many, and are counted. */
export class EventQueue<T> implements AsyncIterable<{ readonly told: T; readonly missed: number }> {
  #waiting: T[] = [];
  #missed = 0;
  #hasEnded = false;
  readonly #more = new Bell();

  push(told: T): void {
    this.#waiting.push(told);
    if (this.#waiting.length > WATCHED_EVENTS) {
      this.#waiting.shift();
      this.#missed += 1;
    }
    this.#more.ring();
  }

  /** What waits is handed out still. */
  end(): void {
    this.#hasEnded = true;
    this.#more.ring();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ readonly told: T; readonly missed: number }, void> {
    for (;;) {
      const told = this.#waiting.shift();
      if (told !== undefined) {
        const missed = this.#missed;
        this.#missed = 0;
        yield { told, missed };
      } else if (this.#hasEnded) {
        return;
      } else {
        await this.#more.next();
      }
    }
  }
}
