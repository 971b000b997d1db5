import type { CallMode } from '../../disk/port.js';

/** Groups of up to so many bytes are of one pace, up to the second of another; larger ones go to the threads. */
const SMALL_BYTES_MAX = 256 * 1024;
const LARGE_BYTES_MAX = 2 * 1024 * 1024;
/** Where inline groups take so long, an event loop that stands still for them is felt: less for many small than for few large. */
const SMALL_SLOW_MS = 1;
const LARGE_SLOW_MS = 4;
/** Where threads make a group wait longer than that, inline is the better of two evils, up to this many times as long. */
const SLOW_TIMES_MAX = 8;
/** How many times as long a group may take on a thread before it is no longer worth to spare the event loop. */
const WORTH = 1.5;
/** A mode is taken for the quicker one if its groups take at most this share of the other's time. */
const QUICKER = 0.8;
/**
 * Inline groups of which the middle one is judged: a hiccup or two among so many say nothing of a disk. It is judged from
 * the second number of them on.
 */
const JUDGED_LAST = 9;
const JUDGED_FROM = 3;
/**
 * And the mean of about so many, which may be this many times as long: where every third group hangs, the middle one is
 * quick. One that hangs counts for no more than a slow disk makes of all of them.
 */
const MEAN_OF = 16;
const MEAN_TIMES = 4;
const BACKGROUND_MEAN_OF = 4;
/** Inline groups in a row that make a trial: enough for the mean to tell. */
const TRIAL_OF = 4 * MEAN_OF;
/** Groups that go to the threads until inline is tried again: so many the first time, twice as many each time it is no better. */
const STAY_MIN = 8;
const STAY_MAX = 512;
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
  readonly #small = new Pace(SMALL_SLOW_MS);
  readonly #large = new Pace(LARGE_SLOW_MS);

  constructor(mode: 'auto' | 'inline' | 'background') {
    this.#mode = mode;
  }

  modeFor(bytes: number): CallMode {
    if (this.#mode !== 'auto') return this.#mode;
    return this.#paceOf(bytes)?.mode ?? 'background';
  }

  /** Learns how long a group took. */
  note(mode: CallMode, bytes: number, ms: number): void {
    if (this.#mode === 'auto') this.#paceOf(bytes)?.note(mode, ms);
  }

  #paceOf(bytes: number): Pace | null {
    if (bytes <= SMALL_BYTES_MAX) return this.#small;
    return bytes <= LARGE_BYTES_MAX ? this.#large : null;
  }
}

/** The pace of groups of about one size. */
class Pace {
  readonly #slowMs: number;
  /** What the last inline groups took, since they were last tried; the oldest is replaced by the next. */
  readonly #inline = new Float64Array(JUDGED_LAST);
  #inlineInARow = 0;
  /** Means of what a group took lately; 0 where that is not known. */
  #inlineMeanMs = 0;
  #backgroundMs = 0;
  /** Groups for the threads until inline is tried; 0 while groups are written inline. */
  #left = 0;
  #stay = STAY_MIN;
  /** Inline is tried behind threads, whose cost is known. */
  #isTrial = false;
  /** The threads are only tried. */
  #areThreadsTried = false;

  constructor(slowMs: number) {
    this.#slowMs = slowMs;
  }

  get mode(): CallMode {
    return this.#left === 0 ? 'inline' : 'background';
  }

  note(mode: CallMode, ms: number): void {
    if (mode === 'background') this.#noteBackground(ms);
    else this.#noteInline(ms);
  }

  #noteBackground(ms: number): void {
    this.#backgroundMs = meanWith(this.#backgroundMs, this.#bounded(ms), BACKGROUND_MEAN_OF);
    this.#left -= 1;
    if (this.#left > 0) return;
    if (!this.#areThreadsTried) this.#isTrial = true;
    else if (this.#backgroundMs < this.#inlineMs() * QUICKER) this.#stayWithThreads();
    this.#areThreadsTried = false;
  }

  #noteInline(ms: number): void {
    this.#inline[this.#inlineInARow % JUDGED_LAST] = ms;
    this.#inlineInARow += 1;
    this.#inlineMeanMs = meanWith(this.#inlineMeanMs, this.#bounded(ms), MEAN_OF);
    if (this.#inlineInARow < JUDGED_FROM) return;
    if (this.#isInlineWorse()) {
      this.#stayWithThreads();
      return;
    }
    if (this.#inlineInARow === TRIAL_OF) {
      this.#isTrial = false;
      this.#stay = STAY_MIN;
    }
    if (this.#inlineInARow % TRY_THREADS_AFTER !== 0) return;
    this.#areThreadsTried = true;
    this.#backgroundMs = 0;
    this.#left = TRY_THREADS_WITH;
  }

  /** As a mean takes it. */
  #bounded(ms: number): number {
    return Math.min(ms, MEAN_OF * this.#slowMs);
  }

  #isInlineWorse(): boolean {
    // Quick groups, by far the most, need not be sorted.
    if (!this.#isTrial && this.#inlineMeanMs < this.#slowMs) return false;
    const limitMs = Math.min(
      SLOW_TIMES_MAX * this.#slowMs,
      Math.max(this.#slowMs, this.#backgroundMs / WORTH),
    );
    const inlineMs = this.#inlineMs();
    if (inlineMs >= limitMs) return true;
    if (this.#inlineMeanMs >= MEAN_TIMES * this.#slowMs) return true;
    return this.#isTrial && this.#backgroundMs < inlineMs * QUICKER;
  }

  /** What an inline group takes: the middle one of the last. */
  #inlineMs(): number {
    const last = this.#inline.slice(0, Math.min(this.#inlineInARow, JUDGED_LAST)).sort();
    return last[last.length >> 1] as number;
  }

  #stayWithThreads(): void {
    this.#left = this.#stay;
    this.#stay = Math.min(STAY_MAX, 2 * this.#stay);
    this.#isTrial = false;
    this.#inlineInARow = 0;
    this.#inlineMeanMs = 0;
    this.#backgroundMs = 0;
  }
}

/** The mean of the last groups, about, with one more; the first one is the mean. */
function meanWith(mean: number, ms: number, of: number): number {
  return mean === 0 ? ms : mean + (ms - mean) / of;
}
