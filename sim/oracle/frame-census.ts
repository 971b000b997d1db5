import { payloadMatches } from '../../src/format/frame-payload.js';
import { FRAME_MAGIC, type FrameHeader, readFrameHeader } from '../../src/format/frame-header.js';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentSalt } from '../../src/format/segment-header.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { Finding } from './finding.js';

const MAGIC = Buffer.from(FRAME_MAGIC);

/** The frames that stand on the platter, by epoch and LSN: none may ever name two different ones (D4). */
export class FrameCensus {
  readonly #known: Map<string, number> = new Map<string, number>();

  /** Reads all segments as they lie there; throws if a number was used again. */
  take(disk: SimulatedDisk): void {
    for (const path of disk.list()) {
      if (path.endsWith('.wal') || path.endsWith('.aside')) this.#takeSegment(disk, path);
    }
  }

  #takeSegment(disk: SimulatedDisk, path: string): void {
    for (const { at, header } of framesIn(disk.readVolatile(path) ?? new Uint8Array())) {
      // The chain and the durable mark are part of what an LSN names: the header's checksum covers all of it.
      const key = `${header.epoch}/${header.firstLsn}`;
      const known = this.#known.get(key);
      this.#known.set(key, header.recordsChecksum);
      if (known === undefined || known === header.recordsChecksum) continue;
      const what = `(epoch, LSN) ${key} names two frames; the second stands in ${path} at ${at}`;
      throw new Finding({ oracle: 'lsn-reused', what });
    }
  }
}

/** The whole frames in the bytes of a segment, whether they join or not. */
export function* framesIn(
  file: Uint8Array,
): Generator<{ readonly at: number; readonly header: FrameHeader }> {
  const bytes = Buffer.from(file);
  if (bytes.length < SEGMENT_HEADER_BYTES) return;
  const verdict = decodeSegmentHeader(bytes);
  if (verdict.kind !== 'valid') return;
  const salt = segmentSalt(verdict.header.identity);
  for (let at = bytes.indexOf(MAGIC); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    const header = readFrameHeader(bytes, at, salt);
    if (header === null) continue;
    const from = at + header.headerBytes;
    if (payloadMatches(header, bytes.subarray(from, from + header.payloadBytes), salt)) yield { at, header };
  }
}
