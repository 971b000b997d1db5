import type { CheckpointFile } from '../../format/checkpoint-file.js';
import { entryChecksum } from '../../format/entry-checksum.js';
import { lastLsnOf, type FrameHeader } from '../../format/frame-header.js';
import type { FrameRecords } from '../../format/frame-records.js';
import {
  controlChecksum,
  decodeHardState,
  decodeRaftPreamble,
  RAFT_RECORD_KINDS,
  readEntryRecord,
} from '../../format/raft-records.js';
import type { DurableMark } from '../../format/position.js';
import type { RawRecord } from '../../format/record.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import type { StoreKind } from '../../format/superblock.js';
import type { LostFrame, SurveyListener } from '../../wal/inside.js';
import type { SealedSegment } from '../../format/seal.js';
import { CoveredState } from '../state/covered-state.js';
import { DurableState } from '../state/durable-state.js';
import type { LogPiece, PieceWithHoles } from './log-piece.js';
import { goOnPast, goOnWith, takeFrame, takeLost } from './past-holes.js';

/** What the records say of terms and indexes, in the run or not: what was promised cannot have been more. */
export interface RecordWitness {
  /** Of any entry or hard state. */
  highestTerm: number;
  highestIndex: number;
  /** The highest LSN as of which the whole hard state is known. */
  hardStateLsn: number;
}

/** Replays what a survey meets, each stretch from its own preamble, so that what lies behind a hole is not lost for looking. */
export class PieceListener implements SurveyListener {
  readonly pieces: LogPiece[] = [];
  /** Those that end at a hole once more, as they go on past it. */
  readonly pastHoles: PieceWithHoles[] = [];
  readonly witness: RecordWitness = { highestTerm: 0, highestIndex: 0, hardStateLsn: 0 };
  kind: StoreKind | null = null;
  #current: LogPiece | null = null;
  /** The same past the holes of the segment at hand; null while there are none. */
  #past: PieceWithHoles | null = null;
  /** One that has gone on past holes, into this segment: beside the one that begins behind them. */
  #chain: PieceWithHoles | null = null;
  /** Frames that are not whole, since the last one that is. */
  #lost: LostFrame[] = [];
  /** The ends of stretches behind which such frames stand, and nothing whole. */
  readonly #tears: { readonly piece: LogPiece; readonly lost: readonly LostFrame[] }[] = [];
  /** Behind a hole in a segment whose seal will say what it holds: its frames are heard of, and not replayed. */
  #isBridging = false;
  #isCheckpoint = false;
  readonly #onFrame: SurveyListener['onFrame'];

  constructor(onFrame: SurveyListener['onFrame'] = () => undefined) {
    this.#onFrame = onFrame;
  }

  onSegment(header: SegmentHeader, joins: boolean): void {
    const preamble = decodeRaftPreamble(header.state);
    const goesOn = this.#endSegment(joins, header);
    this.kind ??= preamble === null ? 'wal' : 'raft';
    const { end, firstLsn, number } = header;
    this.#seen(end.lastIndex, end.lastTerm);
    if (preamble === null) return;
    this.#seen(0, preamble.hardState.term);
    this.witness.hardStateLsn = Math.max(this.witness.hardStateLsn, firstLsn - 1);
    if (this.#current === null || !joins) {
      const piece = this.#begin(header);
      this.#current = piece;
      if (goesOn !== null && goOnWith(goesOn, header, piece)) this.#follow(goesOn);
      return;
    }
    for (const piece of this.#open) {
      piece.toSegment = number;
      piece.state.restorePreamble(header, false);
    }
  }

