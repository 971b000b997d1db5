import type { SurveyedDamage, StoreSurvey, SurveyedSegment } from './store-survey.js';
import { lastLsnOf } from '../../format/frame-header.js';
import type { DurableMark } from '../../format/position.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import { NO_ENTRIES, segmentMissing, type Damage } from '../report/damage.js';
import { whyNoneAbove } from '../store/room-above.js';
import { goesOnFrom } from '../segment/frame-run.js';
import type { IndexRange } from '../report/recovery-report.js';
import type { StorePaths } from '../store/store-directory.js';
import type { RecordLedger } from './record-ledger.js';
import type { DamagedPlace } from './sealed-records.js';
import type { SurveyedSlots } from './survey-marks.js';
import type { Hole } from './survey-segment.js';
import { lackedBy, type Witnesses } from '../segment/witnesses.js';
import { blemishesOf } from './survey-blemishes.js';
import type { UnreadableRun } from './walk-lost-frame.js';

type Unjudged = Omit<
  StoreSurvey,
  'proven' | 'damages' | 'blemishes' | 'highestEpoch' | 'highestLsn' | 'whyNoneAbove' | 'isCovered'
>;

/**
 * Says what of a survey is damage, by the rules of an open (R3, R6), but all of it and not only the first: holes and
 * ends below what was durable, segments that are missing or not whole, a superblock of which no slot is.
 */
export function judgeSurvey(
  unjudged: Unjudged,
  { mark: proven, highestEpoch, highestLsn: seenLsn }: Witnesses,
  paths: StorePaths,
  boundary: number | null,
): StoreSurvey {
  const found = withoutLeftover(unjudged);
  const { segments, slots, superblock } = found;
  const highestLsn = highestOf(Math.max(proven.lsn, seenLsn), segments.map(highestLsnOf));
  const known = { epoch: highestEpoch, generation: superblock?.generation ?? 0 };
  const damages: SurveyedDamage[] = [];
  const last = segments[segments.length - 1];
  if (superblock === null) damages.push(superblockLost(slots));
  const numbers = { segment: last?.number ?? 0, lsn: last?.run?.lastLsn ?? 0 };
  const atEnd = whyNoneAbove({ ...known, ...numbers });
  if (atEnd !== null) damages.push(ofSuperblock(slots.path, atEnd));
  const behind = lowestBehind(segments);
  const inRange = segments.flatMap((segment, at) =>
    damagesOf(segment, segments, at, proven, found, boundary ?? 0, behind[at] as number),
  );
  if (last !== undefined) for (const damage of missingBehind(last, proven, paths)) inRange.push(damage);
  const isAllHeard = inRange.every(({ canOpen }) => canOpen);
  const missed =
    boundary === null ? leadingOfPlain(found, paths) : leading(found, paths, boundary, isAllHeard);
  for (const damage of [...missed, ...inRange]) damages.push(damage);
  return {
    ...found,
    isCovered: boundary === null || isCovered(segments, boundary),
    proven,
    damages,
    blemishes: blemishesOf(found, proven),
    highestEpoch,
    highestLsn,
    whyNoneAbove: whyNoneAbove({ ...known, segment: found.highestSegment, lsn: highestLsn }),
  };
}

/** Without a superblock: an empty segment that the log went on without was never named (R6). */
function withoutLeftover(found: Unjudged): Unjudged {
  const { segments, range } = found;
  const last = segments[segments.length - 1];
  const before = segments[segments.length - 2];
  if (!range.isInferred || last === undefined || before === undefined) return found;
  if (before.run === null) return found;
  const isLeftover = last.frames === 0 && last.header !== null && last.header.firstLsn <= before.run.lastLsn;
  return isLeftover
    ? { ...found, segments: segments.slice(0, -1), range: { ...range, newest: before.number } }
    : found;
}

function superblockLost({ path, bytes, checkpoint }: SurveyedSlots): SurveyedDamage {
  const ofStore =
    bytes === null
      ? 'the superblock is not there, though segments or snapshots of a log are'
      : 'neither slot of the superblock is whole';
  const reason =
    checkpoint === null ? ofStore : `what the checkpoint says of itself is lost: ${checkpoint.fault}`;
  return ofSuperblock(path, reason);
}

