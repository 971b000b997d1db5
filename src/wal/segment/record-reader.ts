import type { DiskFile } from '../../disk/port.js';
import { RECORD_HEADER_BYTES } from '../../format/record.js';
import { framesFrom } from '../../format/segment-header.js';
import { malformed } from '../report/damage.js';
import type { LiveSegment } from './live-segment.js';
import { readAt, readSealOffsets } from './read-segment.js';
import { scanSegment } from './scan-segment.js';
import type { SegmentFiles } from './segment-files.js';

/**
 * Records read back in one go, one behind the other in one buffer, which is the reader's own. That there is room for each
 * one's header is seen to; nothing else of what they say was looked at.
 */
export interface RecordRegion {
  /** Number of the first. */
  readonly from: number;
  /** Where the header of each begins in the file. */
  readonly offsets: Uint32Array;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where `bytes` begins in the file. */
  readonly fileOffset: number;
  readonly path: string;
}

/** Bytes of a file read in one go: bounds what a long range takes in memory beside what it returns. */
const REGION_BYTES = 1024 * 1024;
/** Records of one region: small ones take more memory than their bytes, and a region of them would hold very many. */
const REGION_RECORDS = 4096;
/** Read beyond the header of a last record of which nothing says where it ends. */
const SLACK_BYTES = 1024;
/** A small region of the tail that begins so near to its end was written or scanned a moment ago: no disk is waited for. */
const CACHED_WITHIN_BYTES = 4 * REGION_BYTES;
const INLINE_BYTES_MAX = 64 * 1024;
/** A next record that begins further behind says nothing: what lies between was replaced. */
const NEXT_WITHIN_BYTES = 2 * REGION_BYTES;
/** Indexes of sealed segments kept in memory. */
const OFFSETS_KEPT = 4;

/** Reads numbered records from segments, by their indexes. */
export class RecordReader {
  readonly #files: SegmentFiles;
  /** By the segment itself, and set before they are read: a read that ends late finds only its own here. */
  readonly #offsets = new Map<LiveSegment, Promise<Uint32Array>>();

  constructor(files: SegmentFiles) {
    this.#files = files;
  }

  forget(segment: LiveSegment): void {
    this.#offsets.delete(segment);
  }

  /**
   * The records numbered `[from, until)`, all owned by `segment`, in order; stops early behind the first region,
   * so call again from behind the last one returned. Never returns none for a range that is not empty.
   */
  async read(segment: LiveSegment, from: number, until: number, bytesMax: number): Promise<RecordRegion> {
    const regionBytes = Math.min(bytesMax, REGION_BYTES);
    const { index } = segment;
    // The index of the tail changes while we wait for the disk; what it says now is what was asked for.
    const inMemory =
      index === null
        ? null
        : placesOf(index.offsets(), from - index.lowest, until - index.lowest, regionBytes);
    return this.#files.use(segment, async (file) => {
      const { lowest } = segment;
      const places =
        inMemory ??
        placesOf(await this.#sealedOffsets(segment, file), from - lowest, until - lowest, regionBytes);
      return readRegion(segment, file, from, places);
    });
  }

  #sealedOffsets(segment: LiveSegment, file: DiskFile): Promise<Uint32Array> {
    const held = this.#offsets.get(segment);
    if (held !== undefined) return held;
    const read = readOffsets(segment, file);
    this.#offsets.set(segment, read);
    // The next reader tries again; whoever waits for this one is told what it met.
    read.catch(() => {
      if (this.#offsets.get(segment) === read) this.#offsets.delete(segment);
    });
    const oldest = this.#offsets.keys().next();
    if (this.#offsets.size > OFFSETS_KEPT && oldest.done !== true) this.#offsets.delete(oldest.value);
    return read;
  }
}

/** Where the records of a region stand. */
interface Places {
  /** Where the header of each begins. */
  readonly offsets: Uint32Array;
  /** The last of them ends at or before this; null if nothing near says so. */
  readonly behind: number | null;
}

