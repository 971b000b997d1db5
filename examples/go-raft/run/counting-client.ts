import { setTimeout as delay } from 'node:timers/promises';

const PAUSE_MS = 20;
const PATIENCE_MS = 6000;

/** A client that counts: it takes its next step when it was told that the one before is taken, and tries until it was. */
export class CountingClient {
  readonly name: string;
  /** The newest step that it was told of. */
  acknowledged = 0;
  readonly #urls: readonly string[];
  #at = 0;
  #isStopping = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(name: string, urls: readonly string[]) {
    this.name = name;
    this.#urls = urls;
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => error);
  }

  /** Resolved: it takes no more. Rejects with what the cluster told it wrongly, if it did. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const failure = await this.#running;
    if (failure !== undefined) throw failure as Error;
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      if (await this.#isTaken(this.acknowledged + 1)) {
        this.acknowledged += 1;
        continue;
      }
      // Another member may lead now.
      this.#at += 1;
      await delay(PAUSE_MS);
    }
  }

  async #isTaken(seq: number): Promise<boolean> {
    const url = `${this.#urls[this.#at % this.#urls.length]}/step`;
    const body = JSON.stringify({ client: this.name, seq });
    try {
      const answer = await fetch(url, { method: 'POST', body, signal: AbortSignal.timeout(PATIENCE_MS) });
      const text = await answer.text();
      if (answer.ok && Number(text) !== seq)
        throw new RangeError(`${this.name} took step ${seq}, the cluster is at ${text}`);
      return answer.ok;
    } catch (error) {
      if (error instanceof RangeError) throw error;
      return false;
    }
  }
}
