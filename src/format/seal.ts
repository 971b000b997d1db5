import { checksum, innerSeed } from './checksum.js';
import { getU64, isCount, putU32s, putU64, u32sOf, viewOf } from './integers.js';
import type { DurableMark } from './position.js';
import { rangeCount } from './range-sums.js';

/**
 * The index at the end of a sealed segment, so that open and reads need not scan its frames: where each
 * numbered record stands, and where the terms change. The trailer is the file's very last bytes, the term
 * runs stand before it, the offsets before those, and the sums of ranges of records before those. A seal takes no LSN; an
 * absent or torn one is rebuilt from the frames (D6).
 */

export const SEAL_TRAILER_BYTES = 112;
export const SEAL_SUM_BYTES = 4;
export const SEAL_OFFSET_BYTES = 4;
export const SEAL_RUN_BYTES = 16;

/** Set if a frame of the segment replaced the whole log. */
const FLAG_RESETS = 1;
/** Set in a seal that a clean close leaves behind a segment which is still written to. */
const FLAG_PROVISIONAL = 2;

/** 'KSL1' */
const MAGIC = 0x314c_534b;

/**
 * Terms of a range of entries: the index from which on they have a term, and the term, run by run. No object a run, since
 * every entry may have a term of its own.
 */
export type RunsOfTerms = Float64Array;

/**
 * What the seal of a clean close says besides, so that an open need not go over the frames one by one: in front of the sums
 * stand the state that the preamble of a next segment would hold, and the checksum of each record.
 */
export interface Provisional {
  /** Over all bytes from behind the header to the end of the last frame; seeded with {@link innerSeed} of the salt. */
  readonly tailChecksum: number;
  readonly stateBytes: number;
  /** Over the state and the checksums of the records. */
  readonly frontChecksum: number;
  /** Numbers that its frames wrote, those written twice counted twice. */
  readonly entries: number;
}

export interface SealTrailer {
  /** Lowest index that a frame of the segment wrote or truncated to; the segment owns `[lowest, until)`. */
  readonly lowest: number;
  /** One above the last index of the log at the end of the segment. */
  readonly until: number;
  readonly runCount: number;
  readonly offsetsChecksum: number;
  readonly runsChecksum: number;
  readonly sumsChecksum: number;
  /** LSN of the segment's last record; `firstLsn - 1` if it has none. */
  readonly lastLsn: number;
  /** Checksum of the header of its last frame. */
  readonly chain: number;
  /** Where the frames end. */
  readonly framesUntil: number;
  /** Epoch of the writer that sealed it. */
  readonly epoch: number;
  /** Frames and records in the segment. */
  readonly frameCount: number;
  /** A frame of the segment replaced the whole log. */
  readonly resets: boolean;
  readonly durable: DurableMark;
  /** Null in the seal of a segment that is not written any more. */
  readonly provisional: Provisional | null;
}

/** Bytes that the seal of a segment that owns `[lowest, until)` takes at its end. */
export function sealBytes(lowest: number, until: number, runCount: number): number {
  return (
    rangeCount(lowest, until) * SEAL_SUM_BYTES +
    (until - lowest) * SEAL_OFFSET_BYTES +
    runCount * SEAL_RUN_BYTES +
    SEAL_TRAILER_BYTES
  );
}

export interface Seal extends Omit<
  SealTrailer,
  'runCount' | 'offsetsChecksum' | 'runsChecksum' | 'sumsChecksum' | 'provisional'
> {
  /** As {@link rangeSums} says. */
  readonly sums: Uint32Array;
  /** Offsets of the records numbered `lowest`, `lowest + 1`, .. */
  readonly offsets: Uint32Array;
  readonly runs: RunsOfTerms;
  /** Of a clean close. */
  readonly provisional?:
    | (Pick<Provisional, 'tailChecksum' | 'entries'> & {
        readonly state: Uint8Array;
        /** Of the records, as the offsets. */
        readonly checksums: Uint32Array;
      })
    | null;
}

/** What of a sealed segment counts for who does not read it record by record. */
export type SealedSegment = Pick<Seal, 'lowest' | 'until' | 'resets' | 'runs'>;

