import { KeelsonError } from '../../errors/index.js';
import { entryChecksum } from '../../format/entry-checksum.js';
import type { Entry, HardState, SaveRequest } from '../contract.js';
import { isSameHardState, judgeHardState, mergeHardState } from './judge-hard-state.js';
import type { JudgeRules, LogView } from './log-view.js';
import { checkSaveRequest } from './requests.js';

/** What an accepted save does to the log: drop the end, append, set the hard state; one atom (D1). */
export interface SavePlan {
  /** The log keeps its entries below this; `lastIndex + 1` if nothing is dropped. */
  readonly keepUntil: number;
  /** Entries to append, the first of them at `keepUntil`. The caller's own objects, bytes not copied. */
  readonly entries: readonly Entry[];
  /** The hard state after this save. */
  readonly hardState: HardState;
  readonly hardStateChanged: boolean;
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
 * @throws KeelsonError of family `'caller'`: `KEELSON_INVALID_ARGUMENT`, `KEELSON_INDEX_GAP`,
 *   `KEELSON_TOO_LARGE`, `KEELSON_COMPACTED`, `KEELSON_UNAVAILABLE`, `KEELSON_ENTRY_MISMATCH`, and under
 *   `checks: 'strict'` `KEELSON_COMMITTED_TRUNCATION`, `KEELSON_TERM_REGRESSION` and those of
 *   {@link judgeHardState}.
 */
export function judgeSave(view: LogView, request: SaveRequest, rules: JudgeRules): SavePlan {
  checkSaveRequest(request);
  const isStrict = rules.checks === 'strict';

  const truncatedTo = judgeTruncation(view, request.truncateFrom, isStrict);
  const { keepUntil, entries } = judgeEntries(view, request.entries ?? [], truncatedTo, isStrict);
  const termBefore = keepUntil > view.lastIndex ? view.lastTerm : view.term(keepUntil - 1);
  const lastEntry = entries[entries.length - 1];
  const lastIndex = keepUntil - 1 + entries.length;
  const lastTerm = lastEntry?.term ?? termBefore;

  const hardState =
    request.hardState === undefined
      ? view.hardState
      : mergeHardState(view.hardState, request.hardState, view.snapshot?.index ?? -1);
  if (isStrict) {
    judgeRisingTerms(entries, termBefore);
    judgeHardState(view, hardState, lastIndex);
    judgeTermsBelow(lastEntry, hardState.term);
  }

  const hardStateChanged = !isSameHardState(hardState, view.hardState);
  const isEmpty = keepUntil > view.lastIndex && entries.length === 0 && !hardStateChanged;
  return { keepUntil, entries, hardState, hardStateChanged, lastIndex, lastTerm, isEmpty };
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
 */
function judgeEntries(
  view: LogView,
  entries: readonly Entry[],
  end: number,
  isStrict: boolean,
): { readonly keepUntil: number; readonly entries: readonly Entry[] } {
  const first = entries[0];
  if (first === undefined) return { keepUntil: end, entries };
  if (first.index > end) {
    throw new KeelsonError(
      'KEELSON_INDEX_GAP',
      `entries begin at ${String(first.index)} but the log ends at ${String(end - 1)}: entries ${String(end)}..${String(first.index - 1)} are missing; nothing was changed. Send them first.`,
      { argument: 'entries', index: first.index, found: first.index, expected: end },
    );
  }
  let position = 0;
  for (; position < entries.length; position += 1) {
    const entry = entries[position] as Entry;
    if (entry.index >= end)
      return { keepUntil: end, entries: position === 0 ? entries : entries.slice(position) };
    // At the boundary and below, a snapshot covers the entry: it is committed, so it cannot conflict.
    if (entry.index < view.firstIndex) continue;
    if (entry.term !== view.term(entry.index)) {
      judgeConflict(view, entry.index, isStrict);
      return { keepUntil: entry.index, entries: position === 0 ? entries : entries.slice(position) };
    }
    judgeSameBytes(view, entry);
  }
  return { keepUntil: end, entries: [] };
}

function judgeConflict(view: LogView, index: number, isStrict: boolean): void {
  if (isStrict && index <= view.hardState.commit) throw committedTruncation(view, index, 'entries');
  // Also with the interlocks off: the log must never end below its own snapshot.
  const covered = coveredThrough(view);
  if (index <= covered) throw coveredTruncation('entries', index, covered);
}

/** One index and term name one entry (log matching, Raft paper 5.3); other bytes there mean a broken host. */
function judgeSameBytes(view: LogView, entry: Entry): void {
  const held = view.checksum(entry.index);
  if (held === undefined) return;
  const found = entryChecksum(entry.index, entry.term, entry.kind ?? 0, entry.data);
  if (found === held) return;
  throw new KeelsonError(
    'KEELSON_ENTRY_MISMATCH',
    `entry ${String(entry.index)} of term ${String(entry.term)} is held with other bytes: its checksum is 0x${found.toString(16)}, expected 0x${held.toString(16)}; nothing was changed. Two leaders of one term, or a buffer that was reused too early?`,
    { argument: 'entries', index: entry.index, term: entry.term, found, expected: held },
  );
}

/** Interlock: terms never fall along the log, from the entry before the new ones on. */
function judgeRisingTerms(entries: readonly Entry[], termBefore: number): void {
  let floor = termBefore;
  for (const entry of entries) {
    if (entry.term < floor) {
      throw new KeelsonError(
        'KEELSON_TERM_REGRESSION',
        `entry ${String(entry.index)} has term ${String(entry.term)}, but the entry before it has term ${String(floor)}; nothing was changed. Terms never fall along a log.`,
        { argument: 'entries', index: entry.index, term: entry.term, found: entry.term, expected: floor },
      );
    }
    floor = entry.term;
  }
}

/** Interlock: no entry is of a term that the server has not seen. Terms rise, so the last one tells for all. */
function judgeTermsBelow(last: Entry | undefined, hardStateTerm: number): void {
  if (last === undefined || last.term <= hardStateTerm) return;
  throw new KeelsonError(
    'KEELSON_TERM_REGRESSION',
    `entry ${String(last.index)} has term ${String(last.term)}, above the hard state's term ${String(hardStateTerm)} after this save; nothing was changed. Save the higher term with the entries.`,
    { argument: 'entries', index: last.index, term: last.term, found: last.term, expected: hardStateTerm },
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
