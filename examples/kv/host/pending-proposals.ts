import type { Entry } from '../../../src/index.js';
import type { Outcome } from '../state/key-value-state.js';
import { TryAgainError } from './refusals.js';

interface Waiting {
  readonly term: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

/** Clients that wait for the entry in which their command travels. */
export class PendingProposals {
  readonly #waiting = new Map<number, Waiting>();

  /** Resolves once the entry of `term` at `index` is applied. */
  wait(index: number, term: number): Promise<Outcome> {
    this.#reject(index);
    return new Promise((resolve, reject) => {
      this.#waiting.set(index, { term, resolve, reject });
    });
  }

  /** An entry was applied. One of another term took the place of the one that was waited for: that one is lost. */
  applied(entry: Entry, outcome: Outcome | null): void {
    const waiting = this.#waiting.get(entry.index);
    if (waiting === undefined) return;
    if (waiting.term === entry.term && outcome !== null) {
      this.#waiting.delete(entry.index);
      waiting.resolve(outcome);
    } else this.#reject(entry.index);
  }

  /** This node no longer knows what becomes of them. */
  rejectAll(): void {
    for (const index of [...this.#waiting.keys()]) this.#reject(index);
  }

  #reject(index: number): void {
    const waiting = this.#waiting.get(index);
    this.#waiting.delete(index);
    waiting?.reject(
      new TryAgainError('this node stopped leading; whether the write is kept is not known yet'),
    );
  }
}
