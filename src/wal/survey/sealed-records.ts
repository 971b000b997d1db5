import type { Disk, DiskFile } from '../../disk/port.js';
import { readRecord, RECORD_HEADER_BYTES } from '../../format/record.js';
import type { SealTrailer, TermRun } from '../../format/seal.js';
import { segmentSalt, type SegmentHeader } from '../../format/segment-header.js';
import { wholeHeaderOf } from '../segment/header-fault.js';
import { readAt, readSeal, readSealOffsets } from '../segment/read-segment.js';
import type { TermOfRecord, UnreadableRun } from './walk-lost-frame.js';

/**
 * A whole seal that the next segment goes on from: by it an open passes over the segment without a look at its frames,
 * and a read finds each record where it says (R12). So damage in the frames costs only the records that it hit.
 */
export interface Bridge {
  readonly trailer: SealTrailer;
  readonly runs: readonly TermRun[];
  /** Null: they are damaged too, and a read makes them out from the frames. */
  readonly offsets: Uint32Array | null;
}

/** The bridge over a segment; null if an open has to read its frames. */
export async function bridgeOver(
  disk: Disk,
  walDir: string,
  file: DiskFile,
  header: SegmentHeader,
  storeId: Uint8Array | null,
): Promise<Bridge | null> {
  const salt = segmentSalt(header.identity);
  const seal = await readSeal(file, header.segmentBytes, salt);
  if (seal === null) return null;
  const next = await wholeHeaderOf(disk, walDir, header.number + 1, storeId);
  if (next?.firstLsn !== seal.trailer.lastLsn + 1 || next.chain !== seal.trailer.chain) return null;
  return { ...seal, offsets: await readSealOffsets(file, header.segmentBytes, seal.trailer, salt) };
}

/** Bytes `[from, until)` of a segment that are not all what was written there. */
export interface DamagedPlace {
  readonly offset: number;
  readonly untilOffset: number;
}

/** The records of a sealed segment that stand in damaged places and that a read does not get, in runs for each place. */
export async function unreadableOfSealed(
  file: DiskFile,
  header: SegmentHeader,
  { trailer, runs, offsets }: Bridge,
  places: readonly DamagedPlace[],
  termOf: TermOfRecord,
): Promise<readonly UnreadableRun[]> {
  const { lowest, until } = trailer;
  if (offsets === null)
    return lowest < until ? [{ from: lowest, until, offset: places[0]?.offset ?? 0 }] : [];
  const unreadable: UnreadableRun[] = [];
  let place = 0;
  let run = 0;
  for (let number = lowest; number < until; number += 1) {
    const offset = offsets[number - lowest] as number;
    while (place < places.length && (places[place] as DamagedPlace).untilOffset <= offset) place += 1;
    const damaged = places[place];
    if (damaged === undefined) break;
    if (offset < damaged.offset) continue;
    while (run + 1 < runs.length && (runs[run + 1] as TermRun).index <= number) run += 1;
    if (await isWhole(file, header, offset, number, runs[run]?.term ?? 0, termOf)) continue;
    const last = unreadable[unreadable.length - 1];
    if (last?.until === number && last.offset >= damaged.offset)
      unreadable[unreadable.length - 1] = { ...last, until: number + 1 };
    else unreadable.push({ from: number, until: number + 1, offset });
  }
  return unreadable;
}

async function isWhole(
  file: DiskFile,
  { segmentBytes }: SegmentHeader,
  offset: number,
  number: number,
  term: number,
  termOf: TermOfRecord,
): Promise<boolean> {
  const head = await readAt(file, offset, RECORD_HEADER_BYTES);
  if (head.length < RECORD_HEADER_BYTES) return false;
  const bytes = RECORD_HEADER_BYTES + new DataView(head.buffer).getUint32(0, true);
  if (bytes > segmentBytes - offset) return false;
  const record = readRecord(await readAt(file, offset, bytes), 0);
  return record !== null && termOf(record, number, null, term) !== null;
}
