import { isPromise, type DiskFile } from '../../disk/port.js';
import {
  FRAME_HEADER_BYTES_MAX,
  lastLsnOf,
  payloadMatches,
  readFrameHeader,
  type FrameHeader,
} from '../../format/frame-header.js';
import type { FrameRecords } from '../../format/frame-records.js';
import { SEGMENT_HEADER_BYTES, segmentSalt, type SegmentHeader } from '../../format/segment-header.js';
import { FrameCursor } from '../segment/frame-cursor.js';
import { isFenced, whyNotJoining, type Fence, type RunState } from '../segment/scan-segment.js';
import { nextCandidate } from '../segment/search-behind.js';
import { SegmentWindow } from '../segment/segment-window.js';

/** A whole frame, and where it stands. Its records are views, valid until the next frame is asked for. */
export interface SurveyedFrame {
  readonly header: FrameHeader;
  readonly records: FrameRecords;
  readonly segment: number;
  readonly path: string;
  readonly offset: number;
  /** True if it continues the frames before it; false for the first one behind a hole. */
  readonly joins: boolean;
}

/** Bytes between the frames of a segment that are not what was written there, or do not belong there. */
export interface Hole {
  readonly path: string;
  readonly offset: number;
  /** Behind its last byte. */
  readonly untilOffset: number;
  /** `'gap'`: the frame there is intact but does not join. */
  readonly kind: 'header' | 'payload' | 'gap';
  readonly reason: string;
  /** The run in front of it. */
  readonly before: RunState;
  /** Header of the frame that was there, where that much is intact. */
  readonly header: FrameHeader | null;
  /** The next frame behind it that is intact; null if there is none in this segment. */
  readonly next: FrameHeader | null;
  /** All frames in it of which at least the header is whole, in order. */
  readonly lost: readonly FoundHeader[];
}

/** A frame's header, and where it stands. */
export interface FoundHeader {
  readonly offset: number;
  readonly header: FrameHeader;
}

/** Says why a frame whose checksums hold is not whole all the same; null if it is. For what only the layer above can tell. */
export type FrameJudge = (header: FrameHeader, records: FrameRecords) => string | null;

type Found =
  | { readonly kind: 'frame'; readonly frame: Omit<SurveyedFrame, 'joins'> }
  | { readonly kind: 'broken'; readonly broken: Pick<Hole, 'kind' | 'reason' | 'header'> };

/**
 * Reads a segment from its first frame to its last, past whatever is damaged in between, and changes nothing. Safe
 * beside a live writer: what looks broken is read again once something intact was found behind it, since the
 * writer puts a frame on the disk before those that follow.
 */
export class SegmentSurvey {
  readonly #file: DiskFile;
  readonly #header: SegmentHeader;
  readonly #path: string;
  readonly #salt: number;
  readonly #fences: readonly Fence[];
  readonly #judgeFrame: FrameJudge;
  #window: SegmentWindow;
  #cursor: FrameCursor;
  #readBytes = 0;
  #run: RunState;
  #offset = SEGMENT_HEADER_BYTES;
  #isBehindHole = false;
  frameCount = 0;
  /** The highest mark and epoch of any frame header seen, whole or not. */
  mark: SegmentHeader['durable'];
  highestEpoch: number;

  constructor(
    file: DiskFile,
    header: SegmentHeader,
    options: { readonly fences: readonly Fence[]; readonly judgeFrame: FrameJudge },
  ) {
    const { end, epoch, chain } = header;
    this.#file = file;
    this.#path = file.path;
    this.#header = header;
    this.#salt = segmentSalt(header.identity);
    this.#fences = options.fences;
    this.#judgeFrame = options.judgeFrame;
    this.#window = new SegmentWindow(file, header.segmentBytes);
    this.#cursor = new FrameCursor(this.#window, header.segmentBytes, this.#salt);
    this.#run = { lastLsn: header.firstLsn - 1, chain, epoch, end };
    this.mark = header.durable;
    this.highestEpoch = epoch;
  }

  /** The run up to the last whole frame. */
  get run(): RunState {
    return this.#run;
  }

  /** Behind the last whole frame. */
  get offset(): number {
    return this.#offset;
  }

  get readBytes(): number {
    return this.#readBytes + this.#window.readBytes;
  }

