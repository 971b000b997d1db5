import { viewOf } from './integers.js';

/** A record: what an LSN numbers. Records stand one behind the other in the payload of a frame. */

/**
 * Bytes before a record's body: its length, its kind, its checksum. Of fixed width, so that where the next one stands is one
 * read of a word: a varint would save two bytes of it, and cost each walk over a frame a branch a byte.
 */
export const RECORD_HEADER_BYTES = 9;

/** First of the kinds reserved for Keelson; 0..127 are the caller's. */
export const RESERVED_KIND_FROM = 128;
/** First of the kinds that a reader which does not know them may skip; below it must refuse (R9). No kind of this format is one. */
export const OPTIONAL_KIND_FROM = 192;

export interface RecordHeader {
  readonly kind: number;
  /** Of the record's meaning, as the layer above defines it; not salted, so that replicas can compare it. */
  readonly checksum: number;
  readonly bodyBytes: number;
}

export interface RawRecord<Buffer extends ArrayBufferLike = ArrayBufferLike> extends RecordHeader {
  readonly body: Uint8Array<Buffer>;
}

/** Writes a record's header at `offset`; returns the offset of its body. */
export function putRecordHeader(
  view: DataView,
  offset: number,
  kind: number,
  ownChecksum: number,
  bodyBytes: number,
): number {
  view.setUint32(offset, bodyBytes, true);
  view.setUint8(offset + 4, kind);
  view.setUint32(offset + 5, ownChecksum, true);
  return offset + RECORD_HEADER_BYTES;
}

/**
 * Reads the record at `offset`; null if it is not whole before `until`. `body` is a view, not a copy. Who reads many hands in the `view` over `bytes`, which costs as much to make as the rest.
 */
export function readRecord<Buffer extends ArrayBufferLike>(
  bytes: Uint8Array<Buffer>,
  offset: number,
  until: number = bytes.length,
  view: DataView = viewOf(bytes),
): RawRecord<Buffer> | null {
  if (until - offset < RECORD_HEADER_BYTES) return null;
  const bodyBytes = view.getUint32(offset, true);
  const bodyFrom = offset + RECORD_HEADER_BYTES;
  if (bodyBytes > until - bodyFrom) return null;
  return {
    bodyBytes,
    kind: view.getUint8(offset + 4),
    checksum: view.getUint32(offset + 5, true),
    body: bytes.subarray(bodyFrom, bodyFrom + bodyBytes),
  };
}

/** True if a record stands at `offset` that ends at or before `until`. */
export function isRecordWhole(view: DataView, offset: number, until: number): boolean {
  return (
    until - offset >= RECORD_HEADER_BYTES &&
    view.getUint32(offset, true) <= until - offset - RECORD_HEADER_BYTES
  );
}

/** Kind of the record at `offset`, which is whole. */
export function recordKindAt(view: DataView, offset: number): number {
  return view.getUint8(offset + 4);
}

/** Size of the record at `offset`, header and body: for records of our own, which need no doubt and no object. */
export function recordBytesAt(view: DataView, offset: number): number {
  return RECORD_HEADER_BYTES + view.getUint32(offset, true);
}

/** Checksum in the header of the record at `offset`, likewise. */
export function recordChecksumAt(view: DataView, offset: number): number {
  return view.getUint32(offset + 5, true);
}
