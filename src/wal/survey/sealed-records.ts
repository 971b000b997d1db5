import type { Disk, DiskFile } from '../../disk/port.js';
import { viewOf } from '../../format/integers.js';
import { readRecord, recordBytesAt, RECORD_HEADER_BYTES, type RawRecord } from '../../format/record.js';
import type { RunsOfTerms, SealTrailer } from '../../format/seal.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import { goesOnFrom } from '../segment/frame-run.js';
import { wholeHeaderOf } from '../segment/header-fault.js';
import { readSeal, readSealOffsets } from '../segment/read-segment.js';
import { SegmentWindow } from '../segment/segment-window.js';
import type { StorePaths } from '../store/store-directory.js';
import type { TermOfRecord, UnreadableRun } from './walk-lost-frame.js';

/**
 * A whole seal that the next segment goes on from: by it an open passes over the segment without a look at its frames,
 * and a read finds each record where it says (R12). So damage in the frames costs only the records that it hit.
 */
export interface Bridge {
  readonly trailer: SealTrailer;
  readonly runs: RunsOfTerms;
  /** Null: they are damaged too, and a read makes them out from the frames. */
  readonly offsets: Uint32Array | null;
}

/** The bridge over a segment; null if an open has to read its frames. */
export async function bridgeOver(
  disk: Disk,
  paths: StorePaths,
  file: DiskFile,
  header: SegmentHeader,
  lineage: Uint8Array | null,
): Promise<Bridge | null> {
  const seal = await readSeal(file, header);
  if (seal === null) return null;
  const next = await wholeHeaderOf(disk, paths, header.number + 1, lineage);
  if (next === null || !goesOnFrom(next, seal.trailer)) return null;
  return { ...seal, offsets: await readSealOffsets(file, header, seal.trailer) };
}

/** Where damage begins in a segment. */
export interface DamagedPlace {
  readonly offset: number;
}

/**
 * The records of a sealed segment that a read does not get, in runs for each damaged place. From the first of those on
 * each record is held against its own checksum: a frame that is whole need not stand where the seal has its records.
 */
export async function unreadableOfSealed(
  file: DiskFile,
  header: SegmentHeader,
  { trailer, runs, offsets }: Bridge,
  places: readonly DamagedPlace[],
  termOf: TermOfRecord,
): Promise<readonly UnreadableRun[]> {
  const { lowest, until } = trailer;
  const from = places[0]?.offset ?? Infinity;
  if (offsets === null) return lowest < until ? [{ from: lowest, until, offset: from }] : [];
  const window = new SegmentWindow(file, header.segmentBytes);
  const unreadable: UnreadableRun[] = [];
  let place = 0;
  let run = 0;
  for (let number = lowest; number < until; number += 1) {
    const offset = offsets[number - lowest] as number;
    if (offset < from) continue;
    while (place + 1 < places.length && (places[place + 1] as DamagedPlace).offset <= offset) place += 1;
    while ((runs[run + 2] ?? Infinity) <= number) run += 2;
    const record = await recordAt(window, offset);
    if (record !== null && termOf(record, number, null, runs[run + 1] ?? 0) !== null) continue;
    const last = unreadable[unreadable.length - 1];
    if (last?.until === number && last.offset >= (places[place] as DamagedPlace).offset)
      unreadable[unreadable.length - 1] = { ...last, until: number + 1 };
    else unreadable.push({ from: number, until: number + 1, offset });
  }
  return unreadable;
}

/** Null if none that is whole can stand there. */
async function recordAt(window: SegmentWindow, offset: number): Promise<RawRecord | null> {
  const head = await window.view(offset, RECORD_HEADER_BYTES);
  if (head.length < RECORD_HEADER_BYTES) return null;
  return readRecord(await window.view(offset, recordBytesAt(viewOf(head), 0)), 0);
}
