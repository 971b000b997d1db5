import type { Environment } from '../../disk/environment.js';
import type { Disk } from '../../disk/port.js';
import type { WalLayer } from '../layer.js';
import type { LiveSegment } from '../segment/live-segment.js';
import type { SegmentList } from '../segment/segment-list.js';
import { bytesOfSegment, copySegment, type SegmentToCopy } from './copy-segment.js';
import type { Holding } from '../report/observer.js';
import { Pins } from './pins.js';

/** What of a log's files a copy takes, and who keeps them in their place meanwhile. */
export class SegmentsToCopy {
  /** Keep segments where they are. */
  readonly pins: Pins;
  readonly #disk: Disk;
  readonly #segments: SegmentList;
  readonly #layer: Pick<WalLayer, 'boundary'>;
  /** Where the next frame goes in the segment of that path; null if it takes none. */
  readonly #filledTo: (path: string) => number | null;

  constructor(
    environment: Pick<Environment, 'now' | 'disk'>,
    segments: SegmentList,
    layer: Pick<WalLayer, 'boundary'>,
    filledTo: (path: string) => number | null,
  ) {
    this.#disk = environment.disk;
    this.#segments = segments;
    this.pins = new Pins(environment, segments);
    this.#layer = layer;
    this.#filledTo = filledTo;
  }

  /** LSN of the first record that is still there. */
  get firstLsn(): number {
    return this.#segments.first.header.firstLsn;
  }

  /** The oldest that is there, and the one that takes the next record, or would. */
  get range(): { readonly oldest: number; readonly newest: number } {
    const { first, tail } = this.#segments;
    return { oldest: first.header.number, newest: tail.header.number };
  }

  /** The segments that hold numbered records above `boundary`, as of now: what of them is durable. The tail is always one. */
  above(boundary: number): readonly SegmentToCopy[] {
    const { number } = this.#segments.firstNeeded(boundary).header;
    return this.#segments.from(number).map((segment) => this.#toCopy(segment));
  }

  #toCopy({ header, path, seal, framesUntil }: LiveSegment): SegmentToCopy {
    const bytes = seal === null ? (this.#filledTo(path) ?? framesUntil) : header.segmentBytes;
    return { header, path, bytes };
  }

  /** Those that take no record any more and hold one above `lsn`, as of now, oldest first. */
  sealedAbove(lsn: number): readonly (SegmentToCopy & { readonly lastLsn: number })[] {
    const { number: tail } = this.#segments.tail.header;
    return this.#segments
      .from(0)
      .filter(({ header, lastLsn }) => header.number < tail && lastLsn > lsn)
      .map(({ header, path, lastLsn }) => ({ header, path, bytes: header.segmentBytes, lastLsn }));
  }

  /** See {@link bytesOfSegment}. */
  bytesOf(segment: SegmentToCopy): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    return bytesOfSegment(this.#disk, segment);
  }

  /** See {@link copySegment}. */
  copy(segment: SegmentToCopy, to: string, throwIfAbandoned: () => void): Promise<void> {
    return copySegment(this.#disk, segment, to, throwIfAbandoned);
  }

  /** Who keeps segments that the log needs no more. */
  holdings(): readonly Holding[] {
    return this.pins.holdings(this.#segments.firstNeeded(this.#layer.boundary()).header.number);
  }
}
