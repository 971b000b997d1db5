import { entryKindOffset, termDistanceAt } from '../../format/raft-records.js';
import { RECORD_HEADER_BYTES, recordBytesAt } from '../../format/record.js';
import type { ReadEntry } from '../contract.js';

/** Bytes, and the view over them. */
export interface Memory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

/**
 * Adds the entries whose records stand in `[from, until)` of `memory`, one behind the other and of our own writing, the first
 * of them at `index`. Their data are views.
 */
export function addEntries(
  entries: ReadEntry[],
  { bytes, view }: Memory,
  from: number,
  until: number,
  index: number,
  lowTerm: number,
): void {
  const { buffer, byteOffset } = bytes as Uint8Array<ArrayBuffer>;
  const ahead = index - entries.length;
  for (let at = from; at < until;) {
    const next = at + recordBytesAt(view, at);
    const term = lowTerm + termDistanceAt(bytes, at + RECORD_HEADER_BYTES, next);
    const kindAt = entryKindOffset(bytes, at + RECORD_HEADER_BYTES, next);
    const data = new Uint8Array(buffer, byteOffset + kindAt + 1, next - kindAt - 1);
    entries.push({ index: ahead + entries.length, term, kind: bytes[kindAt] as number, data });
    at = next;
  }
}
