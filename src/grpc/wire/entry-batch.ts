import { invalidArgument } from '../../errors/arguments.js';
import type { KeelsonError } from '../../errors/index.js';
import { LIMITS } from '../../format/limits.js';
import type { ReadEntry } from '../../raft-log/contract.js';
import { GivenEntries } from '../../raft-log/rules/given-entries.js';
import type { EntryBatch, TermRun } from '../generated/keelson/v1/raft_log.js';
import { ENTRIES_MAX } from '../limits.js';

/**
 * Entries that follow each other, at least one, as they travel. The data of a single one stays the caller's.
 *
 * @param isGivenUp the entries are needed no more: their data are moved together where they stand
 */
export function packEntries(entries: readonly ReadEntry[], isGivenUp: boolean = false): EntryBatch {
  const termRuns: TermRun[] = [];
  const sizes: number[] = [];
  let bytes = 0;
  let runTerm = -1;
  let anyKind = 0;
  for (const { index, term, kind, data } of entries) {
    if (term !== runTerm) termRuns.push({ index, term });
    runTerm = term;
    anyKind |= kind;
    sizes.push(data.length);
    bytes += data.length;
  }
  const kinds = anyKind === 0 ? NONE : Uint8Array.from(entries, ({ kind }) => kind);
  const data = (isGivenUp ? movedTogether(entries, bytes) : null) ?? joined(entries, bytes);
  return { termRuns, sizes, kinds, data };
}

const NONE = new Uint8Array(0);

function joined(entries: readonly ReadEntry[], bytes: number): Uint8Array {
  const [first] = entries;
  if (entries.length === 1 && first !== undefined) return first.data;
  // All of it is written over.
  const all = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const { data } of entries) {
    all.set(data, at);
    at += data.length;
  }
  return all;
}

/** Null where they do not stand in one buffer, one behind the other: as a read brings them, in one that is theirs alone. */
function movedTogether(entries: readonly ReadEntry[], bytes: number): Uint8Array | null {
  const { buffer, byteOffset } = (entries[0] as ReadEntry).data;
  let until = byteOffset;
  for (const { data } of entries) {
    if (data.buffer !== buffer || data.byteOffset < until) return null;
    until = data.byteOffset + data.length;
  }
  const all = new Uint8Array(buffer);
  let at = byteOffset;
  for (const { data } of entries) {
    all.copyWithin(at, data.byteOffset, data.byteOffset + data.length);
    at += data.length;
  }
  return all.subarray(byteOffset, byteOffset + bytes);
}

/** What is wrong with a batch: an argument, what it is, and what it should be. */
type Wrong = (argument: string, found: unknown, expected: string) => KeelsonError;

/**
 * The same entries again, their data views of the batch's; throws what `wrong` makes of a batch that does not add up, before
 * anything is made of it.
 */
export function unpackEntries(
  { termRuns, sizes, kinds, data }: EntryBatch,
  wrong: Wrong = invalidArgument,
): GivenEntries {
  const count = sizes.length;
  const from = termRuns[0]?.index ?? 0;
  if (count === 0 || count > ENTRIES_MAX)
    throw wrong('entries.sizes', count, `the sizes of 1..${ENTRIES_MAX} entries`);
  if (from < 1 || from > LIMITS.indexMax - count + 1)
    throw wrong('entries.term_runs', from, `an index, from 1 on, of the first of ${count} entries`);
  if (kinds.length !== 0 && kinds.length !== count)
    throw wrong('entries.kinds', kinds.length, `none, or ${count}, one for each entry`);
  let bytes = 0;
  for (const size of sizes) bytes += size;
  if (bytes !== data.length) throw wrong('entries.data', data.length, `${bytes} bytes, as the sizes say`);
  return GivenEntries.of(
    from,
    termsOf(termRuns, from, count, wrong),
    kinds.length === 0 ? new Array<number>(count).fill(0) : Array.from(kinds),
    pieces(data, sizes),
  );
}

function termsOf(runs: readonly TermRun[], from: number, count: number, wrong: Wrong): number[] {
  const terms: number[] = [];
  for (const [at, { index, term }] of runs.entries()) {
    const end = runs[at + 1]?.index ?? from + count;
    if (end <= index || end > from + count)
      throw wrong('entries.term_runs', end, `an index of ${index + 1}..${from + count - 1}`);
    while (terms.length < end - from) terms.push(term);
  }
  return terms;
}

function pieces({ buffer, byteOffset }: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  let at = byteOffset;
  return sizes.map((size) => {
    const piece = new Uint8Array(buffer, at, size);
    at += size;
    return piece;
  });
}
