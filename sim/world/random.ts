/**
 * A stream of pseudo-random numbers that is the same on every machine and Node version: xoshiro128**,
 * its state filled by splitmix32 from a seed of 32 bits. Not for identities outside the simulator.
 */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  constructor(seed: number) {
    this.reseed(seed);
  }

  /** Starts again as if made new with `seed`, so that a hot path needs no new object for each sub-seed. */
  reseed(seed: number): void {
    this.#a = splitmix(seed, 1);
    this.#b = splitmix(seed, 2);
    this.#c = splitmix(seed, 3);
    this.#d = splitmix(seed, 4);
  }

  /** An integer in `[0, 2^32)`. */
  next(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result >>> 0;
  }

  /** A number in `[0, 1)`. */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  /** An integer in `[0, until)`; 0 if `until` is 0. */
  below(until: number): number {
    return Math.floor(this.fraction() * until);
  }

  /** True with this probability. Always takes one number of the stream, so that what follows stays put. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of `items`, which may not be empty. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** Fills `into` with random bytes. */
  fill(into: Uint8Array): void {
    for (let i = 0; i < into.length; i++) into[i] = this.next() & 0xff;
  }
}

/**
 * The seed of a stream of its own for one part of the world. Each part, operation and fault draws from its
 * own, so that leaving one out while a plan is shrunk changes no other.
 */
export function subSeed(seed: number, part: number | string): number {
  return mix(seed ^ mix((typeof part === 'number' ? part : hashOfText(part)) + 0x9e3779b9));
}

/** A hash of 32 bits of a text (FNV-1a over UTF-16 units, then mixed). */
export function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return mix(hash);
}

/** Any seed that a caller may give, as 32 bits. */
export function seedOf(seed: number | string): number {
  if (typeof seed === 'string') return hashOfText(seed);
  return mix(mix(Math.floor(seed / 2 ** 32)) ^ (seed >>> 0));
}

function splitmix(seed: number, step: number): number {
  return mix(seed + Math.imul(step, 0x9e3779b9));
}

/** The finisher of MurmurHash3: every bit of the input moves every bit of the result. */
function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
