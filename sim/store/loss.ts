import type { FrameHeader } from '../../src/format/frame-header.js';
import { viewOf } from '../../src/format/integers.js';
import { entryKindOffset } from '../../src/format/raft-records.js';
import { RECORD_HEADER_BYTES, recordBytesAt } from '../../src/format/record.js';
import type { IndexRange } from '../../src/wal/report/recovery-report.js';
import { lastIndexOf, lastTermOf, type LogState, termAt } from '../oracle/log-state.js';

/** A whole frame, and where it stands. */
export interface FrameInFile {
  readonly path: string;
  readonly at: number;
  readonly header: FrameHeader;
}

/** Entries that one damage may have cost: none outside of `[from, until)`. Empty: what was hit was written again behind it. */
export interface Loss extends IndexRange {
  /** The first of them cannot be read, whatever else can. */
  readonly isFirstLost: boolean;
}

export const EVERYTHING: Loss = Object.freeze({ from: 0, until: Infinity, isFirstLost: false });

/** What a flipped bit costs of a frame: the entry that it hit. Each of the others bears witness of itself, wherever it stands. */
export function lossOfFrame(
  { at, header }: FrameInFile,
  byte: number,
  file: Uint8Array,
  frames: readonly FrameInFile[],
): Loss {
  const view = viewOf(file);
  // The numbered records stand last.
  let number = header.until - header.recordCount;
  let record = at + header.headerBytes;
  for (; record + recordBytesAt(view, record) <= byte; number += 1) record += recordBytesAt(view, record);
  const isLost = number >= header.from && number < lowestFrom(header.firstLsn + 1, frames);
  return {
    from: number,
    until: isLost ? number + 1 : number,
    isFirstLost: isLost && isNeeded(file, view, record, byte),
  };
}

/** A seal says the term of an entry too, so what the record says of it counts for nothing there. */
function isNeeded(file: Uint8Array, view: DataView, record: number, byte: number): boolean {
  const bodyFrom = record + RECORD_HEADER_BYTES;
  const kindAt = entryKindOffset(file, bodyFrom, record + recordBytesAt(view, record));
  return byte < bodyFrom || byte >= kindAt;
}

/** What a segment costs of which nothing can be read: all that it added to the log, and all that was written again since. */
export function lossOfSegment(path: string, frames: readonly FrameInFile[]): Loss {
  // They come in the order of the file, which is that of their LSNs.
  const first = frames.find((frame) => frame.path === path)?.header.firstLsn ?? 0;
  return { from: lowestFrom(first, frames), until: Infinity, isFirstLost: false };
}

/** The lowest index that was written, or cut off, from an LSN on. */
function lowestFrom(lsn: number, frames: readonly FrameInFile[]): number {
  return frames
    .filter(({ header }) => header.firstLsn >= lsn)
    .reduce((lowest, { header }) => Math.min(lowest, header.resets ? 0 : header.from), Infinity);
}

/** Whether entries are named as unreadable that were not hit, or one that was hit is not; null if neither. */
export function whatIsNamedWrong(named: readonly IndexRange[], losses: readonly Loss[]): string | null {
  for (const { from, until } of named) {
    for (let index = from; index < until; index += 1) {
      if (losses.some((loss) => loss.from <= index && index < loss.until)) continue;
      return `verify calls entry ${index} unreadable, which was not hit (${textOf(losses)})`;
    }
  }
  const silent = losses.find(
    ({ from, isFirstLost }) =>
      isFirstLost && !named.some((range) => range.from <= from && from < range.until),
  );
  return silent === undefined ? null : `verify says nothing of entry ${silent.from}, which was hit`;
}

/**
 * Whether a repair has given up entries in front of the first that was hit; null if not. Where it keeps others, those are at
 * least as up-to-date (Raft paper, section 5.4.1): a Raft that wrote them had these before.
 */
export function whatWasGivenUp(promised: LogState, found: LogState, losses: readonly Loss[]): string | null {
  const lostFrom = losses.reduce(
    (lowest, { from, until }) => (from < until ? Math.min(lowest, from) : lowest),
    lastIndexOf(promised) + 1,
  );
  const covered = Math.max(found.boundary.index, promised.boundary.index);
  if (covered > Math.max(promised.boundary.index, found.snapshot?.index ?? 0))
    return `entries up to ${covered} are gone, which no snapshot covers`;
  const index = Math.min(lostFrom - 1, lastIndexOf(promised));
  const term = termAt(promised, index);
  if (index <= covered || term === undefined) return null;
  const lastTerm = lastTermOf(found);
  if (lastTerm > term || (lastTerm === term && lastIndexOf(found) >= index)) return null;
  return `entry ${index} of term ${term} is gone, which stands in front of what was hit (${textOf(losses)})`;
}

function textOf(losses: readonly Loss[]): string {
  return losses.map(({ from, until }) => `${from}..${until - 1}`).join(', ');
}
