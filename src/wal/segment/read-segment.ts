import { using } from '../../disk/close-file.js';
import { readFailed } from '../../disk/disk-failure.js';
import { isPromise, type Awaitable, type CallMode, type Disk, type DiskFile } from '../../disk/port.js';
import { readFully } from '../../disk/read-fully.js';
import { systemCode } from '../../disk/system-error.js';
import { reading } from '../../disk/told-calls.js';
import { isKeelsonError } from '../../errors/index.js';
import { SEGMENT_ASIDE_SUFFIX } from '../../format/names.js';
import { FRAME_HEADER_BYTES_MAX, readFrameHeader, type FrameHeader } from '../../format/frame-header.js';
import { rangeCount } from '../../format/range-sums.js';
import {
  decodeSealFront,
  decodeSealOffsets,
  decodeSealRuns,
  decodeSealSums,
  decodeSealTrailer,
  frontBytesOf,
  SEAL_OFFSET_BYTES,
  SEAL_RUN_BYTES,
  SEAL_SUM_BYTES,
  SEAL_TRAILER_BYTES,
  sealBytesOf,
  type Provisional,
  type RunsOfTerms,
  type SealTrailer,
} from '../../format/seal.js';
import {
  decodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  segmentHeaderBytes,
  segmentSalt,
  type SegmentHeader,
  type SegmentHeaderVerdict,
} from '../../format/segment-header.js';

/**
 * Opens a segment for reading, by its name or by the one that it has for the moment in which an open proves its name
 * (R10). `KEELSON_READ_FAILED`, with `ENOENT` too (R9).
 */
export async function openSegment(
  disk: Disk,
  path: string,
  mode: CallMode = 'background',
): Promise<DiskFile> {
  let missing: unknown;
  // Once more by its name: between the first look and the second it may have been given it back.
  for (const name of [path, path + SEGMENT_ASIDE_SUFFIX, path]) {
    try {
      return await disk.open(name, { access: 'read', mode });
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw readFailed('a segment', { path: name }, error);
      missing = error;
    }
  }
  throw readFailed('a segment', { path }, missing);
}

/** As {@link openSegment}; null if it is not there. */
export async function openIfThere(disk: Disk, path: string): Promise<DiskFile | null> {
  try {
    return await openSegment(disk, path);
  } catch (error) {
    if (isMissingFile(error)) return null;
    throw error;
  }
}

/** True for a failed read of a file that is not there. */
export function isMissingFile(error: unknown): boolean {
  return isKeelsonError(error, 'KEELSON_READ_FAILED') && error.details.systemCode === 'ENOENT';
}

/** Reads exactly `[offset, offset + length)`, fewer bytes where the file ends. */
export function readAt(
  file: DiskFile,
  offset: number,
  length: number,
  mode: CallMode = 'background',
): Awaitable<Uint8Array<ArrayBuffer>> {
  return readInto(new Uint8Array(length), file, offset, mode);
}

/** The same into `bytes`, of which it returns as many as the file has. */
function readInto(
  bytes: Uint8Array<ArrayBuffer>,
  file: DiskFile,
  offset: number,
  mode: CallMode,
): Awaitable<Uint8Array<ArrayBuffer>> {
  const count = fillFrom(file, bytes, offset, mode);
  return isPromise(count) ? count.then((read) => bytes.subarray(0, read)) : bytes.subarray(0, count);
}

/** Fills `bytes` with what stands in a segment from `offset` on; how many there are, fewer only where the file ends. */
export function fillFrom(
  file: DiskFile,
  bytes: Uint8Array,
  offset: number,
  mode: CallMode = 'background',
): Awaitable<number> {
  try {
    const count = readFully(file, bytes, offset, mode);
    return isPromise(count) ? count.catch((error: unknown) => failed(file, offset, error)) : count;
  } catch (error) {
    return failed(file, offset, error);
  }
}

function failed({ path }: DiskFile, offset: number, error: unknown): never {
  throw readFailed('a segment', { path, offset }, error);
}

/** The header of the frame at `offset`; null if none that is valid stands there. */
export async function frameHeaderAt(
  file: DiskFile,
  offset: number,
  salt: number,
  mode: CallMode,
): Promise<FrameHeader | null> {
  return readFrameHeader(await readAt(file, offset, FRAME_HEADER_BYTES_MAX, mode), 0, salt);
}

/** What a segment's first bytes say, and how long its file is. */
export interface SegmentHead {
  readonly verdict: SegmentHeaderVerdict;
  readonly fileBytes: number;
  /** Of these, how many take no room, at most: holes in front of them are not told apart. */
  readonly sparseBytes: number;
}

/**
 * Reads and judges the header of a segment, and the file's size.
 *
 * @param scratch of {@link SCRATCH_BYTES}, for who reads many, one after the other: fresh memory costs more than the read
 */
export async function readSegmentHeader(
  file: DiskFile,
  scratch: Uint8Array<ArrayBuffer> = new Uint8Array(SEGMENT_HEADER_BYTES),
): Promise<SegmentHead> {
  // Inline: of each segment open reads this block and its end, and a turn of a thread costs twenty times the read.
  let bytes = await readInto(scratch.subarray(0, SEGMENT_HEADER_BYTES), file, 0, 'inline');
  const wholeBytes = segmentHeaderBytes(bytes);
  if (wholeBytes > bytes.length) bytes = await readAt(file, 0, wholeBytes, 'inline');
  const place = { path: file.path };
  const { size, allocatedBytes = size } = await reading('a segment', place, () => file.stat('inline'));
  const sparseBytes = Math.max(0, size - allocatedBytes);
  return { verdict: decodeSegmentHeader(bytes), fileBytes: size, sparseBytes };
}

