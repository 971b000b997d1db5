import { decodeRaftPreamble, encodeRaftPreamble } from '../../src/format/raft-records.js';
import { decodeSegmentHeader, encodeSegmentHeader } from '../../src/format/segment-header.js';

/** The header of a segment as a repair leaves it that gave up what may have been acknowledged. */
export function unfitHeader(segment: Uint8Array, unfitUntil: number): Uint8Array {
  const verdict = decodeSegmentHeader(segment);
  if (verdict.kind !== 'valid') throw new Error('the header of the segment is not valid');
  const preamble = decodeRaftPreamble(verdict.header.state);
  if (preamble === null) throw new Error('the preamble of the segment is not valid');
  return encodeSegmentHeader({ ...verdict.header, state: encodeRaftPreamble({ ...preamble, unfitUntil }) });
}
