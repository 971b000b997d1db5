/** Exit codes of a search that was ended by a signal and found nothing: 128 and the signal's number, as shells have it. */
const EXIT_CODES: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/** What one thread sees of an interruption: not zero once no further seed is to be begun. */
export type StopFlag = Int32Array<SharedArrayBuffer>;

/**
 * The first SIGINT or SIGTERM ends a search behind the seeds that are under way, in all its threads, so that what was
 * found until then is told; a second one ends the process at once.
 */
export class Interruption {
  readonly flag: StopFlag = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #signal: string | null = null;

  listen(): void {
    for (const signal of Object.keys(EXIT_CODES)) process.once(signal, this.#onSignal);
  }

  unlisten(): void {
    for (const signal of Object.keys(EXIT_CODES)) process.off(signal, this.#onSignal);
  }

  /** Null if no signal came. */
  get exitCode(): number | null {
    return this.#signal === null ? null : (EXIT_CODES[this.#signal] ?? null);
  }

  readonly #onSignal = (signal: string): void => {
    this.unlisten();
    this.#signal = signal;
    Atomics.store(this.flag, 0, 1);
  };
}
