import type { CallMode } from '../../disk/port.js';

/** Recent groups that are looked at: enough to speak of a p99. */
const RECENT = 128;
/** A sync above this many milliseconds is slow: an event loop that stood still for it would be felt. */
const SLOW_MS = 1;
/** Groups up to this size are written inline: about what a disk takes in as in one go. */
const INLINE_BYTES_MAX = 256 * 1024;
/** Slow ones among the recent that a p99 allows. */
const SLOW_ALLOWED = 1;

/**
 * Decides where a group is written. Inline saves two hops between threads, which is half of a quick sync; but
 * the event loop stands still meanwhile, so `auto` does it only while recent syncs were quick.
 */
export class WritePace {
  readonly #mode: 'auto' | 'inline' | 'background';
  readonly #isSlow = new Uint8Array(RECENT);
  #next = 0;
  #slowCount = 0;

  constructor(mode: 'auto' | 'inline' | 'background') {
    this.#mode = mode;
  }

  modeFor(bytes: number): CallMode {
    if (this.#mode !== 'auto') return this.#mode;
    return bytes <= INLINE_BYTES_MAX && this.#slowCount <= SLOW_ALLOWED ? 'inline' : 'background';
  }

  /** Learns how long a group took. */
  note(ms: number): void {
    const isSlow = ms >= SLOW_MS ? 1 : 0;
    this.#slowCount += isSlow - (this.#isSlow[this.#next] as number);
    this.#isSlow[this.#next] = isSlow;
    this.#next = (this.#next + 1) % RECENT;
  }
}
