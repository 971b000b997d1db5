/** Samples kept for percentiles: enough for a p99, small enough to sort when asked. */
const SAMPLES = 1024;

/** Times in milliseconds, of the most recent 1,024 samples. */
export interface Durations {
  /** Samples since open, also those that are no longer kept. */
  readonly count: number;
  /** Half of the samples took no longer. */
  readonly p50: number;
  /** Of a hundred, one took longer. */
  readonly p99: number;
  /** The longest. */
  readonly max: number;
}

/** The most recent durations of one kind of work. */
export class RecentDurations {
  readonly #samples = new Float64Array(SAMPLES);
  #count = 0;

  add(ms: number): void {
    this.#samples[this.#count % SAMPLES] = ms;
    this.#count += 1;
  }

  summary(): Durations {
    const sorted = this.#samples.slice(0, Math.min(this.#count, SAMPLES)).sort();
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { count: this.#count, p50: at(0.5), p99: at(0.99), max: at(1) };
  }
}

/** What the wal counts since open. */
export class WalCounters {
  groups = 0;
  syncs = 0;
  frameBytes = 0;
  zeroFillBytes = 0;
  rotations = 0;
  segmentsRecycled = 0;
  endMarksFailed = 0;
  sparseBytes = 0;
  readonly syncMs: RecentDurations = new RecentDurations();

  zeroFilled(bytes: number): void {
    this.zeroFillBytes += bytes;
  }
}
