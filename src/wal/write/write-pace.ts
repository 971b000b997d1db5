import type { CallMode } from '../../disk/port.js';

/** Recent inline groups that are looked at: enough to speak of a p99. */
const RECENT = 128;
/** A sync above this many milliseconds is slow: an event loop that stood still for it would be felt. */
const SLOW_MS = 1;
/** Where threads make a group wait longer than that, inline is the better of two evils, up to this. */
const SLOW_MS_MAX = 8;
/** How much longer a group may take on a thread before it is no longer worth to spare the event loop. */
const WORTH = 4;
/** Groups up to this size are written inline: about what a disk takes in as in one go. */
const INLINE_BYTES_MAX = 256 * 1024;
/** Slow ones among the recent that a p99 allows. */
const SLOW_ALLOWED = 1;
/** Groups that go to the threads until inline is tried again: so many the first time, twice as many each time it is slow again. */
const STAY_MIN = 8;
const STAY_MAX = 512;

/**
 * Decides where a group is written. Inline saves two hops between threads, which is half of a quick sync; but the event loop
 * stands still meanwhile, so `auto` does it only while the disk is quick.
 *
 * Only what was written inline says how quick the disk is: on a thread a group may have waited for the host's own work there,
 * and then inline is the quicker mode. So inline is tried again and again, ever more rarely while it is slow.
 */
export class WritePace {
  readonly #mode: 'auto' | 'inline' | 'background';
  readonly #isSlow = new Uint8Array(RECENT);
  #next = 0;
  #slowCount = 0;
  /** Groups for the threads until the next trial; 0 while groups are written inline. */
  #left = 0;
  #stay = STAY_MIN;
  #isTrial = false;
  /** About what a group takes on a thread now, the wait for it included. */
  #backgroundMs = 0;

  constructor(mode: 'auto' | 'inline' | 'background') {
    this.#mode = mode;
  }

  modeFor(bytes: number): CallMode {
    if (this.#mode !== 'auto') return this.#mode;
    return bytes <= INLINE_BYTES_MAX && this.#left === 0 ? 'inline' : 'background';
  }

  /** Learns how long a group took. */
  note(mode: CallMode, bytes: number, ms: number): void {
    if (this.#mode !== 'auto' || bytes > INLINE_BYTES_MAX) return;
    if (mode === 'background') {
      this.#backgroundMs += (ms - this.#backgroundMs) / 4;
      this.#left -= 1;
      return;
    }
    const limitMs = Math.min(SLOW_MS_MAX, Math.max(SLOW_MS, this.#backgroundMs / WORTH));
    const isSlow = ms >= limitMs ? 1 : 0;
    this.#slowCount += isSlow - (this.#isSlow[this.#next] as number);
    this.#isSlow[this.#next] = isSlow;
    this.#next = (this.#next + 1) % RECENT;
    if (this.#slowCount > SLOW_ALLOWED || (this.#isTrial && isSlow === 1)) this.#toThreads();
    else if (this.#next === 0) this.#stay = STAY_MIN;
    this.#isTrial = this.#left > 0;
  }

  #toThreads(): void {
    this.#left = this.#stay;
    this.#stay = Math.min(STAY_MAX, 2 * this.#stay);
    this.#isSlow.fill(0);
    this.#slowCount = 0;
    this.#next = 0;
    this.#backgroundMs = 0;
  }
}
