import type { RecoveryReport } from '../../../src/index.js';

/** What the parent itself saw, over the whole run. */
export class Tally {
  kills = 0;
  killsInsideRecovery = 0;
  /** Reopened logs, by the verdict of their recovery. */
  readonly verdicts: Map<string, number> = new Map<string, number>();
  bytesCut = 0;
  /** Saves that were not acknowledged and are there whole. */
  savesBeyond = 0;
  /** Time in which a writer was at work, from open to its end. */
  writingMs = 0;

  countRecovery({ verdict, cut }: RecoveryReport): void {
    this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1);
    this.bytesCut += cut?.bytes ?? 0;
  }
}
