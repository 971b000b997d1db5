import { KeelsonError } from '../../errors/index.js';
import type { HardState } from '../contract.js';
import { isSameHardState, judgeHardState, mergeHardState } from './judge-hard-state.js';
import type { JudgeRules, LogView } from './log-view.js';
import type { GivenInstall, GivenSnapshot } from './requests.js';

/** What an accepted snapshot does to the log. */
export interface SnapshotPlan {
  /** The snapshot covers the log up to this index, whose entry has this term. */
  readonly index: number;
  readonly term: number;
  /** The log has this very snapshot already: there is no data to take. */
  readonly isHeld: boolean;
  /** False if the whole log is replaced: it is then empty and begins at `index + 1`. */
  readonly keepsLog: boolean;
  /** The hard state after the record of this snapshot. */
  readonly hardState: HardState;
  readonly hardStateChanged: boolean;
  /** The log after it. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** What is judged of a snapshot of the host's own state. */
export interface CreateSnapshotTerms extends Pick<GivenSnapshot, 'index'> {
  /** The term that the first judgement found; given when the record is queued, left out at the call. */
  readonly term?: number;
}

/** What is judged of a snapshot from a leader. */
export type InstallSnapshotTerms = Pick<GivenInstall, 'index' | 'term' | 'hardState'>;

/**
 * Judges `createSnapshot`, at the call and again, with the term found then, when its record is queued: the
 * data streamed meanwhile, and saves went on beside it.
 *
 * @throws `KEELSON_SNAPSHOT_OUT_OF_DATE` (not above
 *   the newest), `KEELSON_COMPACTED` (below the boundary, its term is unknown), `KEELSON_UNAVAILABLE` (above
 *   the last entry), `KEELSON_COMMITTED_TRUNCATION` (another entry took its place meanwhile).
 */
export function judgeCreateSnapshot(view: LogView, request: CreateSnapshotTerms): SnapshotPlan {
  const { index } = request;
  judgeNewer(view, index);
  if (index < view.firstIndex - 1) {
    throw new KeelsonError(
      'KEELSON_COMPACTED',
      `index is ${String(index)}, but the log begins behind ${String(view.firstIndex - 1)}; nothing was changed. Snapshot the state at a later index.`,
      { argument: 'index', index, found: index, expected: view.firstIndex - 1 },
    );
  }
  if (index > view.lastIndex) {
    throw new KeelsonError(
      'KEELSON_UNAVAILABLE',
      `index is ${String(index)}, beyond the last entry ${String(view.lastIndex)}; nothing was changed. Snapshot a state that the log has reached.`,
      { argument: 'index', index, found: index, expected: view.lastIndex },
    );
  }
  const term = view.term(index);
  if (request.term !== undefined && request.term !== term) throw otherTermHeld(index, request.term, term);

  // The state at `index` was applied, so `index` is committed, whether or not the host has said so.
  const hardState = withCommit(view.hardState, index);
  return planOf(view, { index, term, isHeld: false, keepsLog: true, hardState });
}

/**
 * Judges `installSnapshot`, at the call and again when its record is queued. The newest snapshot itself, by index and
 * term, is no error: a leader that heard no answer sends it again.
 *
 * @throws `KEELSON_SNAPSHOT_OUT_OF_DATE` (not above
 *   the newest, or below where the log begins), and under `checks: 'strict'` `KEELSON_COMMITTED_TRUNCATION`
 *   (a committed entry there has another term), those of {@link judgeHardState}, `KEELSON_TERM_REGRESSION`
 *   (`term` above the hard state's term after it).
 */
export function judgeInstallSnapshot(
  view: LogView,
  request: InstallSnapshotTerms,
  rules: JudgeRules,
): SnapshotPlan {
  const { index, term } = request;
  const isHeld = view.snapshot?.index === index && view.snapshot.term === term;
  if (!isHeld) judgeNewer(view, index);
  // A log that was reset has a boundary and no snapshot: what lies below it is older than the log itself.
  if (index < view.firstIndex - 1) throw outOfDate(index, view.firstIndex - 1);

  const heldTerm = index <= view.lastIndex ? view.term(index) : undefined;
  const keepsLog = isHeld || heldTerm === term;
  const merged = mergeHardState(view.hardState, request.hardState ?? {}, index);
  if (rules.checks === 'strict') {
    if (heldTerm !== undefined && !keepsLog && index <= view.hardState.commit) {
      throw otherTermHeld(index, term, heldTerm);
    }
    judgeHardState(view, merged, keepsLog ? view.lastIndex : index);
    judgeKnownTerm(index, term, merged.term);
  }
  return planOf(view, { index, term, isHeld, keepsLog, hardState: withCommit(merged, index) });
}

function planOf(
  view: LogView,
  outcome: Pick<SnapshotPlan, 'index' | 'term' | 'isHeld' | 'keepsLog' | 'hardState'>,
): SnapshotPlan {
  const { index, term, isHeld, keepsLog, hardState } = outcome;
  return {
    index,
    term,
    isHeld,
    keepsLog,
    hardState,
    hardStateChanged: !isSameHardState(hardState, view.hardState),
    firstIndex: keepsLog ? view.firstIndex : index + 1,
    lastIndex: keepsLog ? view.lastIndex : index,
    lastTerm: keepsLog ? view.lastTerm : term,
  };
}

function withCommit(hardState: HardState, index: number): HardState {
  return hardState.commit >= index ? hardState : { ...hardState, commit: index };
}

function judgeNewer(view: LogView, index: number): void {
  if (view.snapshot !== null && index <= view.snapshot.index) throw outOfDate(index, view.snapshot.index);
}

function judgeKnownTerm(index: number, term: number, hardStateTerm: number): void {
  if (term <= hardStateTerm) return;
  throw new KeelsonError(
    'KEELSON_TERM_REGRESSION',
    `the snapshot at ${String(index)} has term ${String(term)}, above the hard state's term ${String(hardStateTerm)} after it; nothing was changed. Give the higher term in hardState.`,
    { argument: 'term', index, term, found: term, expected: hardStateTerm },
  );
}

function outOfDate(index: number, held: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_SNAPSHOT_OUT_OF_DATE',
    `index is ${String(index)}, but the log is already covered up to ${String(held)}; nothing was changed. Drop this snapshot.`,
    { argument: 'index', index, found: index, expected: held + 1 },
  );
}

function otherTermHeld(index: number, term: number, heldTerm: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_COMMITTED_TRUNCATION',
    `the snapshot at ${String(index)} has term ${String(term)}, but the log holds that entry with term ${String(heldTerm)}; nothing was changed. One of the two is not this cluster's history.`,
    { argument: 'term', index, term, found: term, expected: heldTerm },
  );
}
