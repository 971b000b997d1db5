import { setTimeout as delay } from 'node:timers/promises';
import { GivenUp, type Violation } from './violation.js';

/** How often a condition is looked at. */
const LOOK_MS = 10;

/**
 * Waits that cannot hang: each ends when what it waits for is there, when a violation was seen, when the
 * demonstration is broken off, or when its time is over.
 */
export class WatchedWait {
  readonly #endMs: number;
  readonly #seconds: number;
  readonly #violation: () => Violation | null;
  #isBrokenOff = false;

  constructor(seconds: number, violation: () => Violation | null) {
    this.#seconds = seconds;
    this.#endMs = performance.now() + seconds * 1000;
    this.#violation = violation;
  }

  breakOff(): void {
    this.#isBrokenOff = true;
  }

  /** Throws what has come up in the meantime, if anything has. */
  check(forWhat: string): void {
    const violation = this.#violation();
    if (violation !== null) throw violation;
    if (this.#isBrokenOff) throw new GivenUp('broken off');
    if (performance.now() > this.#endMs) {
      throw new GivenUp(`given up after ${this.#seconds} s, waiting for ${forWhat}`);
    }
  }

  async until(forWhat: string, isSo: () => boolean): Promise<void> {
    for (;;) {
      this.check(forWhat);
      if (isSo()) return;
      await delay(LOOK_MS);
    }
  }

  async pause(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    await this.until('a pause to end', () => performance.now() >= endMs);
  }
}