/** The same of the segment at a path; null if none is there. */
export async function headerAt(disk: Disk, path: string): Promise<SegmentHead | null> {
  const file = await openIfThere(disk, path);
  return file === null ? null : using(file, readSegmentHeader);
}

/** Bytes read from the end at once: the trailer, and as many term runs as a usual segment has. */
const SEAL_READ_BYTES = 2048;
/** Room for a segment's first block, or its end. */
export const SCRATCH_BYTES: number = Math.max(SEGMENT_HEADER_BYTES, SEAL_READ_BYTES);

/**
 * The trailer and the term runs of a seal; null if either is absent or torn, and frames must be read instead (D6), or if
 * it is the provisional one of a segment that is still written to.
 */
export async function readSeal(
  file: DiskFile,
  header: SegmentHeader,
  scratch?: Uint8Array<ArrayBuffer>,
): Promise<Omit<SealEnd, 'end'> | null> {
  const seal = await readSealEnd(file, header, scratch);
  return seal === null || seal.trailer.provisional !== null ? null : seal;
}

/** What a clean close left behind the frames of a segment. */
export interface ProvisionalSeal extends Omit<SealEnd, 'end'> {
  readonly trailer: SealTrailer & { readonly provisional: Provisional };
  readonly offsets: Uint32Array;
  /** Of the records, as the offsets. */
  readonly checksums: Uint32Array;
  readonly state: Uint8Array;
}

/** The whole provisional seal; null if none is there, or it is not as it was written. */
export async function readProvisionalSeal(
  file: DiskFile,
  header: SegmentHeader,
): Promise<ProvisionalSeal | null> {
  const { segmentBytes } = header;
  const salt = segmentSalt(header.identity);
  const seal = await readSealEnd(file, header);
  const provisional = seal?.trailer.provisional ?? null;
  if (seal === null || provisional === null) return null;
  const { trailer, runs, end } = seal;
  const from = segmentBytes - sealBytesOf(trailer);
  const sumsFrom = frontBytesOf(trailer);
  const offsetsFrom = sumsFrom + sumsBytesOf(trailer);
  const length = offsetsFrom + (trailer.until - trailer.lowest) * SEAL_OFFSET_BYTES;
  const isHeld = segmentBytes - from <= end.length;
  const bytes = isHeld ? end.subarray(end.length - (segmentBytes - from)) : await readAt(file, from, length);
  const front = decodeSealFront(bytes.subarray(0, sumsFrom), trailer, salt);
  const offsets = decodeSealOffsets(bytes.subarray(offsetsFrom, length), trailer, salt);
  if (front === null || offsets === null) return null;
  return { trailer: { ...trailer, provisional }, runs, offsets, ...front };
}

/** The end of a segment that has a seal. */
interface SealEnd {
  readonly trailer: SealTrailer;
  readonly runs: RunsOfTerms;
  /** The last bytes of the file, as they were read. */
  readonly end: Uint8Array;
}

async function readSealEnd(
  file: DiskFile,
  { segmentBytes, identity }: SegmentHeader,
  scratch: Uint8Array<ArrayBuffer> = new Uint8Array(SEAL_READ_BYTES),
): Promise<SealEnd | null> {
  const salt = segmentSalt(identity);
  const from = Math.max(SEGMENT_HEADER_BYTES, segmentBytes - SEAL_READ_BYTES);
  const end = await readInto(scratch.subarray(0, segmentBytes - from), file, from, 'inline');
  if (end.length < SEAL_TRAILER_BYTES) return null;
  const trailer = decodeSealTrailer(end.subarray(end.length - SEAL_TRAILER_BYTES), salt);
  if (trailer === null) return null;
  const runBytes = trailer.runCount * SEAL_RUN_BYTES;
  const runsFrom = segmentBytes - SEAL_TRAILER_BYTES - runBytes;
  // D9: a length from the disk is held against the file before memory is taken.
  if (segmentBytes - sealBytesOf(trailer) < trailer.framesUntil || runsFrom < SEGMENT_HEADER_BYTES)
    return null;
  const held = runsFrom >= from ? end.subarray(runsFrom - from, runsFrom - from + runBytes) : null;
  const runs = decodeSealRuns(held ?? (await readAt(file, runsFrom, runBytes)), trailer, salt);
  return runs === null ? null : { trailer, runs, end };
}

/** The offsets of a seal; null if they are not what its trailer says. */
export async function readSealOffsets(
  file: DiskFile,
  { segmentBytes, identity }: SegmentHeader,
  trailer: SealTrailer,
): Promise<Uint32Array | null> {
  const length = (trailer.until - trailer.lowest) * SEAL_OFFSET_BYTES;
  const bytes = await readAt(file, segmentBytes - sealBytesOf(trailer) + sumsBytesOf(trailer), length);
  return decodeSealOffsets(bytes, trailer, segmentSalt(identity));
}

/** The sums of ranges of a seal, likewise. */
export async function readSealSums(
  file: DiskFile,
  { segmentBytes, identity }: SegmentHeader,
  trailer: SealTrailer,
): Promise<Uint32Array | null> {
  const bytes = await readAt(file, segmentBytes - sealBytesOf(trailer), sumsBytesOf(trailer));
  return decodeSealSums(bytes, trailer, segmentSalt(identity));
}

function sumsBytesOf({ lowest, until }: SealTrailer): number {
  return rangeCount(lowest, until) * SEAL_SUM_BYTES;
}
