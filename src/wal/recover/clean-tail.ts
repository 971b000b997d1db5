import { turnEnded, type Environment } from '../../disk/environment.js';
import { isPromise, type CallMode, type DiskFile } from '../../disk/port.js';
import { checksum, innerSeed } from '../../format/checksum.js';
import { FRAME_HEADER_BYTES_MAX, readFrameHeader } from '../../format/frame-header.js';
import type { DurableMark } from '../../format/position.js';
import { framesFrom, segmentSalt, type SegmentHeader } from '../../format/segment-header.js';
import type { Superblock } from '../../format/superblock.js';
import { fillFrom, readAt, readProvisionalSeal, type ProvisionalSeal } from '../segment/read-segment.js';
import { RecordIndex } from '../segment/record-index.js';
import type { SegmentScan } from '../segment/scan-segment.js';
import type { SegmentFront } from '../segment/segment-front.js';

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
  readonly environment: Pick<Environment, 'now' | 'endOfTurn'>;
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
  cleanEnd: CleanEnd,
): Promise<CleanTail | null> {
  const { superblock, mark } = cleanEnd;
  const { proven, isCleanEnd, epoch } = superblock;
  if (!isCleanEnd || mark.lsn !== proven.lsn) return null;
  const seal = await readProvisionalSeal(file, header);
  if (seal === null) return null;
  const { trailer } = seal;
  const { durable, provisional } = trailer;
  if (trailer.epoch !== epoch || trailer.lastLsn !== proven.lsn) return null;
  const fields = ['lsn', 'lastIndex', 'lastTerm'] as const;
  if (fields.some((field) => durable[field] !== proven[field])) return null;
  const read = await sumFrames(file, header, trailer.framesUntil, cleanEnd);
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

/**
 * Read and summed at once: so little that it is still in the processor's own cache when it is summed, which takes half the
 * time that a thread and this one take together over pieces that it is not.
 */
const PIECE_BYTES = 128 * 1024;
/** Gone over in one turn of the event loop. */
const STRETCH_BYTES = 1024 * 1024;
/** A stretch that takes longer comes from the platter: for the next one a thread waits. */
const SLOW_MS = 5;

/** Sums all frames in bulk; null if they do not end where the seal says. */
async function sumFrames(
  file: DiskFile,
  { state, identity, segmentBytes }: SegmentHeader,
  until: number,
  { environment, beforeRead }: Pick<CleanEnd, 'environment' | 'beforeRead'>,
): Promise<{ readonly checksum: number; readonly readBytes: number } | null> {
  const from = framesFrom(state.length);
  const salt = segmentSalt(identity);
  let sum = innerSeed(salt);
  const piece = new Uint8Array(Math.min(PIECE_BYTES, Math.max(0, until - from)));
  let mode: CallMode = 'inline';
  let stretch = { from, startMs: environment.now() };
  let at = from;
  for (; at + PIECE_BYTES <= until; at += PIECE_BYTES) {
    if (at - stretch.from === STRETCH_BYTES) {
      mode = environment.now() - stretch.startMs > SLOW_MS ? 'background' : 'inline';
      await turnEnded(environment);
      stretch = { from: at, startMs: environment.now() };
    }
    beforeRead?.();
    const read = fillFrom(file, piece, at, mode);
    if ((isPromise(read) ? await read : read) < PIECE_BYTES) return null;
    sum = checksum(piece, sum);
  }
  if (at > until) return null;
  beforeRead?.();
  // With room for a header behind them: nothing may have been added.
  const last = await readAt(file, at, Math.min(segmentBytes, until + FRAME_HEADER_BYTES_MAX) - at, mode);
  const frames = last.subarray(0, until - at);
  if (frames.length < until - at || readFrameHeader(last.subarray(frames.length), 0, salt) !== null)
    return null;
  return { checksum: checksum(frames, sum), readBytes: at + last.length - from };
}
