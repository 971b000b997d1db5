import type { StableChange } from '../../format/stable-values.js';
import { judgeStable } from './stable-changes.js';
import { KeelsonError } from '../../errors/index.js';
import { entryChecksum } from '../../format/entry-checksum.js';
import type { HardState } from '../contract.js';
import type { GivenEntries } from './given-entries.js';
import { isSameHardState, judgeHardState, mergeHardState } from './judge-hard-state.js';
import type { JudgeRules, LogView } from './log-view.js';
import type { GivenSave } from './requests.js';

const NO_CHANGE: StableChange = new Map();

/** What an accepted save does to the log: drop the end, append, set hard state and small values; one atom (D1). */
export interface SavePlan {
  /** The log keeps its entries below this; `lastIndex + 1` if nothing is dropped. */
  readonly keepUntil: number;
  /** Entries to append, the first of them at `keepUntil`; bytes not copied yet. */
  readonly entries: GivenEntries;
  /** The hard state after this save. */
  readonly hardState: HardState;
  readonly hardStateChanged: boolean;
  /** What it changes of the small values; often nothing. */
  readonly stable: StableChange;
  /** Last index and its term after this save. */
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Nothing to write: the save only waits for what it was checked against. */
  readonly isEmpty: boolean;
}

/**
 * Decides what a save does, or refuses it; changes nothing.
 *
 * Truncation comes first, then entries against the log as truncated (Raft paper, figure 2), then hard state.
 * The interlocks are judged on the outcome.
 *
 * @param view - the state that the save follows: durable plus everything queued before it.
 * @throws KeelsonError of family `'caller'`: `KEELSON_TOO_LARGE`, `KEELSON_INDEX_GAP`, `KEELSON_COMPACTED`, `KEELSON_UNAVAILABLE`, `KEELSON_ENTRY_MISMATCH`, and under
 *   `checks: 'strict'` `KEELSON_COMMITTED_TRUNCATION`, `KEELSON_TERM_REGRESSION` and those of
 *   {@link judgeHardState}.
 */
export function judgeSave(view: LogView, given: GivenSave, rules: JudgeRules): SavePlan {
  const isStrict = rules.checks === 'strict';
  const { entries } = given;

  const truncatedTo = judgeTruncation(view, given.truncateFrom, isStrict);
  const keepUntil = entries.count === 0 ? truncatedTo : judgeEntries(view, entries, truncatedTo, isStrict);
  const termBefore = keepUntil > view.lastIndex ? view.lastTerm : view.term(keepUntil - 1);
  const lastIndex = keepUntil - 1 + entries.count;
  const lastTerm = entries.count === 0 ? termBefore : entries.term(lastIndex);

  const before = view.hardState;
  const hardState =
    given.hardState === undefined
      ? before
      : mergeHardState(before, given.hardState, view.snapshot?.index ?? -1);
  if (isStrict) {
    judgeRisingTerms(entries, termBefore);
    if (hardState !== before) judgeHardState(view, hardState, lastIndex);
    if (entries.count > 0) judgeTermsBelow(lastIndex, lastTerm, hardState.term);
  }

  const hardStateChanged = hardState !== before && !isSameHardState(hardState, before);
  const stable = given.stable === undefined ? NO_CHANGE : judgeStable(view.stable, given.stable);
  const isEmpty = keepUntil > view.lastIndex && entries.count === 0 && !hardStateChanged && stable.size === 0;
  return { keepUntil, entries, hardState, hardStateChanged, stable, lastIndex, lastTerm, isEmpty };
}

/** Where the log ends, exclusive, once `truncateFrom` is carried out. */
function judgeTruncation(view: LogView, from: number | undefined, isStrict: boolean): number {
  const end = view.lastIndex + 1;
  if (from === undefined || from === end) return end;
  if (from > end) {
    throw new KeelsonError(
      'KEELSON_UNAVAILABLE',
      `truncateFrom is ${String(from)}, beyond the end of the log: the last entry is ${String(view.lastIndex)}; nothing was changed. Truncate from ${String(end)} at most.`,
      { argument: 'truncateFrom', index: from, found: from, expected: end },
    );
  }
  const covered = coveredThrough(view);
  if (from <= covered) throw coveredTruncation('truncateFrom', from, covered);
  if (isStrict && from <= view.hardState.commit) throw committedTruncation(view, from, 'truncateFrom');
  return from;
}

