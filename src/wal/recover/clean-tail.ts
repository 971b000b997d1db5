import type { DiskFile } from '../../disk/port.js';
import { innerSeed } from '../../format/checksum.js';
import { FRAME_HEADER_BYTES_MAX, readFrameHeader } from '../../format/frame-header.js';
import type { DurableMark } from '../../format/position.js';
import { framesFrom, segmentSalt, type SegmentHeader } from '../../format/segment-header.js';
import type { Superblock } from '../../format/superblock.js';
import { readProvisionalSeal, type ProvisionalSeal } from '../segment/read-segment.js';
import { RecordIndex } from '../segment/record-index.js';
import type { SegmentScan } from '../segment/scan-segment.js';
import type { SegmentFront } from '../segment/segment-front.js';
import { SegmentWindow } from '../segment/segment-window.js';

/** The last segment as a clean close left it. */
export interface CleanTail {
  readonly seal: ProvisionalSeal;
  readonly scan: SegmentScan & { readonly front: SegmentFront };
}

/** What a provisional seal is held against. */
export interface CleanEnd {
  readonly superblock: Pick<Superblock, 'isCleanEnd' | 'epoch' | 'proven'>;
  /** The highest mark of all that was heard so far. */
  readonly mark: DurableMark;
  readonly beforeRead?: (() => void) | undefined;
}

/**
 * The last segment by the seal that a clean close left in it, whose frames need not be gone over one by one then. It is
 * believed only where the superblock says that this very writer closed the store at this very end, nothing proves more,
 * no frame follows, and all bytes of the frames are those that the close had read back and proven (R12). Null: it is not,
 * and the frames are asked, which tells damage in them as ever.
 */
export async function cleanTail(
  file: DiskFile,
  header: SegmentHeader,
  { superblock, mark, beforeRead }: CleanEnd,
): Promise<CleanTail | null> {
  const { proven, isCleanEnd, epoch } = superblock;
  if (!isCleanEnd || mark.lsn !== proven.lsn) return null;
  const salt = segmentSalt(header.identity);
  const seal = await readProvisionalSeal(file, header.segmentBytes, salt);
  if (seal === null) return null;
  const { trailer } = seal;
  const { durable, provisional } = trailer;
  if (trailer.epoch !== epoch || trailer.lastLsn !== proven.lsn) return null;
  const fields = ['lsn', 'lastIndex', 'lastTerm'] as const;
  if (fields.some((field) => durable[field] !== proven[field])) return null;
  const read = await sumFrames(file, header, trailer.framesUntil, beforeRead);
  if (read === null || read.checksum !== provisional.tailChecksum) return null;
  const { lastLsn, chain, framesUntil, frameCount, resets } = trailer;
  const end = { lastIndex: durable.lastIndex, lastTerm: durable.lastTerm };
  const run = { lastLsn, chain, epoch, end };
  const front = { run, until: framesUntil, checksum: read.checksum, entries: provisional.entries };
  const { readBytes } = read;
  const index = RecordIndex.of(trailer.lowest, seal.offsets, seal.checksums);
  const scan = { run, runUntil: framesUntil, frameCount, index, resets, stop: null };
  return { seal, scan: { ...scan, unprovenFrom: framesUntil, readBytes, front } };
}

/** Sums all frames in bulk; null if they do not end where the seal says. */
async function sumFrames(
  file: DiskFile,
  header: SegmentHeader,
  until: number,
  beforeRead: (() => void) | undefined,
): Promise<{ readonly checksum: number; readonly readBytes: number } | null> {
  const from = framesFrom(header.state.length);
  const salt = segmentSalt(header.identity);
  const checksum = innerSeed(salt);
  // With room for a header behind them: nothing may have been added.
  const fileBytes = Math.min(header.segmentBytes, until + FRAME_HEADER_BYTES_MAX);
  const window = new SegmentWindow(file, fileBytes, { beforeRead, readsAhead: true, checksum });
  try {
    let at = from;
    while (at < until) {
      await window.hold(at, 1);
      const heldUntil = Math.min(window.from + window.bytes.length, until);
      if (heldUntil <= at) return null;
      at = heldUntil;
    }
    const behind = await window.view(at, FRAME_HEADER_BYTES_MAX);
    if (at !== until || readFrameHeader(behind, 0, salt) !== null) return null;
    return { checksum: window.checksumThrough(until), readBytes: window.readBytes };
  } finally {
    await window.settle();
  }
}
