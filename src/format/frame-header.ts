import { checksumWithin } from './checksum.js';
import { getU64, getVarint, isCount, putU64, putVarint, varintBytes, viewOf } from './integers.js';
import { LIMITS } from './limits.js';
import type { DurableMark } from './position.js';
import { recordsChecksum } from './records-checksum.js';

/**
 * The header of a frame: one atomic write (D1). It is believed only under its own checksum, which is salted
 * with the identity of the segment, so that what a recycled file held before is never taken for live (D3).
 * docs/format.md shows each byte.
 */

/** 'KF', then the version of the frame's layout: what a search for headers looks for. */
export const FRAME_MAGIC: Uint8Array = Uint8Array.of(0x4b, 0x46, 0x01);
/** The same as the low bytes of a word, whose highest is the header's length. */
const MAGIC_WORD = 0x01_46_4b;

/** Bytes before the variable fields: whole words, written and read without a look at their values. */
const FIXED_BYTES = 44;
/** Most bytes of a header: six variable fields of eight bytes behind the fixed ones. */
export const FRAME_HEADER_BYTES_MAX = 92;

/** Set if the frame replaces the whole log: its range need not join what was there. */
const FLAG_RESETS = 1;

/** In the place of a distance: the durable index lies so far from `from` that the field does not hold it. */
const FAR = -0x8000_0000;

/** The group of a log that has one. */
const ONE_GROUP = 0;

/** What the layer above says of a frame. The numbered records are the last `until - from` of its records. */
export interface FrameFields {
  /** The log keeps what is below `from`; the frame's numbered records are `[from, until)`. */
  readonly from: number;
  readonly until: number;
  /** Lowest and highest term of those; both `lastTerm` if there are none. */
  readonly lowTerm: number;
  readonly highTerm: number;
  /** Term at `until - 1`, the end of the log behind this frame. */
  readonly lastTerm: number;
  /** Nothing of the log before the frame stays. */
  readonly resets: boolean;
}

/** What the wal says of a frame. */
export interface FramePlace {
  readonly firstLsn: number;
  readonly epoch: number;
  /** Header checksum of the frame before; of the first frame ever: 0. */
  readonly chain: number;
  /**
   * What was known durable when the frame was written: its LSN, below the frame's first and within 2^32 of it, counts for the
   * whole log; the index is that of the group at that LSN. As read back its term is the frame's last: an upper bound.
   */
  readonly durable: DurableMark;
}

export interface FrameHeader extends FrameFields, FramePlace {
  readonly headerBytes: number;
  readonly payloadBytes: number;
  /** Over the headers of its records: see {@link recordsChecksum}. */
  readonly recordsChecksum: number;
  readonly recordCount: number;
  /** Its own checksum: what the next frame must name as `chain`. */
  readonly headerChecksum: number;
}

/** Size of the header of a frame with these fields. */
export function frameHeaderBytes(fields: FrameFields): number {
  return (
    FIXED_BYTES +
    varintBytes(ONE_GROUP) +
    varintBytes(fields.from) +
    varintBytes(fields.until - fields.from) +
    varintBytes(fields.lastTerm) +
    varintBytes(fields.lastTerm - fields.lowTerm) +
    varintBytes(fields.highTerm - fields.lastTerm)
  );
}

/**
 * Writes the header of a frame whose payload already stands behind it, and returns the header's checksum.
 * `salt` is the checksum of the segment's identity. `headerBytes` is {@link frameHeaderBytes} of `fields`.
 */
export function putFrameHeader(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  salt: number,
  fields: FrameFields,
  place: FramePlace,
  size: { readonly headerBytes: number; readonly payloadBytes: number; readonly recordCount: number },
): number {
  const { headerBytes, payloadBytes, recordCount } = size;
  const { firstLsn, durable } = place;
  view.setUint32(offset, MAGIC_WORD | (headerBytes << 24), true);
  view.setUint32(offset + 8, recordsChecksum(view, offset + headerBytes, recordCount, salt), true);
  view.setUint32(offset + 12, place.chain, true);
  view.setUint32(offset + 16, place.epoch, true);
  putU64(view, offset + 20, firstLsn);
  view.setUint32(offset + 28, payloadBytes, true);
  // The count of records fills 24 bits (LIMITS.frameRecordsMax), the flags the byte above them.
  view.setUint32(offset + 32, (recordCount - 1) | ((fields.resets ? FLAG_RESETS : 0) << 24), true);
  view.setUint32(offset + 36, firstLsn - 1 - durable.lsn, true);
  const distance = fields.from - 1 - durable.lastIndex;
  view.setInt32(offset + 40, Math.abs(distance) < -FAR ? distance : FAR, true);
  let at = putVarint(bytes, offset + FIXED_BYTES, ONE_GROUP);
  at = putVarint(bytes, at, fields.from);
  at = putVarint(bytes, at, fields.until - fields.from);
  at = putVarint(bytes, at, fields.lastTerm);
  at = putVarint(bytes, at, fields.lastTerm - fields.lowTerm);
  putVarint(bytes, at, fields.highTerm - fields.lastTerm);
  const own = headerChecksumOf(bytes, offset, headerBytes, salt);
  view.setUint32(offset + 4, own, true);
  return own;
}