/**
 * Figure 2, AppendEntries, steps 3 and 4: what is held already is skipped, the first conflict drops itself
 * and all behind it, the rest is appended. A stale request that is a prefix of what is held drops nothing.
 * Leaves in `entries` what is appended; returns where the log is kept until.
 */
function judgeEntries(view: LogView, entries: GivenEntries, end: number, isStrict: boolean): number {
  const { from, until } = entries;
  if (from > end) {
    throw new KeelsonError(
      'KEELSON_INDEX_GAP',
      `entries begin at ${String(from)} but the log ends at ${String(end - 1)}: entries ${String(end)}..${String(from - 1)} are missing; nothing was changed. Send them first.`,
      { argument: 'entries', index: from, found: from, expected: end },
    );
  }
  let keepUntil = end;
  // At the boundary and below, a snapshot covers the entry: it is committed, so it cannot conflict.
  for (let index = Math.max(from, view.firstIndex); index < until && index < end; index += 1) {
    if (entries.term(index) !== view.term(index)) {
      judgeConflict(view, index, isStrict);
      keepUntil = index;
      break;
    }
    judgeSameBytes(view, entries, index);
  }
  entries.dropBelow(keepUntil);
  return keepUntil;
}

function judgeConflict(view: LogView, index: number, isStrict: boolean): void {
  if (isStrict && index <= view.hardState.commit) throw committedTruncation(view, index, 'entries');
  // Also with the interlocks off: the log must never end below its own snapshot.
  const covered = coveredThrough(view);
  if (index <= covered) throw coveredTruncation('entries', index, covered);
}

/** One index and term name one entry (log matching, Raft paper 5.3); other bytes there mean a broken host. */
function judgeSameBytes(view: LogView, entries: GivenEntries, index: number): void {
  const held = view.checksum(index);
  if (held === undefined) return;
  const term = entries.term(index);
  const found = entryChecksum(index, term, entries.kind(index), entries.data(index));
  if (found === held) return;
  throw new KeelsonError(
    'KEELSON_ENTRY_MISMATCH',
    `entry ${String(index)} of term ${String(term)} is held with other bytes: its checksum is 0x${found.toString(16)}, expected 0x${held.toString(16)}; nothing was changed. Two leaders of one term, or a buffer that was reused too early?`,
    { argument: 'entries', index, term, found, expected: held },
  );
}

/** Interlock: terms never fall along the log, from the entry before the new ones on. */
function judgeRisingTerms(entries: GivenEntries, termBefore: number): void {
  let floor = termBefore;
  for (let index = entries.from; index < entries.until; index += 1) {
    const term = entries.term(index);
    if (term < floor) {
      throw new KeelsonError(
        'KEELSON_TERM_REGRESSION',
        `entry ${String(index)} has term ${String(term)}, but the entry before it has term ${String(floor)}; nothing was changed. Terms never fall along a log.`,
        { argument: 'entries', index, term, found: term, expected: floor },
      );
    }
    floor = term;
  }
}

/** Interlock: no entry is of a term that the server has not seen. Terms rise, so the last one tells for all. */
function judgeTermsBelow(index: number, term: number, hardStateTerm: number): void {
  if (term <= hardStateTerm) return;
  throw new KeelsonError(
    'KEELSON_TERM_REGRESSION',
    `entry ${String(index)} has term ${String(term)}, above the hard state's term ${String(hardStateTerm)} after this save; nothing was changed. Save the higher term with the entries.`,
    { argument: 'entries', index, term, found: term, expected: hardStateTerm },
  );
}

/** The highest index that cannot be dropped from the end: compacted away, or covered by the snapshot. */
function coveredThrough(view: LogView): number {
  return Math.max(view.firstIndex - 1, view.snapshot?.index ?? 0);
}

function coveredTruncation(argument: string, index: number, covered: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_COMPACTED',
    `${argument} would drop entry ${String(index)}, but everything up to ${String(covered)} is compacted or covered by the snapshot; nothing was changed. Only entries above it can be dropped.`,
    { argument, index, found: index, expected: covered + 1 },
  );
}

function committedTruncation(view: LogView, index: number, argument: string): KeelsonError {
  const { commit } = view.hardState;
  return new KeelsonError(
    'KEELSON_COMMITTED_TRUNCATION',
    `${argument} would drop entry ${String(index)}, but entries up to ${String(commit)} are committed; nothing was changed. A correct leader never asks for this: check who sent it.`,
    { argument, index, found: index, expected: commit + 1 },
  );
}
