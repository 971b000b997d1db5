import type { ReadState } from '../../../sim/raft/index.js';
import { TryAgainError } from './refusals.js';

/** Ticks after which a read is given up: its leader may have gone, and then no answer ever comes. */
const WAIT_TICKS_MAX = 20;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
  /** Index at which it may be answered; null until the leader has said. */
  index: number | null;
  ticks: number;
}

/** Clients that wait for a moment at which a read is linearizable (dissertation §6.4). */
export class PendingReads {
  readonly #waiting = new Map<string, Waiting>();
  #count = 0;

  /** A read of its own context for `readIndex`, and the promise that resolves when it may be answered. */
  wait(): { readonly context: string; readonly may: Promise<void> } {
    this.#count += 1;
    const context = String(this.#count);
    const may = new Promise<void>((resolve, reject) => {
      this.#waiting.set(context, { resolve, reject, index: null, ticks: 0 });
    });
    return { context, may };
  }

  /** The leader led when it was asked, and its commit index was then `index`. */
  confirmed({ context, index }: ReadState): void {
    const waiting = this.#waiting.get(context);
    if (waiting !== undefined) waiting.index = index;
  }

  /** The state machine holds everything up to `applied`. */
  release(applied: number): void {
    for (const [context, { index, resolve }] of this.#waiting) {
      if (index === null || index > applied) continue;
      this.#waiting.delete(context);
      resolve();
    }
  }

  tick(): void {
    for (const [context, waiting] of this.#waiting) {
      waiting.ticks += 1;
      if (waiting.ticks > WAIT_TICKS_MAX) this.reject(context, 'the leader did not confirm that it leads');
    }
  }

  reject(context: string, why: string): void {
    const waiting = this.#waiting.get(context);
    this.#waiting.delete(context);
    waiting?.reject(new TryAgainError(why));
  }

  rejectAll(why: string): void {
    for (const context of [...this.#waiting.keys()]) this.reject(context, why);
  }
}
