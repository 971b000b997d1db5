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
  | { readonly kind: 'installSnapshot'; readonly ahead: number; readonly termBelow: number }
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

/** Sequences of steps. */
export function randomSteps(stepsMax: number): fc.Arbitrary<RandomStep[]> {
  const rarely = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(arbitrary, { nil: undefined, freq: 2 });
  const save: fc.Arbitrary<RandomSave> = fc.record({
    truncate: fc.option(fc.integer({ min: -1, max: 6 }), { freq: 1 }),
    back: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 3, arbitrary: fc.integer({ min: -1, max: 8 }) },
    ),
    rises: fc.array(fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.integer({ min: -1, max: 2 })), {
      maxLength: 6,
    }),
    repeated: fc.nat(4),
    termRise: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: -1, max: 2 })),
    vote: rarely(fc.constantFrom('a', 'b', 'ü', null)),
    commitRise: rarely(fc.integer({ min: -2, max: 4 })),
  });
  return fc.array(
    fc.oneof(
      { weight: 10, arbitrary: fc.record({ kind: fc.constant('save' as const), save }) },
      {
        weight: 3,
        arbitrary: fc.record({
          kind: fc.constant('burst' as const),
          saves: fc.array(save, { minLength: 2, maxLength: 5 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({
          kind: fc.constant('createSnapshot' as const),
          at: fc.integer({ min: -1, max: 5 }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          kind: fc.constant('installSnapshot' as const),
          ahead: fc.integer({ min: -4, max: 6 }),
          termBelow: fc.integer({ min: -1, max: 3 }),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('compact' as const), at: fc.integer({ min: -1, max: 3 }) }),
      },
    ),
    { maxLength: stepsMax },
  );
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
