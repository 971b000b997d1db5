import type { FrameFields } from '../../format/frame-header.js';
import type { UnreadableRun } from './walk-lost-frame.js';

/**
 * Which numbered records of a segment cannot be read, as its frames come in order: what a later frame replaced is
 * not missed. Only the lost ones are kept, in runs.
 */
export class RecordLedger {
  /** Lowest number that a frame wrote or truncated to. */
  lowest: number;
  #until: number;
  #lost: UnreadableRun[] = [];

  /** @param from one above the last number before the segment */
  constructor(from: number) {
    this.lowest = from;
    this.#until = from;
  }

  /** A segment whose seal says what it holds. */
  static ofSealed(lowest: number, until: number, lost: readonly UnreadableRun[]): RecordLedger {
    const ledger = new RecordLedger(lowest);
    ledger.#until = until;
    ledger.#lost = [...lost];
    return ledger;
  }

  /** One above the last number, as of the last frame. */
  get until(): number {
    return this.#until;
  }

  get unreadable(): readonly UnreadableRun[] {
    return this.#lost;
  }

  /**
   * A frame, whole or not.
   *
   * @param lost of its records, in order
   * @param offset where those stood that are missing in front of it, if any are
   */
  frame(
    { from, until, resets }: Pick<FrameFields, 'from' | 'until' | 'resets'>,
    lost: readonly UnreadableRun[],
    offset: number,
  ): void {
    if (!resets && from > this.#until) this.#lost.push({ from: this.#until, until: from, offset });
    this.#lost = resets ? [] : below(this.#lost, from);
    this.lowest = resets ? from : Math.min(this.lowest, from);
    for (const run of lost) this.#lost.push(run);
    this.#until = until;
  }

  /** The log was durable up to here, which nothing in the segment bears out. */
  missingUntil(until: number, offset: number): void {
    this.frame(
      { from: Math.max(until, this.#until), until: Math.max(until, this.#until), resets: false },
      [],
      offset,
    );
  }

  copy(): RecordLedger {
    return RecordLedger.ofSealed(this.lowest, this.#until, this.#lost);
  }
}

function below(runs: readonly UnreadableRun[], until: number): UnreadableRun[] {
  const last = runs[runs.length - 1];
  if (last === undefined || last.until <= until) return [...runs];
  return runs.filter((run) => run.from < until).map((run) => (run.until <= until ? run : { ...run, until }));
}
