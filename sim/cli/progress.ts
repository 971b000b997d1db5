import type { Tally } from './tally.js';

/** Milliseconds between two lines of progress. */
const EVERY_MS = 1000;

/** One line that is written over while the search goes on; on a pipe, a line every now and then. */
export class Progress {
  readonly #tally: Tally;
  readonly #startMs: number = Date.now();
  #toldMs = 0;

  constructor(tally: Tally) {
    this.#tally = tally;
  }

  get seconds(): number {
    return (Date.now() - this.#startMs) / 1000;
  }

  /** To be called after each run. */
  tick(): void {
    const every = process.stderr.isTTY ? EVERY_MS : 20 * EVERY_MS;
    if (Date.now() - this.#toldMs < every) return;
    this.#toldMs = Date.now();
    this.#write(this.line());
  }

  note(text: string): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
    process.stderr.write(`${text}\n`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  }

  line(): string {
    const { scenarios, crashes, virtualMs, failed, faults, reached } = this.#tally;
    const rate = (scenarios / Math.max(0.001, this.seconds)).toFixed(0);
    const failures = failed.length === 0 ? 'none found' : `${failed.length} FOUND`;
    return (
      `${scenarios} seeds, ${rate}/s, ${crashes} crashes, ${hours(virtualMs)} h virtual, ` +
      `syncs failed ${faults['sync-failed'] + faults['directory-sync-failed']}, ` +
      `no space ${faults['no-space-injected'] + faults['no-space-natural']}, ` +
      `locks lost ${faults['lock-lost']}, rot ${faults['bit-flipped'] + faults['sector-made-unreadable']}, ` +
      `reach ${reached.count}/${reached.of}, ${failures}`
    );
  }

  #write(line: string): void {
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  }
}

function hours(ms: number): string {
  return (ms / 3_600_000).toFixed(1);
}