  #begin(start: Pick<SegmentHeader, 'number' | 'state' | 'firstLsn' | 'end'>): LogPiece {
    const { number, firstLsn, end } = start;
    const piece: LogPiece = {
      state: this.#isCheckpoint ? new CoveredState(null) : new DurableState(null),
      fromSegment: number,
      toSegment: number,
      baseLsn: firstLsn - 1,
      lastLsn: firstLsn - 1,
      known: end.lastIndex + 1,
      past: null,
    };
    piece.state.restorePreamble(start, true);
    this.pieces.push(piece);
    return piece;
  }

  #follow(past: PieceWithHoles): void {
    this.#chain = past;
    if (this.pastHoles.at(-1) !== past) this.pastHoles.push(past);
  }

  /** What the frames of this segment belong to, while there is no hole in it. */
  get #open(): readonly LogPiece[] {
    return [this.#current, this.#chain].filter((piece) => piece !== null);
  }

  readonly onFrame: SurveyListener['onFrame'] = (frame) => {
    const { header, records } = frame;
    const { firstLsn, recordCount, from, until, resets, highTerm } = header;
    this.#seen(until - 1, highTerm);
    if (this.kind !== 'wal') {
      let lsn = firstLsn;
      for (records.rewind(); records.next(); lsn += 1) this.#witnessHardState(records, lsn);
      if (this.#past !== null) {
        for (const lost of this.#lost.splice(0)) takeLost(this.#past, lost);
        const before = takeFrame(this.#past, header, records);
        if (before !== null) this.pastHoles.push(before);
      } else if (!this.#isBridging) {
        for (const piece of this.#open) {
          piece.state.replay(header, records);
          piece.known = resets ? from : Math.min(piece.known, from);
          piece.lastLsn = firstLsn + recordCount - 1;
        }
      }
    }
    return this.#onFrame(frame);
  };

  readonly onHole: SurveyListener['onHole'] = (hole, isBridged) => {
    if (isBridged) this.#isBridging = true;
    else this.#goOnPast(hole.path);
    const { header, next } = hole;
    if (header !== null) this.onLost(header);
    this.onLost(next);
  };

  #goOnPast(path: string): void {
    // The one that came from farther holds all that the other does.
    const piece = this.#chain ?? this.#current;
    if (piece === null) return;
    this.#past = goOnPast(piece, path);
    this.pastHoles.push(this.#past);
    this.#current = null;
    this.#chain = null;
  }

  /**
   * What is not whole at the end of a segment is nothing that was saved, if the next one goes on from its last frame. Else
   * all that stands in front of the next was durable when that was made (D6).
   *
   * @returns the stretch past the holes of this segment, which may go on in the next
   */
  #endSegment(joins: boolean, next: SegmentHeader | null): PieceWithHoles | null {
    const piece = this.#past ?? this.#chain ?? this.#current;
    const lost = joins ? [] : this.#lost;
    let past = this.#past;
    this.#lost = [];
    this.#past = null;
    if (piece === null || (joins && past === null)) return null;
    this.#chain = null;
    const durable = lost.filter(({ header }) => next !== null && lastLsnOf(header) < next.firstLsn);
    if (durable.length > 0) {
      if (past === null) this.pastHoles.push((past = goOnPast(piece, durable[0]?.path ?? '')));
      for (const one of durable) takeLost(past, one);
    } else if (lost.length > 0) this.#tears.push({ piece, lost });
    return next === null ? null : (past ?? goOnPast(piece, ''));
  }

  /** What is surveyed is a checkpoint. Of one that names no segment its own file says all that there is. */
  ofCheckpoint(file: CheckpointFile | null): void {
    this.#isCheckpoint = true;
    if (file === null || file.segments.length > 0) return;
    const { state, proven, highest } = file;
    this.#begin({ state, end: proven, firstLsn: proven.lsn + 1, number: highest.segment + 1 });
  }

  /** All was read, and what was durable is known: a frame at an end that was counts as far as its entries do (D1). */
  end(proven: DurableMark): void {
    this.#endSegment(false, null);
    if (this.#isCheckpoint) for (const { state } of this.pieces) state.coverUnknown();
    for (const { piece, lost } of this.#tears) {
      let past = this.pastHoles.find((one) => one === piece) ?? null;
      for (const one of lost) {
        if (lastLsnOf(one.header) > proven.lsn) break;
        if (past === null) {
          past = goOnPast(piece, one.path);
          this.pastHoles.push(past);
        }
        takeLost(past, one);
      }
    }
  }

  onBridge(sealed: SealedSegment, lastLsn: number): void {
    this.#isBridging = false;
    for (const piece of this.#open) {
      piece.state.adoptSealed(sealed);
      piece.known = sealed.resets ? sealed.lowest : Math.min(piece.known, sealed.lowest);
      piece.lastLsn = lastLsn;
    }
  }

  onLostFrame(lost: LostFrame): void {
    this.#lost.push(lost);
  }

  /** A frame that is not whole, but whose header is: what it held was promised all the same. */
  onLost({ until, highTerm }: FrameHeader): void {
    this.#seen(until - 1, highTerm);
  }

  readonly judgeFrame: SurveyListener['judgeFrame'] = (header, records) =>
    this.kind === 'wal' ? judgePlainFrame(header, records) : judgeRaftFrame(header, records);

  readonly judgeSeal: SurveyListener['judgeSeal'] = ({ lowest, until, runs }) => {
    const piece = this.#current;
    if (piece === null || lowest < piece.known || piece.state.lastIndex !== until - 1) return true;
    const own = lowest > piece.state.boundary() ? piece.state.termRuns(lowest, until) : runs;
    return own.length === runs.length && own.every((one, at) => one === runs[at]);
  };

  /** Each numbered record by its own checksum, as a read judges it. */
  readonly termOf: SurveyListener['termOf'] = (record, number, lowTerm, term) => {
    const { kind, body, checksum } = record;
    if (this.kind === 'wal') return entryChecksum(number, 0, kind, body) === checksum ? 0 : null;
    const entry = readEntryRecord(record);
    if (entry === null) return null;
    const found = lowTerm === null ? term : lowTerm + entry.termDistance;
    return entryChecksum(number, found, entry.kind, entry.data) === checksum ? found : null;
  };

  boundary(): number | null {
    if (this.kind === 'wal') return null;
    return this.pieces[this.pieces.length - 1]?.state.boundary() ?? 0;
  }

  #witnessHardState(record: RawRecord, lsn: number): void {
    if (record.kind !== RAFT_RECORD_KINDS.hardState) return;
    const decoded = decodeHardState(record.body);
    if (decoded === null) return;
    this.#seen(0, decoded.hardState.term);
    this.witness.hardStateLsn = Math.max(this.witness.hardStateLsn, lsn);
  }

  #seen(index: number, term: number): void {
    this.witness.highestIndex = Math.max(this.witness.highestIndex, index);
    this.witness.highestTerm = Math.max(this.witness.highestTerm, term);
  }
}

