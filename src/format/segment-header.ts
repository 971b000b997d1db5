import { checksum, innerSeed } from './checksum.js';
import { IDENTITY_BYTES, sameBytes } from './identity.js';
import { getU64, isCount, putU64, viewOf } from './integers.js';
import { LIMITS } from './limits.js';
import type { DurableMark, LogEnd } from './position.js';

/**
 * The head of a segment: who it is (store, identity, number, size) and the preamble from which replay
 * can begin without any older segment. Written and synced before the segment is named (R6).
 */

/**
 * The header takes whole blocks of so many bytes, one as a rule; frames begin right behind it. Small, so that 4 KiB segments
 * still hold entries.
 */
export const SEGMENT_HEADER_BYTES = 512;

/** Version of the format of segments, superblock and marks. */
export const FORMAT_VERSION = 1;

/** 'KEELSONW' */
const MAGIC = Uint8Array.of(0x4b, 0x45, 0x45, 0x4c, 0x53, 0x4f, 0x4e, 0x57);
const STATE_FROM = 128;

/** Most bytes of the state that the layer above may keep in a preamble: read before anything proves it but the header's sum. */
export const PREAMBLE_STATE_BYTES_MAX = 1_048_576;

/** Where the frames begin behind a header with so many bytes of state. */
export function framesFrom(stateBytes: number): number {
  return Math.ceil((STATE_FROM + stateBytes) / SEGMENT_HEADER_BYTES) * SEGMENT_HEADER_BYTES;
}

export interface SegmentHeader {
  readonly lineage: Uint8Array;
  /** Random; salts every checksum of the segment but an entry's own (D3). */
  readonly identity: Uint8Array;
  readonly number: number;
  /** Length of the file. */
  readonly segmentBytes: number;
  /** LSN of the segment's first record. */
  readonly firstLsn: number;
  /** Checksum of the header of the frame before. */
  readonly chain: number;
  /** Epoch that made the segment. */
  readonly epoch: number;
  readonly durable: DurableMark;
  /** End of the log before the segment's first frame. */
  readonly end: LogEnd;
  /** What the layer above must know to replay from here; the wal does not interpret it. */
  readonly state: Uint8Array;
}

/** What a block read as a segment's header turned out to be. */
export type SegmentHeaderVerdict =
  | { readonly kind: 'valid'; readonly header: SegmentHeader }
  | { readonly kind: 'other-version'; readonly version: number }
  | { readonly kind: 'invalid'; readonly found: number; readonly expected: number };

/** Checksum that seeds all others of the segment. */
export function segmentSalt(identity: Uint8Array): number {
  return checksum(identity);
}

/** The header as bytes, {@link framesFrom} of them. `state` is at most {@link PREAMBLE_STATE_BYTES_MAX}. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const { state } = header;
  if (state.length > PREAMBLE_STATE_BYTES_MAX)
    throw new RangeError(
      `a preamble of ${state.length} bytes, at most ${PREAMBLE_STATE_BYTES_MAX} are read back`,
    );
  const bytes = new Uint8Array(framesFrom(state.length));
  const view = viewOf(bytes);
  bytes.set(MAGIC, 0);
  view.setUint32(8, FORMAT_VERSION, true);
  bytes.set(header.lineage, 16);
  bytes.set(header.identity, 32);
  putU64(view, 48, header.number);
  putU64(view, 56, header.segmentBytes);
  putU64(view, 64, header.firstLsn);
  view.setUint32(72, header.chain, true);
  view.setUint32(76, header.epoch, true);
  putU64(view, 80, header.durable.lsn);
  putU64(view, 88, header.durable.lastIndex);
  putU64(view, 96, header.durable.lastTerm);
  putU64(view, 104, header.end.lastIndex);
  putU64(view, 112, header.end.lastTerm);
  view.setUint32(120, state.length, true);
  bytes.set(state, STATE_FROM);
  view.setUint32(124, stateChecksum(bytes, header.identity), true);
  view.setUint32(12, headerChecksum(bytes), true);
  return bytes;
}

/** Covers what says how long the header is; the rest has a sum of its own in it. */
function headerChecksum(bytes: Uint8Array): number {
  return checksum(bytes.subarray(16, STATE_FROM), checksum(bytes.subarray(0, 12)));
}

