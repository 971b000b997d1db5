import type { CallMode } from '../../disk/port.js';

/** Where inline groups take so long in the mean, an event loop that stands still for them is felt. */
const SLOW_MS = 1;
/** Where threads make a group wait longer than that, inline is the better of two evils, up to this. */
const SLOW_MS_MAX = 8;
/** How much longer a group may take on a thread before it is no longer worth to spare the event loop. */
const WORTH = 4;
/** A mode is taken for the quicker one if its groups take at most this share of the other's time. */
const QUICKER = 0.8;
/** Groups up to this size are written inline: about what a disk takes in as in one go. */
const INLINE_BYTES_MAX = 256 * 1024;
/** Groups that a mean looks back on, about: a hiccup or two among so many say nothing of a disk. */
const INLINE_MEAN_OF = 16;
const BACKGROUND_MEAN_OF = 4;
/** Groups that go to the threads until inline is tried again: so many the first time, twice as many each time it is no better. */
const STAY_MIN = 8;
const STAY_MAX = 512;
/** Inline groups in a row after which that is forgotten. */
const FORGIVEN_AFTER = 128;
/** Inline groups after which the threads are tried, and with how many. */
const TRY_THREADS_AFTER = 1024;
const TRY_THREADS_WITH = 2;

/**
 * Decides where a group is written. Inline saves two hops between threads, which is half of a quick sync; but the event loop
 * stands still meanwhile, so `auto` does it only while the disk is quick.
 *
 * What each mode has cost lately decides, and neither is believed for long: on a thread a group may have waited for the
 * host's own work there, and then inline is the quicker mode. So the other one is tried again and again, inline ever more
 * rarely while it is slow.
 */
export class WritePace {
  readonly #mode: 'auto' | 'inline' | 'background';
  /** Means of what a group took lately; 0 where that is not known. */
  #inlineMs = 0;
  #backgroundMs = 0;
  /** Groups for the threads until inline is tried; 0 while groups are written inline. */
  #left = 0;
  #stay = STAY_MIN;
  /** The next inline group is the first one behind threads. */
  #isTrial = false;
  /** The threads are only tried. */
  #areThreadsTried = false;
  #inlineInARow = 0;

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
    if (mode === 'background') this.#noteBackground(ms);
    else this.#noteInline(ms);
  }

  #noteBackground(ms: number): void {
    this.#backgroundMs = meanWith(this.#backgroundMs, ms, BACKGROUND_MEAN_OF);
    this.#left -= 1;
    if (this.#left > 0) return;
    this.#isTrial = !this.#areThreadsTried;
    if (this.#areThreadsTried && this.#backgroundMs < this.#inlineMs * QUICKER) this.#stayWithThreads();
    this.#areThreadsTried = false;
  }

  #noteInline(ms: number): void {
    this.#inlineMs = meanWith(this.#isTrial ? 0 : this.#inlineMs, ms, INLINE_MEAN_OF);
    const limitMs = Math.min(SLOW_MS_MAX, Math.max(SLOW_MS, this.#backgroundMs / WORTH));
    const isSlower = this.#isTrial && this.#backgroundMs < this.#inlineMs * QUICKER;
    this.#isTrial = false;
    if (this.#inlineMs >= limitMs || isSlower) {
      this.#stayWithThreads();
      return;
    }
    this.#inlineInARow += 1;
    if (this.#inlineInARow === FORGIVEN_AFTER) this.#stay = STAY_MIN;
    if (this.#inlineInARow % TRY_THREADS_AFTER !== 0) return;
    this.#areThreadsTried = true;
    this.#backgroundMs = 0;
    this.#left = TRY_THREADS_WITH;
  }

  #stayWithThreads(): void {
    this.#left = this.#stay;
    this.#stay = Math.min(STAY_MAX, 2 * this.#stay);
    this.#inlineInARow = 0;
    this.#backgroundMs = 0;
  }
}

/** The mean of the last groups, about, with one more; the first one is the mean. */
function meanWith(mean: number, ms: number, of: number): number {
  return mean === 0 ? ms : mean + (ms - mean) / of;
}
