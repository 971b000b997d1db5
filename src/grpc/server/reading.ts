import type { HostedLog } from './log-source.js';

/** A log that was lent to who reads it. */
export interface Loan {
  readonly hosted: HostedLog | Promise<HostedLog>;
  giveBack(): Promise<void>;
  /** What the reader is told that met this error. */
  toldOf(error: unknown): unknown;
}

/**
 * What is read of a log that is lent meanwhile: from the first that is asked for to the last, or until the reader leaves,
 * which it may at any time.
 */
export class Reading<T> implements AsyncIterableIterator<T, void, undefined> {
  readonly #lend: () => Loan;
  readonly #read: (hosted: HostedLog) => AsyncIterable<T, void>;
  #loan: Loan | null = null;
  #source: AsyncIterator<T, void> | null = null;
  #isOver = false;

  constructor(lend: () => Loan, read: (hosted: HostedLog) => AsyncIterable<T, void>) {
    this.#lend = lend;
    this.#read = read;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, void>> {
    try {
      if (!this.#isOver) this.#source ??= await this.#begin();
      const step = this.#isOver ? undefined : await this.#source?.next();
      if (step?.done === false) return step;
    } catch (error) {
      const told = this.#loan?.toldOf(error) ?? error;
      await this.#end();
      throw told;
    }
    return this.return();
  }

  async #begin(): Promise<AsyncIterator<T, void>> {
    this.#loan = this.#lend();
    return this.#read(await this.#loan.hosted)[Symbol.asyncIterator]();
  }

  async return(): Promise<IteratorResult<T, void>> {
    await this.#end();
    return { done: true, value: undefined };
  }

  async #end(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      await this.#source?.return?.();
    } finally {
      await this.#loan?.giveBack();
    }
  }
}
