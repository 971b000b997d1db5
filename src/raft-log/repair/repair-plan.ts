import type { FoundDamage } from '../verify-report.js';
import type { SnapshotName } from '../../format/raft-records.js';
import type { IndexRange } from '../../wal/report/recovery-report.js';
import type { HardState } from '../contract.js';
import { giveUpVotes } from '../rules/give-up-votes.js';
import { whatWasPromised, type Promised } from './repair-witness.js';
import type { LogSurvey } from './survey-log.js';
import type { LogPiece } from './log-piece.js';

/** What a repair would make of a store. */
export interface RepairPlan {
  /**
   * - `'none'`: the store is sound.
   * - `'rebuild-superblock'`: every record is there; only the two slots are written anew.
   * - `'rebuild-log'`: what can be kept is written into new segments, the old ones go to quarantine.
   * - `'impossible'`: nothing can be kept.
   */
  readonly action: 'none' | 'rebuild-superblock' | 'rebuild-log' | 'impossible';
  /** Why that, for a person. */
  readonly why: string;
  readonly damage: readonly FoundDamage[];
  /** The log afterwards; null if nothing is done. */
  readonly result: RepairedLog | null;
  readonly lost: RepairLoss;
}

/** A log as a repair leaves it. */
export interface RepairedLog {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly hardState: HardState;
  readonly snapshot: SnapshotName | null;
  /** 0: fit to vote. */
  readonly unfitUntil: number;
}

/** What a repair gives up. */
export interface RepairLoss {
  /** True if something that was acknowledged, or may have been, is given up: then the server must not help to elect. */
  readonly mayBeAcknowledged: boolean;
  /** Entries that are given up and were durable (E < P), so that they may have been acknowledged. */
  readonly acknowledged: IndexRange | null;
  /** Entries beyond those that are given up, of which no witness says that they were durable. */
  readonly unacknowledged: IndexRange | null;
  /** Entries that are given up though a whole snapshot covers them: nothing is lost by it. */
  readonly covered: IndexRange | null;
  /** What bounds the loss, or that nothing does. */
  readonly bound: string;
}

/** A plan, and what carrying it out needs to know. */
export interface InnerPlan {
  readonly plan: RepairPlan;
  /** The stretch that is kept; null if a snapshot alone is. */
  readonly piece: LogPiece | null;
  readonly boundary: { readonly index: number; readonly term: number };
}

interface Candidate {
  readonly piece: LogPiece | null;
  readonly snapshot: SnapshotName | null;
  readonly boundary: { readonly index: number; readonly term: number };
  readonly last: { readonly index: number; readonly term: number };
  /** It goes on to where the stretch ends; false: an entry in between is lost. */
  readonly isWhole: boolean;
}

const NOTHING_LOST: RepairLoss = Object.freeze({
  mayBeAcknowledged: false,
  acknowledged: null,
  unacknowledged: null,
  covered: null,
  bound: 'nothing is lost',
});
const START = Object.freeze({ index: 0, term: 0 });

/** Says what can be kept of a store, and what would be lost. Pure: only the survey counts. */
export function planRepair(survey: LogSurvey): InnerPlan {
  const { damages, kind, store } = survey;
  const idle = (action: 'none' | 'impossible', why: string): InnerPlan => ({
    plan: { action, why, damage: damages, result: null, lost: NOTHING_LOST },
    piece: null,
    boundary: START,
  });
  if (damages.length === 0) return idle('none', 'the store is sound; there is nothing to repair');
  if (kind === 'checkpoint')
    return idle(
      'impossible',
      'this is a checkpoint, and no store; take another one, or make a store of another copy',
    );
  if (kind !== 'raft')
    return idle('impossible', 'this is a wal without a Raft log; only its owner knows what may be given up');
  const strange = whyNotThisStore(survey);
  if (strange !== null) return idle('impossible', strange);
  const atEnd = whyNoNewLog(survey);
  if (atEnd !== null) return idle('impossible', atEnd);
  const promised = whatWasPromised(survey);
  const chosen = choose(survey, promised);
  if (chosen === null || store.lineage === null) return idle('impossible', whyNothingCanBeKept(survey));
  const keepsAll = reaches(survey, chosen, promised) && promised.isEndKnown;
  const result = resultOf(survey, chosen, promised, keepsAll);
  const isOnlySuperblock = damages.every(({ path }) => path === store.slots.path);
  const action = isOnlySuperblock && keepsAll ? 'rebuild-superblock' : 'rebuild-log';
  const lost = lossOf(survey, chosen, promised, keepsAll);
  return {
    plan: { action, why: whyOf(action, chosen, keepsAll), damage: damages, result, lost },
    piece: chosen.piece,
    boundary: chosen.boundary,
  };
}