/** Covers all of the header but the checksum itself. */
function headerChecksumOf(bytes: Uint8Array, offset: number, headerBytes: number, salt: number): number {
  const before = checksumWithin(bytes, offset, offset + 4, salt);
  return checksumWithin(bytes, offset + 8, offset + headerBytes, before);
}

/** True if a header may begin at `offset`: cheap, before the checksum is worked out. */
function looksLikeFrame(bytes: Uint8Array, offset: number): boolean {
  return (
    bytes[offset] === FRAME_MAGIC[0] &&
    bytes[offset + 1] === FRAME_MAGIC[1] &&
    bytes[offset + 2] === FRAME_MAGIC[2]
  );
}

/**
 * Reads the header at `offset`; null if none stands there that is whole and valid under `salt`. Says nothing
 * about the payload, nor whether the frame joins what came before. Who reads many hands in the `view` over `bytes`.
 */
export function readFrameHeader(
  bytes: Uint8Array,
  offset: number,
  salt: number,
  view: DataView = viewOf(bytes),
): FrameHeader | null {
  if (bytes.length - offset < FIXED_BYTES || !looksLikeFrame(bytes, offset)) return null;
  const headerBytes = bytes[offset + 3] as number;
  const fits = headerBytes > FIXED_BYTES && headerBytes <= FRAME_HEADER_BYTES_MAX;
  if (!fits || offset + headerBytes > bytes.length) return null;
  const own = view.getUint32(offset + 4, true);
  if (headerChecksumOf(bytes, offset, headerBytes, salt) !== own) return null;
  return readCheckedHeader(bytes, view, offset, headerBytes, own);
}

/** The fields of a header whose checksum held; null if they are beyond the limits (D9). */
function readCheckedHeader(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  headerBytes: number,
  headerChecksum: number,
): FrameHeader | null {
  const cursor = { offset: offset + FIXED_BYTES };
  const until = offset + headerBytes;
  const group = getVarint(bytes, cursor, until);
  const from = getVarint(bytes, cursor, until);
  const numbered = getVarint(bytes, cursor, until);
  const lastTerm = getVarint(bytes, cursor, until);
  const below = getVarint(bytes, cursor, until);
  const above = getVarint(bytes, cursor, until);
  const countAndFlags = view.getUint32(offset + 32, true);
  const firstLsn = getU64(view, offset + 20);
  const distance = view.getInt32(offset + 40, true);
  const header: FrameHeader = {
    headerBytes,
    headerChecksum,
    payloadBytes: view.getUint32(offset + 28, true),
    recordsChecksum: view.getUint32(offset + 8, true),
    chain: view.getUint32(offset + 12, true),
    epoch: view.getUint32(offset + 16, true),
    firstLsn,
    recordCount: (countAndFlags & 0xff_ffff) + 1,
    resets: ((countAndFlags >>> 24) & FLAG_RESETS) !== 0,
    durable: {
      lsn: firstLsn - 1 - view.getUint32(offset + 36, true),
      lastIndex: distance === FAR ? Math.max(0, from - 1) : from - 1 - distance,
      lastTerm,
    },
    from,
    until: from + numbered,
    lastTerm,
    lowTerm: lastTerm - below,
    highTerm: lastTerm + above,
  };
  return group === ONE_GROUP && isWithinLimits(header) ? header : null;
}

function isWithinLimits(header: FrameHeader): boolean {
  return (
    header.payloadBytes <= LIMITS.frameBytesMax &&
    isCount(header.firstLsn) &&
    isCount(header.firstLsn + header.recordCount) &&
    isCount(header.durable.lsn) &&
    isCount(header.durable.lastIndex) &&
    isCount(header.durable.lastTerm) &&
    isCount(header.from) &&
    isCount(header.until) &&
    header.until - header.from <= header.recordCount &&
    isCount(header.lastTerm) &&
    isCount(header.lowTerm) &&
    isCount(header.highTerm)
  );
}

/** LSN of the frame's last record. */
export function lastLsnOf(header: { readonly firstLsn: number; readonly recordCount: number }): number {
  return header.firstLsn + header.recordCount - 1;
}
