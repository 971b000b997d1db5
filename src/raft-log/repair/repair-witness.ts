import { lastLsnOf, type FrameHeader } from '../../format/frame-header.js';
import type { DurableMark } from '../../format/position.js';
import type { StoreSurvey } from '../../wal/inside.js';
import type { LogSurvey } from './survey-log.js';

/** What a damaged store may have promised to others, as far as its witnesses say. */
export interface Promised {
  /** P */
  readonly proven: DurableMark;
  /** The highest index that it may have acknowledged; only a bound if the end is known. */
  readonly highestIndex: number;
  readonly highestTerm: number;
  /** A witness says where the log ended. */
  readonly isEndKnown: boolean;
  /** No lost record can have held a vote in a term above the highest that is known. */
  readonly isTermKnown: boolean;
  /** All of that, for a person. */
  readonly bound: string;
}

/** Weighs the witnesses of a damaged store. */
export function whatWasPromised(survey: LogSurvey): Promised {
  const { store, witness, snapshots } = survey;
  const { proven, superblock } = store;
  const terms = [
    witness.highestTerm,
    proven.lastTerm,
    superblock?.proven.lastTerm ?? 0,
    store.marks.mark?.lastTerm ?? 0,
    ...snapshots.map(({ term }) => term),
  ];
  const indexes = [witness.highestIndex, proven.lastIndex, ...snapshots.map(({ index }) => index)];
  const end = endWitness(store);
  const isTermKnown = lostRanges(store).every(
    ({ until, isEntriesOnly }) => until - 1 <= witness.hardStateLsn || isEntriesOnly,
  );
  const vote = isTermKnown
    ? ''
    : '; a lost record may have held a vote in a term that nobody can bound, so it stays unfit';
  return {
    proven,
    highestIndex: indexes.reduce((a, b) => Math.max(a, b)),
    highestTerm: terms.reduce((a, b) => Math.max(a, b)),
    isEndKnown: end !== null,
    isTermKnown,
    bound: `${end ?? 'no witness says where the log ended'}${vote}`,
  };
}

/**
 * What says where the log ended, up to groups that damage took together with every witness of them (R5); null if nothing
 * does. A mark alone does not: it is a lower bound (R1), and what was acknowledged behind it may be gone with the tail.
 */
function endWitness({ superblock, marks, segments, proven, highestLsn }: StoreSurvey): string | null {
  if (superblock?.isCleanEnd === true && superblock.proven.lsn >= Math.max(proven.lsn, highestLsn))
    return `the log was closed at LSN ${superblock.proven.lsn}, index ${superblock.proven.lastIndex}`;
  const last = segments[segments.length - 1];
  if (last?.run === undefined || last.run === null || last.header === null) return null;
  // A segment is sealed before the next one is named (D6): one without a seal is the last there ever was.
  const isLastEver =
    last.seal === 'absent' && (superblock === null || last.number >= superblock.newestSegment);
  if (mayHaveStayedBehind(segments, last, superblock?.newestSegment ?? 0)) return null;
  // Of an end that lacks what a mark proves nobody knows how much more it lacks; so too where the marks are gone.
  const isWhole = last.run.lastLsn >= proven.lsn && (marks.state === 'whole' || marks.state === 'blank');
  if (!isLastEver || !isWhole || (superblock === null && isBegunTwice(segments))) return null;
  return `the newest segment is there; its last whole frame ends at index ${last.run.end.lastIndex}`;
}

/**
 * A rotation that found no room to name its segment is taken back, and a crash may bring the name back (D6): where nothing
 * was written to it, and the segment before it cannot be read, nobody knows whether the log went on in that one.
 */
function mayHaveStayedBehind(
  segments: StoreSurvey['segments'],
  { number, frames }: StoreSurvey['segments'][number],
  newestNamed: number,
): boolean {
  if (number <= newestNamed || frames > 0 || number === 1) return false;
  const before = segments.find((segment) => segment.number === number - 1);
  return before === undefined || before.run === null;
}

/** A log that was begun beside an older one, and nobody says which of them counts, or whether it was finished. */
function isBegunTwice(segments: StoreSurvey['segments']): boolean {
  return segments.some(({ header }, at) => at > 0 && header !== null && header.chain === 0);
}

/** LSNs of records that nobody can read. */
interface LostRange {
  readonly until: number;
  /** Each of the records is an entry: none can have held a vote. */
  readonly isEntriesOnly: boolean;
}

function lostRanges({ segments, proven }: StoreSurvey): LostRange[] {
  const lost: LostRange[] = [];
  let lsn = 0;
  let isBegun = false;
  const reach = (firstLsn: number, header: FrameHeader | null): void => {
    if (isBegun && firstLsn - 1 > lsn)
      lost.push({ until: firstLsn, isEntriesOnly: isAllEntries(header, firstLsn) });
  };
  let torn: FrameHeader | null = null;
  for (const { header, run, holes, tear } of segments) {
    if (header === null || run === null) continue;
    reach(header.firstLsn, torn);
    isBegun = true;
    lsn = Math.max(header.firstLsn - 1, lsn);
    for (const { before, next, header: broken } of holes) {
      lsn = before.lastLsn;
      reach(next.firstLsn, broken);
    }
    lsn = run.lastLsn;
    // A frame that is whole but does not join is another's: it says nothing of the one that is lost.
    torn = tear?.kind === 'payload' ? tear.header : null;
  }
  reach(proven.lsn + 1, torn);
  if (!isBegun) lost.push({ until: Infinity, isEntriesOnly: false });
  return lost;
}

/** The header of a frame that is lost says what it held, if it is the only one that is. */
function isAllEntries(header: FrameHeader | null, untilLsn: number): boolean {
  if (header === null || lastLsnOf(header) + 1 !== untilLsn) return false;
  return !header.resets && header.recordCount === header.until - header.from;
}
