import type { DurableMark } from '../format/position.js';
import type { StoreSurvey } from '../wal/survey-store.js';
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
    highestIndex: Math.max(...indexes),
    highestTerm: Math.max(...terms),
    isEndKnown: end !== null,
    isTermKnown,
    bound: `${end ?? 'no witness says where the log ended'}${vote}`,
  };
}

/**
 * What says where the log ended, up to the groups of the last moment that no mark names yet (R5); null if nothing does,
 * as where the newest segment is gone together with the end marks.
 */
function endWitness({ superblock, marks, segments }: StoreSurvey): string | null {
  if (superblock?.isCleanEnd === true)
    return `the log was closed at LSN ${superblock.proven.lsn}, index ${superblock.proven.lastIndex}`;
  const last = segments[segments.length - 1];
  const isTailThere = last !== undefined && last.header !== null;
  // A segment is sealed before the next one is named (D6): one without a seal is the last there ever was.
  const isLastEver =
    isTailThere && (superblock === null ? last.seal === 'absent' : last.number >= superblock.newestSegment);
  if (isLastEver && last.run !== null)
    return `the newest segment is there; its last whole frame ends at index ${last.run.end.lastIndex}`;
  if (marks.state === 'whole' && marks.mark !== null)
    return `the last end mark names LSN ${marks.mark.lsn}, index ${marks.mark.lastIndex}`;
  return null;
}

/** LSNs of records that nobody can read. */
interface LostRange {
  readonly until: number;
  /** The index rose by as much as there are records, so each of them is an entry. */
  readonly isEntriesOnly: boolean;
}

function lostRanges({ segments, proven }: StoreSurvey): LostRange[] {
  const lost: LostRange[] = [];
  let lsn = 0;
  let index = 0;
  let isBegun = false;
  const reach = (firstLsn: number, lastIndex: number): void => {
    const records = firstLsn - 1 - lsn;
    if (isBegun && records > 0) lost.push({ until: firstLsn, isEntriesOnly: lastIndex - index >= records });
  };
  for (const { header, run, holes } of segments) {
    if (header === null || run === null) continue;
    reach(header.firstLsn, header.end.lastIndex);
    isBegun = true;
    for (const { before, next } of holes) {
      if (next === null) continue;
      ({ lastLsn: lsn } = before);
      index = before.end.lastIndex;
      reach(next.firstLsn, next.from - 1);
    }
    lsn = run.lastLsn;
    index = run.end.lastIndex;
  }
  reach(proven.lsn + 1, proven.lastIndex);
  return lost;
}
