import { isPromise, type Awaitable, type DiskFile } from '../../disk/port.js';
import {
  FRAME_HEADER_BYTES_MAX,
  FRAME_MAGIC,
  lastLsnOf,
  readFrameHeader,
  type FrameHeader,
} from '../../format/frame-header.js';
import { payloadFault } from '../../format/frame-payload.js';
import { FrameRecords } from '../../format/frame-records.js';
import { framesFrom, segmentSalt, type SegmentHeader } from '../../format/segment-header.js';
import { isFenced, runBefore, runThrough, whyNotJoining, type Fence, type RunState } from './frame-run.js';
import { SegmentWindow, type WindowOptions } from './segment-window.js';
import { Witnesses } from './witnesses.js';

/** Bytes searched in one go; well below what a window holds, so that it slides in long strides. */
const SEARCH_BYTES = 65_536;

/** How a segment is walked, and who hears of it. */
export interface WalkOptions extends WindowOptions {
  /** Left out: none is known. */
  readonly fences?: readonly Fence[] | undefined;
  /** Told of every frame header that is valid, in the run or not. */
  readonly witnesses?: Witnesses | undefined;
  /** Frames that pass it are left out, as if they were not there. */
  readonly untilLsn?: number | undefined;
  /** Says why a frame whose checksums hold is not whole all the same: for what only the layer above can tell. */
  readonly judgeFrame?: FrameJudge | undefined;
}

/** Why a frame is not whole, as far as its records are concerned; null if it is. */
export type FrameJudge = (header: FrameHeader, records: FrameRecords) => string | null;

/** Hears of each whole frame of the run, in order. The records are valid until what it returns is settled. */
export type FrameListener = (header: FrameHeader, records: FrameRecords, offset: number) => Awaitable<void>;

/** Why the run does not go on. */
export interface Broken {
  /**
   * - `'gap'`: the next header is intact but does not join.
   * - `'payload'`: the next header joins, but what it covers is not what was written.
   * - `'header'`: no valid header stands where the next should.
   */
  readonly kind: 'gap' | 'payload' | 'header';
  readonly reason: string;
  /** Of the frame that stands there, where that much is intact. */
  readonly header: FrameHeader | null;
}

/** A frame that was found behind the end of a run. */
export interface FoundFrame {
  readonly offset: number;
  /** Behind its last byte, or the end of the segment. */
  readonly untilOffset: number;
  readonly header: FrameHeader;
  readonly isWhole: boolean;
}

/**
 * Reads a segment: its unbroken run of frames (R2) from the first on, and what else bears its identity behind the end of
 * that. Writes nothing, and judges nothing: an open stops where the run ends, a survey goes on past that. Waits only
 * where the window has to read, since to wait for what is there costs more than the frame itself, where frames are small.
 */
export class SegmentWalk {
  /** The run up to the last whole frame. */
  run: RunState;
  /** Behind that frame. */
  offset: number;
  frameCount = 0;
  readonly #file: DiskFile;
  readonly #segmentBytes: number;
  readonly #salt: number;
  /** What they say by now. */
  readonly witnesses: Witnesses;
  readonly #fences: readonly Fence[];
  readonly #options: WalkOptions;
  readonly #records = new FrameRecords();
  #window: SegmentWindow;
  #readBefore = 0;
  /** What stood in front of the next frame is lost: it need not join. */
  #isBehindHole = false;

  constructor(file: DiskFile, header: SegmentHeader, options: WalkOptions) {
    this.#file = file;
    this.#segmentBytes = header.segmentBytes;
    this.#salt = segmentSalt(header.identity);
    this.offset = framesFrom(header.state.length);
    const { fences = [], witnesses = new Witnesses() } = options;
    this.witnesses = witnesses;
    this.#fences = fences;
    this.#options = options;
    this.#window = new SegmentWindow(file, header.segmentBytes, options);
    this.run = runBefore(header);
  }

  get readBytes(): number {
    return this.#readBefore + this.#window.readBytes;
  }

  /** As {@link SegmentWindow.checksumThrough}, through the last whole frame. */
  checksumThrough(): number {
    return this.#window.checksumThrough(this.offset);
  }

  /** Resolves when no read of its file is under way: to be waited for before that is closed, where it reads ahead. */
  settle(): Promise<void> {
    return this.#window.settle();
  }

  /** Forgets what was read ahead: a writer may have added to it. */
  refresh(): void {
    this.#readBefore += this.#window.readBytes;
    this.#window = new SegmentWindow(this.#file, this.#segmentBytes, this.#options);
  }

  /** Goes on at a frame behind a hole. */
  goOnAt({ offset }: FoundFrame): void {
    this.offset = offset;
    this.#isBehindHole = true;
  }

