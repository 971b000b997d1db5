import { lastLsnOf, type FrameHeader } from '../../format/frame-header.js';
import type { FrameRecords } from '../../format/frame-records.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import { SalvagedRecords, type LostFrame } from '../../wal/inside.js';
import { DurableState } from '../state/durable-state.js';
import type { LogPiece, PieceWithHoles } from './log-piece.js';

/** A copy of the stretch, to go on past the hole that it ends at. */
export function goOnPast(before: LogPiece, path: string): PieceWithHoles {
  const { state } = before;
  const until = state.lastIndex + 1;
  const lowest = Math.max(before.known, state.boundary() + 1);
  const copy = beginAt(state, lowest - 1, state.term(lowest - 1));
  copy.adoptSealed({ lowest, until, resets: false, runs: state.termRuns(lowest, until) });
  const records = new SalvagedRecords(until);
  return { ...before, state: copy, past: { before, path, records, lostUntilLsn: 0, then: null } };
}

/**
 * A whole frame behind a hole. Where it does not join what stands before it, the piece begins anew with it, and a copy of
 * what it was is returned: that may be all that can be kept.
 */
export function takeFrame(
  piece: PieceWithHoles,
  header: FrameHeader,
  frame: FrameRecords,
): PieceWithHoles | null {
  const before = { ...piece, past: { ...piece.past } };
  joinUp(piece, header);
  const { past } = piece;
  piece.state.replay(header, frame);
  past.records.takeFrame(header, frame);
  reach(piece, header);
  return past.records === before.past.records ? null : before;
}

/** A frame of which only the header is whole, and some of its entries. Its hard state, if it had one, is lost. */
export function takeLost(piece: PieceWithHoles, frame: LostFrame): void {
  const { header, offsets, terms } = frame;
  const { from, until, resets, lastTerm, lowTerm, highTerm } = header;
  if (resets) beginAnew(piece, from - 1, until === from ? lastTerm : 0);
  else joinUp(piece, header);
  const { past, state } = piece;
  const only = lowTerm === highTerm ? lowTerm : NaN;
  const runs: number[] = [];
  for (let at = 0; at < until - from; at += 1) {
    // Of the last one the header says it; what no one can tell is equal to nothing.
    const known = offsets[at] === 0 ? only : (terms[at] ?? only);
    const term = from + at === until - 1 ? lastTerm : known;
    if (runs[runs.length - 1] !== term) runs.push(from + at, term);
  }
  state.adoptSealed({ lowest: from, until, resets: false, runs: Float64Array.from(runs) });
  past.records.takeLost(frame);
  past.lostUntilLsn = lastLsnOf(header);
  reach(piece, header);
}

function reach(piece: PieceWithHoles, header: FrameHeader): void {
  piece.known = header.resets ? header.from : Math.min(piece.known, header.from);
  piece.lastLsn = lastLsnOf(header);
}

/**
 * Frames in front of this one may be lost, which may have replaced entries. What they left is known to be what stands
 * before them where both end at the same index in the same term: then all entries up to there are the same (Log
 * Matching, Raft paper, section 5.3). Else only what stands from here on counts.
 */
function joinUp(piece: PieceWithHoles, header: FrameHeader): void {
  const { from, firstLsn } = header;
  const { state } = piece;
  if (firstLsn === piece.lastLsn + 1 && (header.resets || from <= state.lastIndex + 1)) return;
  piece.past.lostUntilLsn = firstLsn - 1;
  const ends = knownEnds(header);
  if (ends.some((end) => end.lastIndex >= from - 1 && endsAlike(piece, end))) return;
  beginAnew(piece, from - 1, ends.find(({ lastIndex }) => lastIndex === from - 1)?.lastTerm ?? 0);
}

function endsAlike({ state, known }: LogPiece, { lastIndex, lastTerm }: KnownEnd): boolean {
  return (
    lastIndex >= Math.max(known - 1, state.boundary()) &&
    lastIndex <= state.lastIndex &&
    state.term(lastIndex) === lastTerm
  );
}

/**
 * Goes on into the next segment with `then`, which begins at its preamble: that says where the log ended in front of it, and
 * all its state but the entries. False if what stands before it is not known to end so.
 */
export function goOnWith(piece: PieceWithHoles, header: SegmentHeader, then: LogPiece): boolean {
  const { end, firstLsn, number } = header;
  if (piece.lastLsn >= firstLsn || !endsAlike(piece, end)) return false;
  const { past } = piece;
  if (piece.lastLsn < firstLsn - 1) past.lostUntilLsn = firstLsn - 1;
  past.records.endAt(end.lastIndex + 1);
  past.then = then;
  piece.state.restorePreamble(header, false);
  const until = end.lastIndex + 1;
  piece.state.adoptSealed({ lowest: until, until, resets: false, runs: new Float64Array(0) });
  piece.lastLsn = firstLsn - 1;
  piece.toSegment = number;
  return true;
}

interface KnownEnd {
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** Where the log is known to end in front of a frame, or, if that wrote no entry, behind it. */
function knownEnds({ from, until, lastTerm, resets, durable, firstLsn }: FrameHeader): readonly KnownEnd[] {
  const ends: KnownEnd[] = [];
  if (resets) return ends;
  if (durable.lsn === firstLsn - 1) ends.push(durable);
  if (until === from) ends.push({ lastIndex: until - 1, lastTerm });
  return ends;
}

/** Forgets the entries up to `index`; term 0: nobody knows which it has. */
function beginAnew(piece: PieceWithHoles, index: number, term: number): void {
  piece.state = beginAt(piece.state, index, term);
  piece.known = index + 1;
  piece.past.records = new SalvagedRecords(index + 1);
}

function beginAt(state: DurableState, lastIndex: number, lastTerm: number): DurableState {
  const begun = new DurableState(null);
  const end = { lastIndex, lastTerm };
  begun.restorePreamble({ state: state.preambleState(), end, firstLsn: 0 }, true);
  return begun;
}