/** Each entry has a checksum of its own, which a read holds it against: one that fails there is damage here. */
function judgeRaftFrame(header: FrameHeader, records: FrameRecords): string | null {
  const entriesFrom = records.count - (header.until - header.from);
  records.rewind();
  for (let at = 0; records.next(); at += 1) {
    if (at < entriesFrom) {
      const { kind, body, checksum } = records;
      if (kind !== RAFT_RECORD_KINDS.entry && controlChecksum(kind, body) !== checksum)
        return `checksum of the record at LSN ${header.firstLsn + at} does not match`;
      continue;
    }
    const index = header.from + at - entriesFrom;
    const entry = readEntryRecord(records);
    if (entry === null) return `the record of entry ${index} is of kind ${records.kind}`;
    const { termDistance, kind, data } = entry;
    if (entryChecksum(index, header.lowTerm + termDistance, kind, data) !== records.checksum)
      return `checksum of entry ${index} does not match`;
  }
  return null;
}

function judgePlainFrame(header: FrameHeader, records: FrameRecords): string | null {
  let lsn = header.firstLsn - 1;
  for (const { kind, body, checksum } of records) {
    lsn += 1;
    if (entryChecksum(lsn, 0, kind, body) !== checksum)
      return `checksum of the record at LSN ${lsn} does not match`;
  }
  return null;
}
