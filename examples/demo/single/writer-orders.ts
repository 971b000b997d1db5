import type { Sabotage } from './options.js';

/** What the parent tells a writer at its birth. */
export interface WriterOrders {
  /**
   * `'opening'`: only open the log, and wait for the end. What a recovery decided is not known before the log is
   * held against what was heard, so nothing may be written until then.
   */
  readonly life: 'writing' | 'opening';
  readonly dir: string;
  readonly input: string;
  readonly seed: number;
  readonly segmentBytes: number;
  readonly sabotage: Sabotage;
}