/** The first of the offsets `[from, until)`, as many as begin within `regionBytes`, within limits; at least one. */
function placesOf(all: Uint32Array, from: number, until: number, regionBytes: number): Places {
  const start = all[from] as number;
  const endMax = Math.min(until, from + REGION_RECORDS);
  let end = from + 1;
  while (end < endMax && (all[end] as number) - start < regionBytes) end += 1;
  const [last, next] = [all[end - 1] as number, all[end] ?? Infinity];
  return { offsets: all.slice(from, end), behind: next - last <= NEXT_WITHIN_BYTES ? next : null };
}

async function readRegion(
  segment: LiveSegment,
  file: DiskFile,
  from: number,
  { offsets, behind }: Places,
): Promise<RecordRegion> {
  const start = offsets[0];
  const last = offsets[offsets.length - 1];
  // D9: a seal may own other indexes than its sum, or its neighbours, say.
  if (start === undefined || last === undefined) throw malformed(segment, segment.framesUntil, from);
  const end = segment.seal === null ? segment.header.segmentBytes : segment.framesUntil;
  const misplaced = firstMisplaced(offsets, framesFrom(segment.header.state.length), end);
  if (misplaced >= 0) throw malformed(segment, offsets[misplaced] as number, from + misplaced);
  const until = Math.min(behind ?? last + RECORD_HEADER_BYTES + SLACK_BYTES, end);
  const newest = segment.index?.offsets().at(-1) ?? Infinity;
  // A turn of a thread costs more than such a read, its check and all that is handed out.
  const isCached = newest - start <= CACHED_WITHIN_BYTES && until - start <= INLINE_BYTES_MAX;
  let bytes = await readAt(file, start, until - start, isCached ? 'inline' : 'background');
  const needed = neededBytes(bytes, last - start);
  if (needed > end - start) throw malformed(segment, last, from + offsets.length - 1);
  if (needed > bytes.length) bytes = await readOn(file, start, bytes, needed);
  if (bytes.length < needed) throw malformed(segment, last, from + offsets.length - 1);
  return { from, offsets, bytes, fileOffset: start, path: segment.path };
}

/** What begins with `bytes` at `start` of the file, `length` bytes of it. */
async function readOn(
  file: DiskFile,
  start: number,
  bytes: Uint8Array,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(length);
  whole.set(bytes);
  const rest = await readAt(file, start + bytes.length, length - bytes.length);
  whole.set(rest, bytes.length);
  return whole.subarray(0, bytes.length + rest.length);
}

/**
 * Position of the first offset at which no record can stand behind the one before; -1 if there is none. D9: offsets
 * that were read from a disk are held against the frames before memory is taken for what lies between them.
 */
function firstMisplaced(offsets: Uint32Array, start: number, end: number): number {
  let from = start;
  for (let at = 0; at < offsets.length; at += 1) {
    const offset = offsets[at] as number;
    if (offset < from || offset + RECORD_HEADER_BYTES > end) return at;
    from = offset + RECORD_HEADER_BYTES;
  }
  return -1;
}

/** Bytes from the start of the region to the end of the record whose header begins at `at`. */
function neededBytes(bytes: Uint8Array, at: number): number {
  if (bytes.length < at + RECORD_HEADER_BYTES) return at + RECORD_HEADER_BYTES;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 4);
  return at + RECORD_HEADER_BYTES + view.getUint32(0, true);
}

async function readOffsets(segment: LiveSegment, file: DiskFile): Promise<Uint32Array> {
  const { header, seal } = segment;
  const read = seal === null ? null : await readSealOffsets(file, header, seal);
  return read ?? rebuildOffsets(segment, file);
}

/** The offsets of a sealed segment whose own are damaged: from its frames (D6). */
async function rebuildOffsets(segment: LiveSegment, file: DiskFile): Promise<Uint32Array> {
  // D11: behind its last record may stand frames of a writer that was fenced off.
  const { header, lastLsn: untilLsn } = segment;
  const scan = await scanSegment(file, header, { untilLsn }, () => undefined);
  if (scan.index.lowest === segment.lowest && scan.index.until === segment.until)
    return scan.index.offsets().slice();
  throw malformed(segment, scan.runUntil, scan.index.until);
}
