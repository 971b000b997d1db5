import { lowestOf, type LiveSegment } from './live-segment.js';

/** Who holds a number, and up to where. */
export interface Owner {
  readonly segment: LiveSegment;
  /** From here on a later segment replaced what this one holds; Infinity if none did. */
  readonly until: number;
}

/**
 * The live segments, oldest first. Neither a rotation nor a read goes over all of them: in a log of a hundred thousand
 * that would be all that it does.
 *
 * `#from` holds, for each segment but the tail, the lowest number that it or a later sealed one holds. It rises along the
 * list, so that an owner is found by halving; what the tail holds is asked of the tail, where alone it may still fall.
 */
export class SegmentList {
  readonly #all: LiveSegment[];
  readonly #from: number[] = [];

  /** @param all at least one; the last one is the tail */
  constructor(all: readonly LiveSegment[]) {
    this.#all = [...all];
    for (const sealed of all.slice(0, -1)) this.#note(sealed);
  }

  #note(sealed: LiveSegment): void {
    const lowest = lowestOf(sealed);
    for (let at = this.#from.length - 1; at >= 0 && (this.#from[at] as number) > lowest; at -= 1)
      this.#from[at] = lowest;
    this.#from.push(lowest);
  }

  get count(): number {
    return this.#all.length;
  }

  get first(): LiveSegment {
    return this.#all[0] as LiveSegment;
  }

  get tail(): LiveSegment {
    return this.#all[this.#all.length - 1] as LiveSegment;
  }

  /** The tail, sealed, is followed by a new one. */
  rotate(sealed: LiveSegment, next: LiveSegment): void {
    this.#all[this.#all.length - 1] = sealed;
    this.#all.push(next);
    this.#note(sealed);
  }

  /** The latest segment whose lowest number is not above `number`; the oldest if there is none. */
  owner(number: number): Owner {
    const tailFrom = lowestOf(this.tail);
    if (number >= tailFrom || this.#from.length === 0) return { segment: this.tail, until: Infinity };
    let low = 0;
    let high = this.#from.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#from[middle] as number) <= number) low = middle;
      else high = middle;
    }
    const until = Math.min(this.#from[low + 1] ?? Infinity, tailFrom);
    return { segment: this.#all[low] as LiveSegment, until };
  }

  /** The oldest segment that holds anything above `boundary`; the tail always stays. */
  firstNeeded(boundary: number): LiveSegment {
    const { tail } = this;
    return boundary + 1 >= (tail.index?.until ?? tail.until) ? tail : this.owner(boundary + 1).segment;
  }

  /** Those in front of the segment numbered `number`, oldest first. */
  before(number: number): readonly LiveSegment[] {
    return this.#all.slice(0, this.#countBefore(number));
  }

  /** The segment numbered `number` and those behind it, oldest first. */
  from(number: number): readonly LiveSegment[] {
    return this.#all.slice(this.#countBefore(number));
  }

  /** Takes them out of the list. */
  dropBefore(number: number): void {
    const count = this.#countBefore(number);
    this.#all.splice(0, count);
    this.#from.splice(0, count);
  }

  #countBefore(number: number): number {
    const at = this.#all.findIndex(({ header }) => header.number >= number);
    return at < 0 ? this.#all.length : at;
  }
}
