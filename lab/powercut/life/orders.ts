import type { LogPlace } from '../log-options.js';
import type { KillPlan } from './kill-plan.js';

/** What a writer process is told: one argument, as JSON. */
export interface WriterOrders {
  readonly log: LogPlace;
  /** Files beside the disk: what it may hold at first, the notes so far, the counter, the orders to fail. */
  readonly past: string;
  readonly notes: string;
  readonly count: string;
  readonly faults: string;
  readonly seed: number;
  /** After so many calls it ends. */
  readonly calls: number;
  readonly kill: KillPlan;
  /** Lets the disk fail now and then. */
  readonly errors: 'none' | 'some' | 'many';
  /** Fills the file system now and then. */
  readonly full: boolean;
  readonly wrong: string | null;
}
