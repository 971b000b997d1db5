import type { BenchOptions } from './options.js';
import type { Row } from './row.js';
import type { Scratch } from './scratch.js';

/** What a case gets to run. */
export interface CaseContext {
  readonly options: BenchOptions;
  readonly scratch: Scratch;
  /** Says how far the case is. */
  progress(what: string): void;
}

/** One comparison, run by its name. */
export interface BenchCase {
  readonly name: string;
  run(context: CaseContext): Promise<readonly Row[]>;
}
