import { checksum } from './checksum.js';
import { IDENTITY_BYTES } from './identity.js';
import { getU64, isCount, putU64, viewOf } from './integers.js';
import { LIMITS } from './limits.js';
import type { DurableMark } from './position.js';

/**
 * An end mark: what was known durable at a moment, kept away from the frames it speaks of, so that no one
 * sector or file holds both a group and its only witness (D12). Two blocks in turn; none is ever synced, and a
 * torn or missing one is no damage.
 */

/** A block's distance from the next: one page, so that a torn write of one leaves the other. */
export const END_MARK_BLOCK_BYTES = 4096;
/** Bytes of a block that are written. */
export const END_MARK_BYTES = 64;

/** 'KMRK' */
const MAGIC = 0x4b52_4d4b;

export interface EndMark extends DurableMark {
  readonly lineage: Uint8Array;
  readonly epoch: number;
  /** Rises with each mark; chooses the block. */
  readonly sequence: number;
}

/** The mark as bytes, {@link END_MARK_BYTES} long. */
export function encodeEndMark(mark: EndMark): Uint8Array {
  const bytes = new Uint8Array(END_MARK_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  bytes.set(mark.lineage, 8);
  putU64(view, 24, mark.lsn);
  putU64(view, 32, mark.lastIndex);
  putU64(view, 40, mark.lastTerm);
  putU64(view, 48, mark.sequence);
  view.setUint32(56, mark.epoch, true);
  view.setUint32(4, markChecksum(bytes), true);
  return bytes;
}

function markChecksum(bytes: Uint8Array): number {
  return checksum(bytes.subarray(8, END_MARK_BYTES), checksum(bytes.subarray(0, 4)));
}

/** Reads a block; null if no valid mark stands in it. */
export function decodeEndMark(bytes: Uint8Array): EndMark | null {
  if (bytes.length < END_MARK_BYTES) return null;
  const view = viewOf(bytes);
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== markChecksum(bytes)) return null;
  const mark: EndMark = {
    lineage: bytes.slice(8, 8 + IDENTITY_BYTES),
    lsn: getU64(view, 24),
    lastIndex: getU64(view, 32),
    lastTerm: getU64(view, 40),
    sequence: getU64(view, 48),
    epoch: view.getUint32(56, true),
  };
  const isSane = [mark.lsn, mark.lastIndex, mark.lastTerm, mark.sequence].every(isCount);
  return isSane && mark.sequence <= LIMITS.countedMax ? mark : null;
}