/** The zeros behind the state count: a flipped bit anywhere is seen. */
function stateChecksum(bytes: Uint8Array, identity: Uint8Array): number {
  return checksum(bytes.subarray(STATE_FROM), innerSeed(segmentSalt(identity)));
}

/**
 * Bytes of the whole header whose first {@link SEGMENT_HEADER_BYTES} these are; no more than that where they are not valid. D9:
 * a length is believed under its sum, and within its limit.
 */
export function segmentHeaderBytes(bytes: Uint8Array): number {
  if (bytes.length < SEGMENT_HEADER_BYTES) return SEGMENT_HEADER_BYTES;
  const view = viewOf(bytes);
  const stateBytes = view.getUint32(120, true);
  if (framesFrom(stateBytes) === SEGMENT_HEADER_BYTES) return SEGMENT_HEADER_BYTES;
  const isBelieved =
    view.getUint32(12, true) === headerChecksum(bytes) &&
    view.getUint32(8, true) === FORMAT_VERSION &&
    stateBytes <= PREAMBLE_STATE_BYTES_MAX;
  return isBelieved ? framesFrom(stateBytes) : SEGMENT_HEADER_BYTES;
}

/** Judges the first {@link segmentHeaderBytes} of a file, or more. The version is believed only under the checksum. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeaderVerdict {
  if (bytes.length < SEGMENT_HEADER_BYTES) return { kind: 'invalid', found: 0, expected: 0 };
  const view = viewOf(bytes);
  const found = view.getUint32(12, true);
  const expected = headerChecksum(bytes);
  const invalid = { kind: 'invalid', found, expected } as const;
  if (found !== expected || !sameBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return invalid;
  const version = view.getUint32(8, true);
  if (version !== FORMAT_VERSION) return { kind: 'other-version', version };
  const stateBytes = view.getUint32(120, true);
  if (stateBytes > PREAMBLE_STATE_BYTES_MAX || framesFrom(stateBytes) > bytes.length) return invalid;
  const identity = bytes.slice(32, 32 + IDENTITY_BYTES);
  const stateFound = view.getUint32(124, true);
  const stateExpected = stateChecksum(bytes.subarray(0, framesFrom(stateBytes)), identity);
  if (stateFound !== stateExpected) return { kind: 'invalid', found: stateFound, expected: stateExpected };
  const header: SegmentHeader = {
    lineage: bytes.slice(16, 16 + IDENTITY_BYTES),
    identity,
    number: getU64(view, 48),
    segmentBytes: getU64(view, 56),
    firstLsn: getU64(view, 64),
    chain: view.getUint32(72, true),
    epoch: view.getUint32(76, true),
    durable: { lsn: getU64(view, 80), lastIndex: getU64(view, 88), lastTerm: getU64(view, 96) },
    end: { lastIndex: getU64(view, 104), lastTerm: getU64(view, 112) },
    state: bytes.slice(STATE_FROM, STATE_FROM + stateBytes),
  };
  return isWithinLimits(header) ? { kind: 'valid', header } : invalid;
}

function isWithinLimits(header: SegmentHeader): boolean {
  const { number, segmentBytes, firstLsn, durable, end } = header;
  const counts = [
    number,
    firstLsn,
    durable.lsn,
    durable.lastIndex,
    durable.lastTerm,
    end.lastIndex,
    end.lastTerm,
  ];
  return (
    counts.every(isCount) &&
    number <= LIMITS.segmentNumberMax &&
    isCount(segmentBytes) &&
    segmentBytes >= Math.max(LIMITS.segmentBytesMin, framesFrom(header.state.length)) &&
    segmentBytes <= LIMITS.segmentBytesMax
  );
}