  /** Takes frames into the run, each whole or not at all (D1), and says why it could not take one more. */
  async takeRun(listener: FrameListener): Promise<Broken> {
    const { untilLsn = Infinity, judgeFrame } = this.#options;
    for (;;) {
      const found = this.#headerAt(this.offset);
      const header = isPromise(found) ? await found : found;
      if (header === null) return { kind: 'header', reason: 'no valid frame header', header };
      this.witnesses.see(header, this.#fences);
      if (lastLsnOf(header) > untilLsn)
        return { kind: 'header', reason: 'not yet known durable', header: null };
      const gap = this.#isBehindHole ? null : whyNotJoining(header, this.run, this.#fences);
      if (gap !== null) return { kind: 'gap', reason: gap, header };
      const judged = this.#payloadFault(this.offset, header);
      const fault =
        (isPromise(judged) ? await judged : judged) ?? judgeFrame?.(header, this.#records) ?? null;
      if (fault !== null) return { kind: 'payload', reason: fault, header };
      const at = this.offset;
      this.run = runThrough(header);
      this.offset = at + header.headerBytes + header.payloadBytes;
      this.frameCount += 1;
      this.#isBehindHole = false;
      const heard = listener(header, this.#records, at);
      if (isPromise(heard)) await heard;
    }
  }

  /**
   * Looks, byte by byte, for frames from `from` on: their marks count (R1) though the run does not reach them, and they
   * tell a torn tail from an untouched one (R4).
   */
  async *behind(from: number): AsyncGenerator<FoundFrame, void, undefined> {
    const until = this.#segmentBytes;
    for (let next = from; ;) {
      const offset = await this.#candidate(next);
      if (offset >= until) return;
      next = offset + 1;
      const header = await this.#headerAt(offset);
      if (header === null) continue;
      this.witnesses.see(header, this.#fences);
      const isWhole = (await this.#payloadFault(offset, header)) === null;
      const untilOffset = Math.min(offset + header.headerBytes + header.payloadBytes, until);
      if (isWhole) next = untilOffset;
      yield { offset, untilOffset, header, isWhole };
    }
  }

  /** True if the frame can be one of those that come behind the run. D11: epochs never fall along the log. */
  canFollow(header: FrameHeader): boolean {
    const { lastLsn, epoch } = this.run;
    if (header.firstLsn <= lastLsn || header.epoch < epoch) return false;
    if (lastLsnOf(header) > (this.#options.untilLsn ?? Infinity)) return false;
    return !isFenced(header.epoch, lastLsnOf(header), this.#fences);
  }

  #headerAt(offset: number): Awaitable<FrameHeader | null> {
    const at = this.#window.hold(offset, FRAME_HEADER_BYTES_MAX);
    return isPromise(at) ? at.then((held) => this.#heldHeader(held)) : this.#heldHeader(at);
  }

  #heldHeader(at: number): FrameHeader | null {
    return readFrameHeader(this.#window.bytes, at, this.#salt, this.#window.dataView);
  }

  /** Null if what the header at `offset` covers is what was written, and the records are those; else why not. */
  #payloadFault(offset: number, header: FrameHeader): Awaitable<string | null> {
    const from = offset + header.headerBytes;
    if (from + header.payloadBytes > this.#segmentBytes) return 'the frame passes the end of its segment';
    const at = this.#window.hold(from, header.payloadBytes);
    return isPromise(at) ? at.then((held) => this.#heldFault(held, header)) : this.#heldFault(at, header);
  }

  #heldFault(at: number, header: FrameHeader): string | null {
    const { bytes, dataView, from } = this.#window;
    const until = at + header.payloadBytes;
    const fault = payloadFault(header, bytes, dataView, at, this.#salt);
    if (fault !== null) return fault;
    this.#records.set(bytes, dataView, at, until, header.recordCount, from);
    return null;
  }

  /** Where the next magic stands, or the end of the segment. */
  async #candidate(from: number): Promise<number> {
    const until = this.#segmentBytes;
    let at = from;
    while (at < until) {
      const bytes = await this.#window.view(at, Math.min(SEARCH_BYTES, until - at));
      const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(FRAME_MAGIC);
      if (found >= 0) return at + found;
      // The last bytes may be the beginning of a magic that the next window completes.
      if (at + bytes.length >= until || bytes.length < FRAME_MAGIC.length) return until;
      at += bytes.length - (FRAME_MAGIC.length - 1);
    }
    return until;
  }
}

/** True if a frame stands in it, whether it joins anything or not. A segment that was never named holds none. */
export async function holdsFrame(file: DiskFile, header: SegmentHeader): Promise<boolean> {
  const walk = new SegmentWalk(file, header, {});
  const first = await walk.behind(walk.offset).next();
  return first.done !== true;
}