/** The whole seal as bytes, to be written so that it ends where the file ends. */
export function encodeSeal(seal: Seal, salt: number): Uint8Array {
  const { lowest, until, sums, offsets, runs, provisional } = seal;
  const state = provisional?.state ?? new Uint8Array(0);
  const checksums = provisional?.checksums ?? new Uint32Array(0);
  const sumsFrom = state.length + checksums.length * SEAL_SUM_BYTES;
  const runCount = runs.length / 2;
  const bytes = new Uint8Array(sumsFrom + sealBytes(lowest, until, runCount));
  const view = viewOf(bytes);
  const offsetsFrom = sumsFrom + sums.length * SEAL_SUM_BYTES;
  const runsFrom = offsetsFrom + offsets.length * SEAL_OFFSET_BYTES;
  const trailerFrom = runsFrom + runCount * SEAL_RUN_BYTES;
  bytes.set(state);
  putU32s(bytes, state.length, checksums);
  putU32s(bytes, sumsFrom, sums);
  putU32s(bytes, offsetsFrom, offsets);
  for (let at = 0; at < runs.length; at += 1) putU64(view, runsFrom + at * 8, runs[at] as number);
  const trailer = bytes.subarray(trailerFrom);
  putTrailer(trailer, {
    lowest,
    until,
    runCount,
    offsetsChecksum: checksum(bytes.subarray(offsetsFrom, runsFrom), innerSeed(salt)),
    runsChecksum: checksum(bytes.subarray(runsFrom, trailerFrom), innerSeed(salt)),
    sumsChecksum: checksum(bytes.subarray(sumsFrom, offsetsFrom), innerSeed(salt)),
    lastLsn: seal.lastLsn,
    chain: seal.chain,
    framesUntil: seal.framesUntil,
    epoch: seal.epoch,
    frameCount: seal.frameCount,
    resets: seal.resets,
    durable: seal.durable,
    provisional: provisional
      ? {
          tailChecksum: provisional.tailChecksum,
          stateBytes: state.length,
          frontChecksum: checksum(bytes.subarray(0, sumsFrom), innerSeed(salt)),
          entries: provisional.entries,
        }
      : null,
  });
  viewOf(trailer).setUint32(4, trailerChecksum(trailer, salt), true);
  return bytes;
}

function putTrailer(bytes: Uint8Array, trailer: SealTrailer): void {
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  putU64(view, 8, trailer.lowest);
  putU64(view, 16, trailer.until);
  view.setUint32(24, trailer.runCount, true);
  view.setUint32(28, trailer.offsetsChecksum, true);
  view.setUint32(32, trailer.runsChecksum, true);
  view.setUint32(36, trailer.chain, true);
  putU64(view, 40, trailer.lastLsn);
  view.setUint32(48, trailer.framesUntil, true);
  view.setUint32(52, trailer.epoch, true);
  view.setUint32(56, trailer.frameCount, true);
  const { resets, provisional } = trailer;
  view.setUint32(60, (resets ? FLAG_RESETS : 0) | (provisional === null ? 0 : FLAG_PROVISIONAL), true);
  putU64(view, 64, trailer.durable.lsn);
  putU64(view, 72, trailer.durable.lastIndex);
  putU64(view, 80, trailer.durable.lastTerm);
  view.setUint32(88, trailer.sumsChecksum, true);
  if (provisional === null) return;
  view.setUint32(92, provisional.tailChecksum, true);
  view.setUint32(96, provisional.stateBytes, true);
  view.setUint32(100, provisional.frontChecksum, true);
  putU64(view, 104, provisional.entries);
}

function trailerChecksum(trailer: Uint8Array, salt: number): number {
  return checksum(trailer.subarray(8, SEAL_TRAILER_BYTES), checksum(trailer.subarray(0, 4), salt));
}