/** What a wrong or an unmounted directory looks like is no damage to repair: the log may be whole, elsewhere. */
function whyNotThisStore({ store, paths }: LogSurvey): string | null {
  const { segments } = store;
  // Only a whole header says whose a segment is.
  const others = segments.find(({ fault }) => fault?.code === 'KEELSON_MISSING_SEGMENT');
  if (others !== undefined)
    return `${others.path}: ${others.fault?.reason ?? ''}. If this is the directory of another store, name the right one; if not, move that file away and plan again`;
  if (segments.some(({ fileBytes }) => fileBytes !== null)) return null;
  return `no segment is in ${paths.walDir}. Check that its disk is mounted, and that it is the right directory; if they are lost, set the directory aside and let this server join again as a new member`;
}

/** What is built stands above every number that the store has used. */
function whyNoNewLog({ store }: LogSurvey): string | null {
  const why = store.whyNoneAbove;
  return why === null
    ? null
    : `${why}; set the directory aside and let this server join again as a new member`;
}

/** A log begins at index 1 or behind a snapshot: without either nobody knows the state that its entries apply to. */
function whyNothingCanBeKept({ pieces, snapshots }: LogSurvey): string {
  const next = 'set the directory aside and let this server join again as a new member';
  const whole = pieces.filter(({ state, known }) => state.lastIndex >= known);
  if (whole.length === 0)
    return `no entry of the log and no snapshot can be read, so there is nothing to keep; ${next}`;
  const ranges = whole.map(({ state, known }) => `${known}..${state.lastIndex}`).join(', ');
  const ofSnapshots =
    snapshots.length === 0 ? 'no snapshot is there' : 'no snapshot that reaches them is whole';
  return `entries ${ranges} can be read, but not those before them, and ${ofSnapshots} for them to follow on: nobody knows the state that they apply to, so they cannot be kept without it; ${next}`;
}

function whyOf(
  action: 'rebuild-superblock' | 'rebuild-log',
  { piece, snapshot, boundary, last }: Candidate,
  keepsAll: boolean,
): string {
  if (action === 'rebuild-superblock')
    return 'all records are whole; the superblock is rebuilt from the segments';
  if (piece === null)
    return `only the snapshot at ${boundary.index} is kept; the log cannot be joined to it and is given up`;
  const kept =
    last.index > boundary.index
      ? `entries ${boundary.index + 1}..${last.index} are kept`
      : `an empty log at ${boundary.index} is kept`;
  const behind = snapshot === null ? '' : `, and the snapshot at ${snapshot.index}`;
  const isOnlyBetween = piece?.past?.lostUntilLsn !== undefined && last.index === piece.state.lastIndex;
  const rest = keepsAll
    ? 'that is all that was acknowledged'
    : isOnlyBetween
      ? 'a vote or a term that was saved between them may be lost'
      : 'the rest cannot be read, or not joined, and is given up';
  return `${kept}${behind}; ${rest}`;
}

/** Whether a candidate holds all that was durable, by its LSNs; one behind which another log went on does not. */
function reaches({ pieces }: LogSurvey, { piece, isWhole }: Candidate, { proven }: Promised): boolean {
  if (piece === null || !isWhole || piece.lastLsn < proven.lsn) return false;
  // D11: a later stretch that begins at its end without joining it goes on from other records of the same numbers.
  return !pieces.slice(pieces.indexOf(piece) + 1).some(({ baseLsn }) => baseLsn >= piece.lastLsn);
}

/** The candidate that reaches what was durable, else the most up-to-date one (Raft paper, section 5.4.1). */
function choose(survey: LogSurvey, promised: Promised): Candidate | null {
  const pieces = [...survey.pieces, ...survey.pastHoles];
  const candidates = pieces.flatMap((piece) => candidatesOf(survey, piece, promised));
  const newest = wholeSnapshots(survey).at(-1);
  if (newest !== undefined)
    candidates.push({
      piece: null,
      snapshot: newest,
      boundary: newest,
      last: newest,
      isWhole: true,
    });
  const rank = (one: Candidate): number => (reaches(survey, one, promised) ? 1 : 0);
  const lsn = ({ piece }: Candidate): number => piece?.lastLsn ?? 0;
  const ranked = candidates.sort(
    (a, b) =>
      rank(b) - rank(a) || b.last.term - a.last.term || b.last.index - a.last.index || lsn(b) - lsn(a),
  );
  return ranked[0] ?? null;
}

