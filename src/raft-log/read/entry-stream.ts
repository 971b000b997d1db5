import type { ReadEntry } from '../contract.js';

/** What a stream of entries hands out, and what ends it. */
export interface EntrySource {
  readonly chunks: AsyncIterator<ReadEntry[], void, undefined>;
  /** Called when a chunk has come. */
  readonly onChunk: () => void;
  /** Called before the entry of this index is handed out; what it throws ends the stream. */
  readonly check: (index: number) => void;
}

type Step = IteratorResult<ReadEntry, undefined>;

/**
 * Hands out the entries of chunks one by one. Written by hand, since a generator that passes each on takes three times as
 * long: a step within a chunk makes one promise, which is settled.
 */
export class EntryStream implements AsyncIterableIterator<ReadEntry, undefined, undefined> {
  /** Called by the first step, and by no other. */
  #open: (() => EntrySource) | null;
  #source: EntrySource | null = null;
  #chunk: readonly ReadEntry[] = [];
  #at = 0;
  /** The last step that waits for a chunk, or for one that does; null if none does. */
  #turn: Promise<unknown> | null = null;

  constructor(open: () => EntrySource) {
    this.#open = open;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Step> {
    if (this.#turn !== null || this.#at === this.#chunk.length) return this.#inTurn(() => this.#advance());
    try {
      return Promise.resolve(this.#handOut());
    } catch (error) {
      return this.#inTurn(() => this.#fail(error));
    }
  }

  return(): Promise<Step> {
    return this.#inTurn(() => this.#end());
  }

  #handOut(): Step {
    const value = this.#chunk[this.#at] as ReadEntry;
    this.#source?.check(value.index);
    this.#at += 1;
    return { done: false, value };
  }

  async #advance(): Promise<Step> {
    try {
      if (this.#open !== null) this.#source = this.#begin(this.#open);
      if (this.#at < this.#chunk.length) return this.#handOut();
      const source = this.#source;
      const step = await source?.chunks.next();
      if (source === null || step === undefined || step.done === true) return await this.#end();
      source.onChunk();
      this.#chunk = step.value;
      this.#at = 0;
      return this.#handOut();
    } catch (error) {
      return this.#fail(error);
    }
  }

  #begin(open: () => EntrySource): EntrySource {
    this.#open = null;
    return open();
  }

  async #fail(error: unknown): Promise<never> {
    await this.#end();
    throw error;
  }

  async #end(): Promise<Step> {
    const { chunks } = this.#source ?? {};
    this.#open = null;
    this.#source = null;
    this.#chunk = [];
    this.#at = 0;
    await chunks?.return?.();
    return { done: true, value: undefined };
  }

  /** Steps that were asked for while one waits come behind it, in order. */
  #inTurn(step: () => Promise<Step>): Promise<Step> {
    const turn = this.#turn === null ? step() : this.#turn.then(step, step);
    this.#turn = turn;
    const settle = (): void => {
      if (this.#turn === turn) this.#turn = null;
    };
    turn.then(settle, settle);
    return turn;
  }
}