/** Reads the last {@link SEAL_TRAILER_BYTES} of a segment; null if they are no valid trailer of this segment. */
export function decodeSealTrailer(bytes: Uint8Array, salt: number): SealTrailer | null {
  if (bytes.length !== SEAL_TRAILER_BYTES) return null;
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== trailerChecksum(bytes, salt))
    return null;
  const flags = view.getUint32(60, true);
  // One that this code does not know is no seal to it: frames are read instead.
  if ((flags & ~(FLAG_RESETS | FLAG_PROVISIONAL)) !== 0) return null;
  const trailer: SealTrailer = {
    lowest: getU64(view, 8),
    until: getU64(view, 16),
    runCount: view.getUint32(24, true),
    offsetsChecksum: view.getUint32(28, true),
    runsChecksum: view.getUint32(32, true),
    sumsChecksum: view.getUint32(88, true),
    chain: view.getUint32(36, true),
    lastLsn: getU64(view, 40),
    framesUntil: view.getUint32(48, true),
    epoch: view.getUint32(52, true),
    frameCount: view.getUint32(56, true),
    resets: (flags & FLAG_RESETS) !== 0,
    durable: { lsn: getU64(view, 64), lastIndex: getU64(view, 72), lastTerm: getU64(view, 80) },
    provisional:
      (flags & FLAG_PROVISIONAL) === 0
        ? null
        : {
            tailChecksum: view.getUint32(92, true),
            stateBytes: view.getUint32(96, true),
            frontChecksum: view.getUint32(100, true),
            entries: getU64(view, 104),
          },
  };
  const { durable, provisional } = trailer;
  const counts = [
    trailer.lowest,
    trailer.until,
    trailer.lastLsn,
    durable.lsn,
    durable.lastIndex,
    durable.lastTerm,
    provisional?.entries ?? 0,
  ];
  return counts.every(isCount) && trailer.lowest <= trailer.until ? trailer : null;
}

/** What says where the parts of a seal stand. */
type SealPlaces = Pick<SealTrailer, 'lowest' | 'until' | 'runCount'> & {
  readonly provisional: Pick<Provisional, 'stateBytes'> | null;
};

/** Size of the whole seal whose trailer this is. */
export function sealBytesOf(places: SealPlaces): number {
  return frontBytesOf(places) + sealBytes(places.lowest, places.until, places.runCount);
}

/** Of these, what a provisional seal has in front of the sums. */
export function frontBytesOf({ lowest, until, provisional }: Omit<SealPlaces, 'runCount'>): number {
  return provisional === null ? 0 : provisional.stateBytes + (until - lowest) * SEAL_SUM_BYTES;
}

/** What a provisional seal has in front of the sums; null if it is not what the trailer says. */
export function decodeSealFront(
  bytes: Uint8Array,
  trailer: SealTrailer,
  salt: number,
): { readonly state: Uint8Array; readonly checksums: Uint32Array } | null {
  const { provisional } = trailer;
  if (provisional === null || bytes.length !== frontBytesOf(trailer)) return null;
  if (checksum(bytes, innerSeed(salt)) !== provisional.frontChecksum) return null;
  const { stateBytes } = provisional;
  return { state: bytes.slice(0, stateBytes), checksums: u32sOf(bytes.subarray(stateBytes)) };
}

/**
 * The term runs before a trailer; null if they are not what the trailer says, or, under whatever sum, none of its range: they
 * are searched by halves.
 */
export function decodeSealRuns(bytes: Uint8Array, trailer: SealTrailer, salt: number): RunsOfTerms | null {
  const { lowest, until, runCount, runsChecksum } = trailer;
  if (bytes.length !== runCount * SEAL_RUN_BYTES) return null;
  if (checksum(bytes, innerSeed(salt)) !== runsChecksum) return null;
  const view = viewOf(bytes);
  const runs = new Float64Array(runCount * 2);
  let least = lowest;
  for (let at = 0; at < runs.length; at += 2) {
    const index = getU64(view, at * 8);
    const term = getU64(view, at * 8 + 8);
    // The first begins where the range does; a NaN is none of it.
    if (!(index >= least && index < (at === 0 ? lowest + 1 : until) && term >= 0)) return null;
    runs[at] = index;
    runs[at + 1] = term;
    least = index + 1;
  }
  return runs;
}

/** The sums before the offsets; null if they are not what the trailer says. */
export function decodeSealSums(bytes: Uint8Array, trailer: SealTrailer, salt: number): Uint32Array | null {
  const count = rangeCount(trailer.lowest, trailer.until);
  if (bytes.length !== count * SEAL_SUM_BYTES || checksum(bytes, innerSeed(salt)) !== trailer.sumsChecksum)
    return null;
  return u32sOf(bytes);
}

/** The offsets before the runs; null if they are not what the trailer says. */
export function decodeSealOffsets(bytes: Uint8Array, trailer: SealTrailer, salt: number): Uint32Array | null {
  const count = trailer.until - trailer.lowest;
  if (
    bytes.length !== count * SEAL_OFFSET_BYTES ||
    checksum(bytes, innerSeed(salt)) !== trailer.offsetsChecksum
  )
    return null;
  return u32sOf(bytes);
}