/** The logs that can be made of a stretch: from index 1, or behind a whole snapshot, to the first entry that is lost. */
function candidatesOf(survey: LogSurvey, piece: LogPiece, { proven }: Promised): Candidate[] {
  const { state, known, past } = piece;
  // A save that was not durable is not kept in part, nor what was saved behind it (D1).
  if (past !== null && past.lostUntilLsn > proven.lsn) return [];
  const at = state.boundary();
  const lost = unreadableIn(survey, piece);
  const whole = wholeSnapshots(survey).filter(
    ({ index, term }) =>
      index >= at && index >= known - 1 && index <= state.lastIndex && state.term(index) === term,
  );
  const named = state.snapshotName;
  // The newest first, and the one that the log names before all.
  const snapshots = [...whole].reverse().sort((a, b) => Number(isSame(b, named)) - Number(isSame(a, named)));
  const upTo = (start: number): { last: Candidate['last']; isWhole: boolean } => {
    const first = lost.find(({ until }) => until > start + 1)?.from ?? Infinity;
    const index = Math.min(state.lastIndex, Math.max(first - 1, start));
    return { last: { index, term: state.term(index) }, isWhole: past === null && index === state.lastIndex };
  };
  const begun: Candidate[] = [];
  // Of one that begins higher up, past a hole, nothing is known at its boundary.
  if (at + 1 >= known) {
    const { last, isWhole } = upTo(at);
    const covering = snapshots.find(({ index }) => index <= last.index) ?? null;
    const boundary = { index: at, term: state.term(at) };
    if (at === 0 || covering !== null) begun.push({ piece, snapshot: covering, boundary, last, isWhole });
  }
  for (const snapshot of snapshots) {
    const { index, term } = snapshot;
    begun.push({ piece, snapshot, boundary: { index, term }, ...upTo(index) });
  }
  return begun;
}

/** Entries of a stretch that cannot be read though an open, or the stretch itself, passes over what was hit, in order. */
function unreadableIn({ store }: LogSurvey, piece: LogPiece): readonly IndexRange[] {
  const { fromSegment, toSegment, past } = piece;
  const segments = store.segments.filter(({ number }) => number >= fromSegment && number <= toSegment);
  const lost: IndexRange[] = [];
  // What stands behind the hole that it ends at replaced nothing in it, but for what it went on with.
  let replaced = past?.then === null ? past.records.lowest : Infinity;
  for (const { number, isBridged, records, lowest, lowestUpToHole } of segments.reverse()) {
    for (const { from, until } of isBridged ? [...records.unreadable].reverse() : [])
      if (from < replaced) lost.push({ from, until: Math.min(until, replaced) });
    replaced = Math.min(replaced, number === toSegment && !isBridged ? lowestUpToHole : lowest);
  }
  return [...lost, ...unreadablePast(piece)].sort((a, b) => a.from - b.from);
}

/** Those in the holes that it went on past, without what it wrote again behind them. */
function unreadablePast(piece: LogPiece): readonly IndexRange[] {
  const lost: IndexRange[] = [];
  let replaced = Infinity;
  for (let { past } = piece; past !== null; past = past.before.past) {
    replaced = Math.min(replaced, past.then?.known ?? Infinity);
    for (const { from, until } of past.records.unreadable)
      if (from < replaced) lost.push({ from, until: Math.min(until, replaced) });
    replaced = Math.min(replaced, past.records.lowest);
  }
  return lost;
}

function isSame(one: SnapshotName, other: SnapshotName | null): boolean {
  return other !== null && one.index === other.index && one.checksum === other.checksum;
}

function wholeSnapshots({ snapshots }: LogSurvey): SnapshotName[] {
  return snapshots.flatMap(({ index, term, checksum, damage }) =>
    damage === null && checksum !== null ? [{ index, term, checksum }] : [],
  );
}

function resultOf(
  survey: LogSurvey,
  { piece, snapshot, boundary, last }: Candidate,
  promised: Promised,
  keepsAll: boolean,
): RepairedLog {
  const before = piece?.state.hardState ?? { term: 0, vote: null, commit: 0 };
  const commit = Math.min(Math.max(before.commit, snapshot?.index ?? 0, boundary.index), last.index);
  const unfitBefore = survey.pieces.reduce((until, { state }) => Math.max(until, state.unfitUntil), 0);
  const isBounded = promised.isEndKnown && promised.isTermKnown;
  const given = isBounded ? promised.highestIndex : Infinity;
  const votes = keepsAll
    ? { hardState: { ...before, commit }, unfitUntil: unfitBefore }
    : giveUpVotes(promised.highestTerm, commit, Math.max(unfitBefore, given));
  return {
    firstIndex: boundary.index + 1,
    lastIndex: last.index,
    lastTerm: last.term,
    snapshot,
    ...votes,
  };
}

function lossOf(
  survey: LogSurvey,
  { boundary, last }: Candidate,
  promised: Promised,
  keepsAll: boolean,
): RepairLoss {
  const range = (from: number, until: number): IndexRange | null => (until > from ? { from, until } : null);
  const firstKnown = survey.pieces[0]?.state.firstIndex ?? 1;
  const covered = range(firstKnown, boundary.index + 1);
  if (keepsAll) return { ...NOTHING_LOST, covered };
  const { proven, highestIndex } = promised;
  const from = last.index + 1;
  return {
    mayBeAcknowledged: true,
    acknowledged: range(from, proven.lastIndex + 1),
    unacknowledged: range(Math.max(from, proven.lastIndex + 1), highestIndex + 1),
    covered,
    bound: promised.bound,
  };
}