function ofSuperblock(path: string, reason: string): SurveyedDamage {
  return atStart('KEELSON_CORRUPT', path, reason, NO_ENTRIES);
}

/** Of a whole file, which no open passes over. */
function atStart(code: Damage['code'], path: string, reason: string, entries: IndexRange): SurveyedDamage {
  return { code, path, offset: 0, reason, entries, intact: [], canOpen: false };
}

/**
 * R6: leading segments may be missing only where all they held is compacted.
 *
 * @param isAllHeard no damage hides a record that may say how much that is
 */
function leading(
  found: Unjudged,
  paths: StorePaths,
  boundary: number,
  isAllHeard: boolean,
): SurveyedDamage[] {
  const { segments, range, superblock } = found;
  const start = segments.find((segment) => segment.fileBytes !== null);
  if (start === undefined) return [];
  const isFirst = start.number === range.first;
  if (isFirst && start.header === null) return [];
  if (isCovered(segments, boundary)) return [];
  if (isFirst && !range.isInferred) {
    // A live writer that has dropped segments since may have compacted more than was heard of.
    const hasMoved = superblock !== null && superblock.firstSegment < range.first;
    return hasMoved || !isAllHeard ? [] : [uncovered(start, boundary)];
  }
  const number = isFirst ? start.number - 1 : range.first;
  if (number < 1) return [];
  const until = start.header === null ? boundary + 1 : start.header.end.lastIndex + 1;
  const reason = `the segment is not there, though entries from ${boundary + 1} on are needed`;
  return [missing(paths.segment(number), reason, { from: boundary + 1, until })];
}

/** Of a plain wal the superblock alone says which records were dropped: all in the segments below its first. */
function leadingOfPlain({ segments, range }: Unjudged, paths: StorePaths): SurveyedDamage[] {
  const start = segments.find((segment) => segment.fileBytes !== null);
  if (start === undefined || start.number === range.first) return [];
  const reason = segmentMissing({ firstSegment: range.first, newestSegment: range.newest }, true);
  return [missing(paths.segment(range.first), reason, NO_ENTRIES)];
}

function uncovered({ path, lowest }: SurveyedSegment, boundary: number): SurveyedDamage {
  const reason = `the oldest segment holds records from ${lowest} on, expected ${boundary + 1}, the first that was not compacted`;
  const entries = ordered({ from: boundary + 1, until: lowest });
  return atStart('KEELSON_CORRUPT', path, reason, entries);
}

function isCovered(segments: readonly SurveyedSegment[], boundary: number): boolean {
  const needed = boundary + 1;
  const end = segments[segments.length - 1]?.run?.end.lastIndex;
  if (end !== undefined && needed >= end + 1) return true;
  return segments.some((segment) => segment.header !== null && segment.lowest <= needed);
}

function missing(path: string, reason: string, entries: IndexRange): SurveyedDamage {
  return atStart('KEELSON_MISSING_SEGMENT', path, reason, ordered(entries));
}

function ordered({ from, until }: IndexRange): IndexRange {
  return until > from ? { from, until } : NO_ENTRIES;
}

/** For each segment the lowest number that a later one wrote again. */
function lowestBehind(segments: readonly SurveyedSegment[]): readonly number[] {
  const behind = new Array<number>(segments.length);
  let lowest = Infinity;
  for (let at = segments.length - 1; at >= 0; at -= 1) {
    behind[at] = lowest;
    const { header, lowest: own } = segments[at] as SurveyedSegment;
    if (header !== null) lowest = Math.min(lowest, own);
  }
  return behind;
}

function headerBehind(segments: readonly SurveyedSegment[], at: number): SegmentHeader | null {
  for (let next = at + 1; next < segments.length; next += 1) {
    const { header } = segments[next] as SurveyedSegment;
    if (header !== null) return header;
  }
  return null;
}

