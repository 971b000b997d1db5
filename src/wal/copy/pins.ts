import type { Environment } from '../../disk/environment.js';
import type { Holding } from '../report/observer.js';
import type { SegmentList } from '../segment/segment-list.js';

/** Keeps segments in their place until it is let go. */
export interface Pin {
  /** The segments in front of that one are not kept any more. */
  advance(fromSegment: number): void;
  /** Keeps nothing any more. Idempotent. */
  letGo(): void;
}

interface Held {
  readonly holder: string;
  readonly sinceMs: number;
  fromSegment: number;
  /** What it kept when it was told of. */
  toldBytes: number;
}

/** The pins of one log: {@link firstKept} is asked before any segment is dropped. */
export class Pins {
  readonly #environment: Pick<Environment, 'now'>;
  readonly #segments: SegmentList;
  readonly #all = new Set<Held>();

  constructor(environment: Pick<Environment, 'now'>, segments: SegmentList) {
    this.#environment = environment;
    this.#segments = segments;
  }

  /** Keeps the segments from that one on where they are until the pin is let go; says who does. */
  add(fromSegment: number, holder: string): Pin {
    const pin: Held = { holder, sinceMs: this.#environment.now(), fromSegment, toldBytes: 0 };
    this.#all.add(pin);
    return {
      advance: (from) => {
        pin.fromSegment = Math.max(pin.fromSegment, from);
      },
      letGo: () => {
        this.#all.delete(pin);
      },
    };
  }

  /** @param needed the first segment that the log needs by itself */
  holdings(needed: number): readonly Holding[] {
    const nowMs = this.#environment.now();
    return [...this.#all].map((pin) => this.#holdingOf(pin, needed, nowMs));
  }

  #holdingOf({ holder, sinceMs, fromSegment }: Held, needed: number, nowMs: number): Holding {
    const held = this.#segments.from(fromSegment).filter(({ header }) => header.number < needed);
    const bytes = held.reduce((sum, { header }) => sum + header.segmentBytes, 0);
    return { holder, ageMs: nowMs - sinceMs, fromSegment, bytes };
  }

  /**
   * The first segment that has to stay, where the log itself needs none in front of `needed`. Tells of each pin that keeps
   * more than `bytesMax`, and again when it keeps twice as much as then.
   */
  firstKept(needed: number, bytesMax: number, tell: (holding: Holding) => void): number {
    const nowMs = this.#environment.now();
    let first = needed;
    for (const pin of this.#all) {
      if (pin.fromSegment >= needed) continue;
      first = Math.min(first, pin.fromSegment);
      const holding = this.#holdingOf(pin, needed, nowMs);
      if (holding.bytes <= Math.max(bytesMax, 2 * pin.toldBytes - 1)) continue;
      pin.toldBytes = holding.bytes;
      tell(holding);
    }
    return first;
  }
}
