import { closeSync, openSync, readSync } from 'node:fs';
import type { SurveyedFrame } from '../../wal/survey/survey-segment.js';

/** Frames of one term in a row, or a single one: a box on the map. */
export interface MapCell {
  /** Bytes of the file, half-open. */
  readonly at: number;
  until: number;
  /** Indexes of the entries in it, half-open; equal: none. */
  from: number;
  untilIndex: number;
  lowTerm: number;
  highTerm: number;
  frames: number;
  readonly firstLsn: number;
  lastLsn: number;
  readonly epoch: number;
  /** Of its first frame. */
  readonly headerBytes: number;
}

/** What stands in one segment. */
export interface MappedSegment {
  readonly path: string;
  cells: MapCell[];
}

/** Boxes that a segment has at most; where there are more frames, neighbours share one. */
const CELLS_MAX = 128;

/** Segments that are drawn: the oldest and the newest. Of those between them the page says how many they are. */
const SEGMENTS_MAX = 32;

/** Collects the frames of a survey for a map, however many there are. */
export class StoreMap {
  readonly segments: MappedSegment[] = [];
  readonly #termRuns: { term: string; from: number; until: number }[] = [];

  add({ header, offset, path }: SurveyedFrame): void {
    const { from, until, lowTerm, highTerm, firstLsn, recordCount, epoch, headerBytes, payloadBytes } =
      header;
    let segment = this.segments[this.segments.length - 1];
    if (segment?.path !== path) {
      segment = { path, cells: [] };
      this.segments.push(segment);
      if (this.segments.length > SEGMENTS_MAX) this.segments.splice(SEGMENTS_MAX / 2, 1);
    }
    const [untilIndex, lastLsn] = [until, firstLsn + recordCount - 1];
    const end = offset + headerBytes + payloadBytes;
    segment.cells.push({
      ...{ at: offset, until: end, from, untilIndex, lowTerm, highTerm, frames: 1 },
      ...{ firstLsn, lastLsn, epoch, headerBytes },
    });
    if (segment.cells.length > CELLS_MAX) segment.cells = fewer(segment.cells);
    this.#addTerms(from, until, lowTerm === highTerm ? String(lowTerm) : `${lowTerm}..${highTerm}`);
  }

  /** Terms by index, as the log stands behind all frames; of many runs the newest. */
  get termRuns(): readonly { readonly term: string; readonly from: number; readonly until: number }[] {
    return this.#termRuns.slice(-CELLS_MAX);
  }

  #addTerms(from: number, until: number, term: string): void {
    if (until <= from) return;
    const runs = this.#termRuns;
    for (
      let last = runs[runs.length - 1];
      last !== undefined && last.until > from;
      last = runs[runs.length - 1]
    ) {
      last.until = from;
      if (last.until <= last.from) runs.pop();
    }
    const last = runs[runs.length - 1];
    if (last?.term === term && last.until === from) last.until = until;
    else runs.push({ term, from, until });
    if (runs.length > 2 * CELLS_MAX) runs.splice(0, CELLS_MAX);
  }
}

/**
 * At most half as many boxes as there may be, of about the same size each. What is damaged between two of them stays
 * outside of both, unless there are too many of such places.
 */
function fewer(cells: readonly MapCell[]): MapCell[] {
  const [first, end] = [cells[0]?.at ?? 0, cells[cells.length - 1]?.until ?? 0];
  const bytesMax = ((end - first) / CELLS_MAX) * 4;
  const isJoined = (last: MapCell, cell: MapCell): boolean => cell.until - last.at <= bytesMax;
  const some = packed(cells, (last, cell) => last.until === cell.at && isJoined(last, cell));
  return some.length > CELLS_MAX / 2 ? packed(some, isJoined) : some;
}

function packed(cells: readonly MapCell[], joins: (last: MapCell, cell: MapCell) => boolean): MapCell[] {
  const kept: MapCell[] = [];
  for (const cell of cells) {
    const last = kept[kept.length - 1];
    if (last === undefined || !joins(last, cell)) {
      kept.push(cell);
      continue;
    }
    if (cell.untilIndex > cell.from) {
      const isFirst = last.untilIndex <= last.from;
      last.from = isFirst ? cell.from : Math.min(last.from, cell.from);
      last.lowTerm = isFirst ? cell.lowTerm : Math.min(last.lowTerm, cell.lowTerm);
      last.untilIndex = cell.untilIndex;
    }
    last.highTerm = Math.max(last.highTerm, cell.highTerm);
    [last.until, last.lastLsn] = [cell.until, cell.lastLsn];
    last.frames += cell.frames;
  }
  return kept;
}

/** The bytes of the first frame of each box, in hex: its header, and of what it covers at most `payloadBytes`. */
export function bytesOf({ path, cells }: MappedSegment, payloadBytes: number): readonly string[] {
  const file = openSync(path, 'r');
  try {
    return cells.map(({ at, until, headerBytes }) => {
      const bytes = Buffer.alloc(Math.min(headerBytes + payloadBytes, until - at));
      return bytes.toString('hex', 0, readSync(file, bytes, 0, bytes.length, at));
    });
  } finally {
    closeSync(file);
  }
}