function damagesOf(
  segment: SurveyedSegment,
  segments: readonly SurveyedSegment[],
  at: number,
  proven: DurableMark,
  found: Unjudged,
  boundary: number,
  replacedFrom: number,
): SurveyedDamage[] {
  const { path, fault, fileBytes, holes } = segment;
  const next = headerBehind(segments, at);
  const from = segments[at - 1]?.records.until ?? boundary + 1;
  const until = (next?.end.lastIndex ?? proven.lastIndex) + 1;
  // Compacted ones nobody reads; and of those that a later segment wrote again, these were replaced.
  const needed = { from: boundary + 1, until: replacedFrom };
  if (fileBytes === null) {
    // Leading ones are judged together, by what is compacted.
    const isLeading = segments.slice(0, at).every((other) => other.fileBytes === null);
    const isAnyThere = segments.some((other) => other.fileBytes !== null);
    if (isLeading && isAnyThere) return [];
    const { first, newest } = found.range;
    const reason = segmentMissing({ firstSegment: first, newestSegment: newest }, isAnyThere);
    return [missing(path, reason, within({ from, until }, needed))];
  }
  if (fault !== null) return [atStart(fault.code, path, fault.reason, within({ from, until }, needed))];
  const isLast = at === segments.length - 1;
  const counting = isLast ? holes.filter(({ before }) => before.lastLsn < proven.lsn) : holes;
  const places = counting.map((hole) => placeOf(hole, segment.isBridged));
  const short = isLast ? beyond(segment, proven) : shortEnd(segment, segments[at + 1] as SurveyedSegment);
  if (short !== null) places.push(short);
  return damagesAt(segment, places, recordsOf(segment, segments[at + 1] ?? null, proven), needed);
}

/** A damaged place, and how far it goes in the file. */
interface Place extends DamagedPlace {
  /** Behind its last byte. */
  readonly untilOffset: number;
  readonly code: Damage['code'];
  readonly path: string;
  readonly reason: string;
}

function placeOf({ path, offset, untilOffset, kind, reason: what }: Hole, isBridged: boolean): Place {
  const code = kind === 'gap' ? 'KEELSON_LOG_GAP' : 'KEELSON_CORRUPT';
  const reason = `${what}; the next whole frame begins at byte ${untilOffset}`;
  // By the seal each record has its place, whatever frames are found between one hole and the next.
  return { code, path, offset, untilOffset: isBridged ? Infinity : untilOffset, reason };
}

/** What of a segment's records cannot be read, to where it should go on. */
function recordsOf(
  segment: SurveyedSegment,
  next: SurveyedSegment | null,
  proven: DurableMark,
): RecordLedger {
  const { records, isBridged, torn, framesUntil, header } = segment;
  if (isBridged || header === null) return records;
  const end = next === null ? proven : next.header?.end;
  const endLsn = next === null ? proven.lsn : (next.header?.firstLsn ?? 1) - 1;
  const whole = records.copy();
  for (const { header: lost, unreadable } of torn)
    if (lastLsnOf(lost) <= endLsn) whole.frame(lost, unreadable, framesUntil);
  if (end !== undefined && (segment.run?.lastLsn ?? 0) < endLsn)
    whole.missingUntil(end.lastIndex + 1, framesUntil);
  return whole;
}

/** One damage for each place and each stretch of records in it that cannot be read; for a place that cost none, one. */
function damagesAt(
  { isBridged }: SurveyedSegment,
  places: readonly Place[],
  records: RecordLedger,
  needed: IndexRange,
): SurveyedDamage[] {
  const lost = runsAt(places, records.unreadable, needed);
  return places.flatMap(({ code, path, offset, reason }, at) => {
    const damage = { code, path, reason, canOpen: isBridged };
    const here = lost.filter(({ place }) => place === at);
    if (here.length === 0) return [{ ...damage, offset, entries: NO_ENTRIES, intact: [] }];
    return here.map((run) => {
      const { from, until } = run;
      const next = lost[lost.indexOf(run) + 1]?.from ?? records.until;
      const behind = within({ from: until, until: next }, needed);
      const intact = behind === NO_ENTRIES ? [] : [behind];
      return { ...damage, offset: here[0] === run ? offset : run.offset, entries: { from, until }, intact };
    });
  });
}