  /**
   * The frames and holes from where the last call ended. A tear at the very end, with nothing intact behind it, is
   * no hole: {@link tear} tells it. May be called again to see what a writer has added.
   */
  async *pieces(): AsyncGenerator<
    { readonly frame: SurveyedFrame; readonly hole: null } | { readonly frame: null; readonly hole: Hole },
    void,
    undefined
  > {
    this.#refresh();
    for (;;) {
      const found = await this.#at(this.#offset);
      if (found.kind === 'frame') {
        yield { frame: this.#take(found.frame), hole: null };
        continue;
      }
      const passed: FoundHeader[] = [];
      const next = await this.#nextIntact(this.#offset + this.#skip(found.broken), passed);
      if (next === null) return;
      this.#refresh();
      const again = await this.#at(this.#offset);
      if (again.kind === 'frame') continue;
      const hole: Hole = {
        ...again.broken,
        path: this.#path,
        offset: this.#offset,
        untilOffset: next.offset,
        before: this.#run,
        next: next.header,
        lost: [...this.#lostAt(again.broken), ...passed],
      };
      this.#jump(next);
      yield { frame: null, hole };
    }
  }

  /** What stands at the end of the run, if anything does: bytes of a frame that is not whole. */
  async tear(): Promise<Pick<Hole, 'kind' | 'reason' | 'header' | 'lost'> | null> {
    const found = await this.#at(this.#offset);
    if (found.kind === 'frame' || found.broken.header === null) return null;
    const passed: FoundHeader[] = [];
    await this.#nextIntact(this.#offset + this.#skip(found.broken), passed);
    return { ...found.broken, lost: [...this.#lostAt(found.broken), ...passed] };
  }

  /** A frame that does not join is another's: it says nothing of the one that is lost. */
  #lostAt({ kind, header }: Pick<Hole, 'kind' | 'header'>): readonly FoundHeader[] {
    return header === null || kind === 'gap' ? [] : [{ offset: this.#offset, header }];
  }

  #refresh(): void {
    this.#readBytes += this.#window.readBytes;
    this.#window = new SegmentWindow(this.#file, this.#header.segmentBytes);
    this.#cursor = new FrameCursor(this.#window, this.#header.segmentBytes, this.#salt);
  }

  /** The frame that begins at `offset`, or why none does. */
  async #at(offset: number): Promise<Found> {
    const read = this.#cursor.header(offset);
    const header = isPromise(read) ? await read : read;
    const broken = (kind: Hole['kind'], reason: string): Found => ({
      kind: 'broken',
      broken: { kind, reason, header },
    });
    if (header === null) return broken('header', 'no valid frame header');
    this.#witness(header);
    const gap = this.#isBehindHole ? null : whyNotJoining(header, this.#run, this.#fences);
    if (gap !== null) return broken('gap', gap);
    const judged = this.#cursor.payloadFault(offset, header);
    const { records } = this.#cursor;
    const fault = (isPromise(judged) ? await judged : judged) ?? this.#judgeFrame(header, records);
    if (fault !== null) return broken('payload', fault);
    const { number: segment } = this.#header;
    return { kind: 'frame', frame: { header, records, segment, path: this.#path, offset } };
  }

  #take(frame: Omit<SurveyedFrame, 'joins'>): SurveyedFrame {
    const { header } = frame;
    const joins = !this.#isBehindHole;
    this.#isBehindHole = false;
    this.#run = {
      lastLsn: lastLsnOf(header),
      chain: header.headerChecksum,
      epoch: header.epoch,
      end: { lastIndex: header.until - 1, lastTerm: header.lastTerm },
    };
    this.#offset += header.headerBytes + header.payloadBytes;
    this.frameCount += 1;
    return { ...frame, joins };
  }

  #witness(header: FrameHeader): void {
    if (isFenced(header, this.#fences)) return;
    this.highestEpoch = Math.max(this.highestEpoch, header.epoch);
    if (header.durable.lsn > this.mark.lsn) this.mark = header.durable;
  }

  /** Bytes to pass before the search goes on: a frame whose header holds says how long it is. */
  #skip({ kind, header }: Pick<Hole, 'kind' | 'header'>): number {
    if (kind === 'gap') return 0;
    return header === null ? 1 : header.headerBytes + header.payloadBytes;
  }

  /** The next whole frame that can follow the run, at any distance. */
  async #nextIntact(from: number, passed: FoundHeader[]): Promise<FoundHeader | null> {
    const { segmentBytes } = this.#header;
    let at = await nextCandidate(this.#window, Math.min(from, segmentBytes), segmentBytes);
    while (at < segmentBytes) {
      const header = readFrameHeader(await this.#window.view(at, FRAME_HEADER_BYTES_MAX), 0, this.#salt);
      let next = at + 1;
      if (header !== null) {
        this.#witness(header);
        const payload = await this.#window.view(at + header.headerBytes, header.payloadBytes);
        const isWhole = payloadMatches(header, payload, this.#salt);
        if (isWhole && this.#canFollow(header)) return { offset: at, header };
        if (isWhole) next = at + header.headerBytes + header.payloadBytes;
        else if (this.#canFollow(header)) passed.push({ offset: at, header });
      }
      at = await nextCandidate(this.#window, Math.min(next, segmentBytes), segmentBytes);
    }
    return null;
  }

  /** D11: epochs never fall along the log, whatever is lost in between. */
  #canFollow(header: FrameHeader): boolean {
    const { lastLsn, epoch } = this.#run;
    return header.firstLsn > lastLsn && header.epoch >= epoch && !isFenced(header, this.#fences);
  }

  #jump(next: FoundHeader): void {
    this.#offset = next.offset;
    this.#isBehindHole = true;
  }
}
