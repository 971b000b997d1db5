import { END_MARK_BLOCK_BYTES, END_MARK_BYTES } from '../../src/format/end-mark.js';
import { FRAME_MAGIC } from '../../src/format/frame-header.js';
import { RECORD_HEADER_BYTES } from '../../src/format/record.js';
import { SEGMENT_HEADER_BYTES } from '../../src/format/segment-header.js';
import { SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';

/** Bytes of a slot that hold fields; the rest is padding. */
const SLOT_FIELDS_BYTES = 136;
/** Bytes of a segment's first block that hold fields, its usual preamble included. */
const HEADER_FIELDS_BYTES = 208;
/** A frame's header, with the first record's behind it. */
const FRAME_START_BYTES = 56 + RECORD_HEADER_BYTES;
/** As much as the seals of small segments take. */
const SEAL_BYTES = 176;
const SNAPSHOT_START_BYTES = 100;
const SNAPSHOT_END_BYTES = 28;

/** Which bytes of a file are more than payload or padding: those whose every bit a quick run flips. */
export function meaningfulBytes(path: string, bytes: Uint8Array): ReadonlySet<number> {
  const found = new Set<number>();
  const add = (from: number, length: number): void => {
    for (let at = Math.max(0, from); at < Math.min(from + length, bytes.length); at += 1) found.add(at);
  };
  if (path.endsWith('/superblock')) {
    add(0, SLOT_FIELDS_BYTES);
    add(SUPERBLOCK_SLOT_BYTES, SLOT_FIELDS_BYTES);
  } else if (path.endsWith('/marks')) {
    add(0, END_MARK_BYTES);
    add(END_MARK_BLOCK_BYTES, END_MARK_BYTES);
  } else if (path.endsWith('.wal')) {
    add(0, HEADER_FIELDS_BYTES);
    add(bytes.length - SEAL_BYTES, SEAL_BYTES);
    const all = Buffer.from(bytes);
    for (let at = SEGMENT_HEADER_BYTES; at >= 0; at = all.indexOf(FRAME_MAGIC, at + 1))
      add(at, FRAME_START_BYTES);
  } else if (path.endsWith('.snap')) {
    add(0, SNAPSHOT_START_BYTES);
    add(bytes.length - SNAPSHOT_END_BYTES, SNAPSHOT_END_BYTES);
  }
  return found;
}