/** The stretches that are needed, each at the place that it was lost in. */
function runsAt(
  places: readonly Place[],
  unreadable: readonly UnreadableRun[],
  needed: IndexRange,
): (UnreadableRun & { readonly place: number })[] {
  const runs: (UnreadableRun & { readonly place: number })[] = [];
  for (const { offset, ...range } of unreadable) {
    const { from, until } = within(range, needed);
    const place = places.findLastIndex((one) => one.offset <= offset);
    // Behind the end of what was durable is no damage.
    if (until <= from || place < 0 || offset >= (places[place] as Place).untilOffset) continue;
    const last = runs[runs.length - 1];
    if (last?.until === from && last.place === place) runs[runs.length - 1] = { ...last, until };
    else runs.push({ from, until, offset, place });
  }
  return runs;
}

function within(range: IndexRange, needed: IndexRange): IndexRange {
  return ordered({ from: Math.max(range.from, needed.from), until: Math.min(range.until, needed.until) });
}

/** A segment that is not the last must reach to where the next begins. */
function shortEnd(segment: SurveyedSegment, next: SurveyedSegment): Place | null {
  const { run, path, framesUntil, tear, sealedLsn } = segment;
  const expected = next.header === null ? sealedLsn : next.header.firstLsn - 1;
  if (run === null || expected === null) return null;
  if (next.header === null ? run.lastLsn === expected : goesOnFrom(next.header, run)) return null;
  if (run.lastLsn >= expected) {
    const reason = `it begins at LSN ${expected + 1} behind ${next.header?.chain ?? 0}, expected ${run.lastLsn + 1} behind ${run.chain}`;
    return { code: 'KEELSON_LOG_GAP', path: next.path, offset: 0, untilOffset: 0, reason };
  }
  return shortRun(path, framesUntil, tear?.reason ?? null, run.lastLsn, expected);
}

function shortRun(
  path: string,
  offset: number,
  tear: string | null,
  lastLsn: number,
  expected: number,
): Place {
  const what = tear ?? 'nothing whole is written here';
  const reason = `${what}; the log is whole up to LSN ${lastLsn}, expected at least ${expected}, which was durable`;
  return { code: 'KEELSON_CORRUPT', path, offset, untilOffset: Infinity, reason };
}

/** What the last segment lacks of what was durable (R3). */
function lackOf({ run, tear, sealedLsn }: SurveyedSegment, proven: DurableMark): 'frames' | 'segment' | null {
  if (run === null) return null;
  return lackedBy({ lastLsn: run.lastLsn, isTorn: tear !== null, sealedLsn }, proven.lsn);
}

/** What was durable behind its last frame. */
function beyond(segment: SurveyedSegment, proven: DurableMark): Place | null {
  const { run, path, framesUntil, tear } = segment;
  if (run === null || lackOf(segment, proven) !== 'frames') return null;
  return shortRun(path, framesUntil, tear?.reason ?? null, run.lastLsn, proven.lsn);
}

/** It is full, and more was durable: what stood in one that is not there. */
function missingBehind(last: SurveyedSegment, proven: DurableMark, paths: StorePaths): SurveyedDamage[] {
  if (last.run === null || lackOf(last, proven) !== 'segment') return [];
  const entries = { from: last.run.end.lastIndex + 1, until: proven.lastIndex + 1 };
  const reason = `the segment is not there, though the log was durable up to LSN ${proven.lsn}, and the one before it is full`;
  return [missing(paths.segment(last.number + 1), reason, entries)];
}

function highestLsnOf({ run, sealedLsn, header }: SurveyedSegment): number {
  return Math.max(run?.lastLsn ?? 0, sealedLsn ?? 0, (header?.firstLsn ?? 1) - 1);
}

function highestOf(first: number, others: readonly number[]): number {
  return others.reduce((highest, other) => Math.max(highest, other), first);
}

/** LSN of the last whole frame of any of them. */
export function endLsnOf(segments: readonly SurveyedSegment[]): number {
  return highestOf(
    0,
    segments.map(({ run }) => run?.lastLsn ?? 0),
  );
}
