import type { Profile } from '../cli/any-plan.js';

/** One place of the sources, and what stands there instead. */
export interface Hunk {
  /** Path from the root of the repository. */
  readonly file: string;
  /** Text that stands in the file exactly once. */
  readonly find: string;
  readonly put: string;
}

/**
 * A bug as a real store had it, or nearly had it, put into a copy of our own: the search must find it. What would
 * mask it is taken away in the same patch, so that defence in depth hides none.
 */
export interface PlantedBug {
  readonly number: number;
  /** What the code does wrong, in a few words. */
  readonly name: string;
  /** The rule of docs/design.md that it breaks. */
  readonly rule: string;
  readonly hunks: readonly Hunk[];
  /** A defence that would hide it, and that the patch takes away too. */
  readonly withoutMask?: string;
  /** A feature that is not built: the bug is named, and counted once it is. */
  readonly waitsFor?: string;
  /** A plan that shows it, where the search may need more seeds than the gate allows; a file of sim/mutants/plans. */
  readonly plan?: string;
  /** The world in which it is searched for; default `'disk'`; `'session'`: a log and its server, and a network that is cut. */
  readonly profile?: Profile | 'session';
}
