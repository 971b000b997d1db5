import fc from 'fast-check';
import type { HardStateChange, SaveRequest } from '../raft-log/contract.js';
import type { ArrayLog } from './array-log.js';
import { entriesOf } from './scene.js';

/** One step of a random sequence: plain data, relative to the log as it then is, so that shrinking works. */
export type RandomStep =
  | { readonly kind: 'save'; readonly save: RandomSave }
  /** Saves that are not waited for one by one. */
  | { readonly kind: 'burst'; readonly saves: readonly RandomSave[] }
  | { readonly kind: 'createSnapshot'; readonly at: number }
  /** With the term that the log holds there, or with one so far below the hard state's. */
  | {
      readonly kind: 'installSnapshot';
      readonly ahead: number;
      readonly term: 'held' | number;
    }
  | { readonly kind: 'compact'; readonly at: number };

/** A save, relative to the end, commit and term of the log. */
export interface RandomSave {
  /** `truncateFrom` is this far below `lastIndex + 1`; null for none. */
  readonly truncate: number | null;
  /** The first entry is this far below `lastIndex + 1`; a negative number makes a gap. */
  readonly back: number;
  /** The rise of each entry's term over the one before it; 0 mostly. */
  readonly rises: readonly number[];
  /** Take the terms that are held already, as a repeated AppendEntries does, for so many entries. */
  readonly repeated: number;
  readonly termRise: number;
  readonly vote: string | null | undefined;
  readonly commitRise: number | undefined;
}

/** One of these, each as often as its weight says. */
function weighted<T>(...choices: readonly (readonly [number, fc.Arbitrary<T>])[]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

const between = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });

/**
 * Most are legal, so that the log gets somewhere; of every kind of refusal there are some. The weights were
 * set by counting what the sequences reach.
 */
const randomSave: fc.Arbitrary<RandomSave> = fc.record({
  truncate: weighted<number | null>([12, fc.constant(null)], [2, between(0, 4)], [1, between(-1, 8)]),
  back: weighted([6, fc.constant(0)], [5, between(1, 5)], [1, between(-1, 10)]),
  rises: weighted(
    [3, fc.array(fc.constant(0), { maxLength: 5 })],
    [3, fc.array(weighted([3, fc.constant(0)], [1, fc.constant(1)]), { maxLength: 5 })],
    [1, fc.array(between(-1, 2), { maxLength: 5 })],
  ),
  repeated: weighted([2, fc.constant(0)], [1, between(1, 4)]),
  termRise: weighted([5, fc.constant(0)], [4, between(1, 2)], [1, fc.constant(-1)]),
  vote: weighted<string | null | undefined>(
    [6, fc.constant(undefined)],
    [2, fc.constantFrom('a', 'b', 'ü', null)],
  ),
  commitRise: weighted<number | undefined>(
    [6, fc.constant(undefined)],
    [2, between(0, 2)],
    [1, between(-2, 4)],
  ),
});

/** Sequences of steps. */
export function randomSteps(stepsMax: number): fc.Arbitrary<RandomStep[]> {
  const step = weighted<RandomStep>(
    [10, fc.record({ kind: fc.constant('save' as const), save: randomSave })],
    [
      3,
      fc.record({
        kind: fc.constant('burst' as const),
        saves: fc.array(randomSave, { minLength: 2, maxLength: 5 }),
      }),
    ],
    [2, fc.record({ kind: fc.constant('createSnapshot' as const), at: between(-1, 3) })],
    [
      1,
      fc.record({
        kind: fc.constant('installSnapshot' as const),
        ahead: between(-3, 3),
        term: weighted<'held' | number>([1, fc.constant('held')], [2, between(-1, 3)]),
      }),
    ],
    [2, fc.record({ kind: fc.constant('compact' as const), at: between(-1, 3) })],
  );
  // Without a size, arrays stay around ten steps, whatever their maximum.
  return fc.array(step, { maxLength: stepsMax, size: 'max' });
}

/** The request that a random save stands for on this log; wrong ones are meant to be refused. */
export function requestOf(save: RandomSave, log: ArrayLog): SaveRequest {
  const truncateFrom = save.truncate === null ? undefined : Math.max(0, log.lastIndex + 1 - save.truncate);
  const end = Math.min(truncateFrom ?? Infinity, log.lastIndex + 1);
  const from = Math.max(1, end - save.back);
  const hardTerm = Math.max(0, log.hardState.term + save.termRise);
  return {
    ...(truncateFrom === undefined ? {} : { truncateFrom }),
    entries: entriesOf(from, termsFrom(save, log, from, hardTerm)),
    hardState: hardStateOf(save, log, hardTerm),
  };
}

/** Index and term of the snapshot that a random install stands for on this log. */
export function installOf(
  step: RandomStep & { readonly kind: 'installSnapshot' },
  log: ArrayLog,
): { readonly index: number; readonly term: number } {
  const index = Math.max(1, log.lastIndex + step.ahead);
  const isHeld = index >= log.boundary && index <= log.lastIndex;
  if (step.term === 'held') return { index, term: isHeld ? log.termAt(index) : log.hardState.term };
  return { index, term: Math.max(0, log.hardState.term - step.term) };
}

/** Some terms as they are held, then terms that mostly rise, up to the hard state's. */
function termsFrom(save: RandomSave, log: ArrayLog, from: number, hardTerm: number): number[] {
  const terms: number[] = [];
  for (
    let index = from;
    terms.length < save.repeated && index > log.boundary && index <= log.lastIndex;
    index += 1
  ) {
    terms.push(log.termAt(index));
  }
  const before = from + terms.length - 1;
  let term = before >= log.boundary && before <= log.lastIndex ? log.termAt(before) : hardTerm;
  for (const rise of save.rises) {
    // Mostly legal, and one above the hard state now and then.
    term = Math.max(1, Math.min(term + rise, hardTerm + (rise === 2 ? 1 : 0)));
    terms.push(term);
  }
  return terms;
}

function hardStateOf(save: RandomSave, log: ArrayLog, term: number): HardStateChange {
  const commit =
    save.commitRise === undefined ? undefined : Math.max(0, log.hardState.commit + save.commitRise);
  return {
    ...(save.termRise === 0 ? {} : { term }),
    ...(save.vote === undefined ? {} : { vote: save.vote }),
    ...(commit === undefined ? {} : { commit }),
  };
}
