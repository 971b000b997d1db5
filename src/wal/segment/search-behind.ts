import {
  FRAME_HEADER_BYTES_MAX,
  FRAME_MAGIC,
  payloadMatches,
  readFrameHeader,
  type FrameHeader,
} from '../../format/frame-header.js';
import type { IndexRange } from '../report/recovery-report.js';
import type { SegmentWindow } from './segment-window.js';

/** Bytes searched in one go; well below what a window holds, so that it slides in long strides. */
const SEARCH_BYTES = 65_536;

/** What was found behind the end of a run. */
export interface Behind {
  /** Behind the last byte of any frame whose header is valid; 0 if there is none. */
  readonly untilOffset: number;
  /** Entries of the frames that are whole and that count. */
  readonly intact: readonly IndexRange[];
}

/**
 * Looks, byte by byte, for headers that are valid under `salt` from `from` on: their marks count (R1) though
 * the run does not reach them, and they tell a torn tail from an untouched one (R4).
 *
 * @param onHeader says whether the frame counts; one that was fenced off holds no entry of the log (D11)
 */
export async function searchBehind(
  window: SegmentWindow,
  from: number,
  until: number,
  salt: number,
  onHeader: (header: FrameHeader) => boolean,
): Promise<Behind> {
  const intact: IndexRange[] = [];
  let untilOffset = 0;
  let at = await nextCandidate(window, from, until);
  while (at < until) {
    const header = readFrameHeader(await window.view(at, FRAME_HEADER_BYTES_MAX), 0, salt);
    let next = at + 1;
    if (header !== null) {
      const counts = onHeader(header);
      const end = Math.min(at + header.headerBytes + header.payloadBytes, until);
      untilOffset = Math.max(untilOffset, end);
      const payload = await window.view(at + header.headerBytes, header.payloadBytes);
      if (payloadMatches(header, payload, salt)) {
        if (counts) addRange(intact, header.from, header.until);
        next = end;
      }
    }
    at = await nextCandidate(window, next, until);
  }
  return { untilOffset, intact };
}

/** Where the next magic stands, or `until`. */
export async function nextCandidate(window: SegmentWindow, from: number, until: number): Promise<number> {
  let at = from;
  while (at < until) {
    const bytes = await window.view(at, Math.min(SEARCH_BYTES, until - at));
    const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(FRAME_MAGIC);
    if (found >= 0) return at + found;
    // The last bytes may be the beginning of a magic that the next window completes.
    if (at + bytes.length >= until || bytes.length < FRAME_MAGIC.length) return until;
    at += bytes.length - (FRAME_MAGIC.length - 1);
  }
  return until;
}

/** Adds a range to an ordered list, joined with the last one where they touch. */
function addRange(ranges: IndexRange[], from: number, until: number): void {
  if (from === until) return;
  const last = ranges[ranges.length - 1];
  if (last !== undefined && last.until === from) ranges[ranges.length - 1] = { from: last.from, until };
  else ranges.push({ from, until });
}
