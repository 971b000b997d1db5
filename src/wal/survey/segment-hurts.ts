import type { Disk, DiskFile } from '../../disk/port.js';
import { lastLsnOf, type FrameHeader } from '../../format/frame-header.js';
import type { SealedSegment } from '../../format/seal.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import { readAt } from '../segment/read-segment.js';
import type { StorePaths } from '../store/store-directory.js';
import { RecordLedger } from './record-ledger.js';
import { bridgeOver, unreadableOfSealed, type Bridge } from './sealed-records.js';
import type { FoundFrame, SegmentWalk } from '../segment/segment-walk.js';
import type { Hole, Tear } from './survey-segment.js';
import { walkLostFrame, type LostFrame, type TermOfRecord } from './walk-lost-frame.js';

/** Hears of what is damaged in a segment. */
export interface HurtListener {
  /**
   * Bytes that are not what was written, before the next frame or segment; whether that is damage is judged at the end.
   *
   * @param isBridged the seal says what the segment holds all the same: {@link HurtListener.onBridge} will
   */
  readonly onHole: (hole: Hole, isBridged: boolean) => void;
  /** At the end of a segment in which something is damaged: what its seal says of it, hard state aside. */
  readonly onBridge: (sealed: SealedSegment, lastLsn: number) => void;
  /** A frame that is not whole, as far as its records are: of the hole or, at its end, of the segment heard of last. */
  readonly onLostFrame: (lost: LostFrame) => void;
  readonly termOf: TermOfRecord;
}

/** What is damaged in a segment, and which of its records that costs. */
export interface SegmentHurt {
  /** Lowest number that a frame wrote or truncated to. */
  readonly lowest: number;
  /** Of the frames in front of the first hole. */
  readonly lowestUpToHole: number;
  readonly holes: readonly Hole[];
  /** What stands behind the last frame and is no whole one. */
  readonly tear: Tear | null;
  /** The frames of that tear of which the header is whole. */
  readonly torn: readonly LostFrame[];
  /** An open passes over it by its seal, and reads find its records there. */
  readonly isBridged: boolean;
  /** Which of its numbered records cannot be read, up to the last whole frame or, if it is bridged, to its end. */
  readonly records: RecordLedger;
}

/** Where a segment stands, and what its store says of it. */
interface Place {
  readonly disk: Disk;
  readonly paths: StorePaths;
  readonly lineage: Uint8Array | null;
  /** The newest segment that a superblock names; 0 if none is whole. */
  readonly newestNamed: number;
}

/** Collects what a survey of a segment meets that is not as it was written. */
export class SegmentHurts {
  readonly #place: Place;
  readonly #file: DiskFile;
  readonly #header: SegmentHeader;
  readonly #listener: HurtListener;
  readonly #records: RecordLedger;
  readonly #holes: Hole[] = [];
  #bridge: Bridge | null = null;
  #lowestUpToHole: number | null = null;

  constructor(place: Place, file: DiskFile, header: SegmentHeader, listener: HurtListener) {
    this.#place = place;
    this.#file = file;
    this.#header = header;
    this.#listener = listener;
    this.#records = new RecordLedger(header.end.lastIndex + 1);
  }

  frame(header: FrameHeader): void {
    this.#records.frame(header, [], this.#holes[this.#holes.length - 1]?.offset ?? 0);
  }

  async hole(walk: SegmentWalk, hole: Hole): Promise<void> {
    this.#lowestUpToHole ??= this.#records.lowest;
    if (this.#holes.length === 0) this.#bridge = await this.#bridgeOver(walk);
    this.#holes.push(hole);
    this.#listener.onHole(hole, this.#bridge !== null);
    // What a frame that is lost replaced need not stand in an older segment.
    const lost = await this.#walk(hole.lost);
    for (const one of lost) this.#records.frame(one.header, one.unreadable, hole.offset);
    if (this.#bridge === null) for (const one of lost) this.#listener.onLostFrame(one);
  }

  /** The segment was read to its end; `sealedLsn` is what its seal ends with. */
  async end(walk: SegmentWalk, tear: Tear | null, sealedLsn: number | null): Promise<SegmentHurt> {
    const torn = tear === null ? [] : await this.#walk(tear.lost);
    if (sealedLsn !== null && sealedLsn > walk.run.lastLsn) this.#bridge ??= await this.#bridgeOver(walk);
    const bridged = this.#bridge === null ? null : await this.#bridged(this.#bridge, walk.offset);
    if (bridged === null) for (const one of torn) this.#listener.onLostFrame(one);
    const records = bridged ?? this.#records;
    const { lowest } = records;
    return {
      lowest,
      lowestUpToHole: this.#lowestUpToHole ?? lowest,
      holes: this.#holes,
      tear,
      torn,
      isBridged: bridged !== null,
      records,
    };
  }

  /** As an open does: where no superblock names the next segment, the log may have gone on behind the seal (D6). */
  async #bridgeOver(walk: SegmentWalk): Promise<Bridge | null> {
    const { disk, paths, lineage, newestNamed } = this.#place;
    const bridge = await bridgeOver(disk, paths, this.#file, this.#header, lineage);
    if (bridge === null || this.#header.number < newestNamed) return bridge;
    for await (const { header } of walk.behind(walk.offset))
      if (walk.canFollow(header) && lastLsnOf(header) > bridge.trailer.lastLsn) return null;
    return bridge;
  }

  async #bridged(bridge: Bridge, framesUntil: number): Promise<RecordLedger> {
    const { trailer, runs } = bridge;
    const { termOf } = this.#listener;
    this.#listener.onBridge({ ...trailer, runs }, trailer.lastLsn);
    const places = [...this.#holes, { offset: framesUntil }];
    const unreadable = await unreadableOfSealed(this.#file, this.#header, bridge, places, termOf);
    return RecordLedger.ofSealed(trailer.lowest, trailer.until, unreadable);
  }

  /** The records of frames that are lost, each by its own checksum. */
  async #walk(lost: readonly FoundFrame[]): Promise<readonly LostFrame[]> {
    const { segmentBytes } = this.#header;
    const walked: LostFrame[] = [];
    for (const { offset, header } of lost) {
      const from = offset + header.headerBytes;
      const bytes = Math.max(0, Math.min(header.payloadBytes, segmentBytes - from));
      const payload = await readAt(this.#file, from, bytes);
      walked.push(walkLostFrame(this.#file.path, header, payload, from, this.#listener.termOf));
    }
    return walked;
  }
}
