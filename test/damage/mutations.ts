import { SEGMENT_HEADER_BYTES } from '../../src/format/segment-header.js';
import type { Chronicle } from './chronicle.js';
import type { Images } from './image-disk.js';

export const MUTATION_KINDS = [
  'bit flipped',
  'file cut',
  'sector zeroed',
  'file deleted',
  'file duplicated onto another name',
  'files swapped',
  'file rolled back',
  'deleted file brought back',
  'files rolled back together',
] as const;

export type MutationKind = (typeof MUTATION_KINDS)[number];

/** One thing done to the files of a chronicle behind the log's back. */
export interface Mutation {
  readonly kind: MutationKind;
  readonly text: string;
  readonly images: Images;
  /** The paths that were touched: what a damage error may name. */
  readonly touched: readonly string[];
  /** R5: true if the bytes of that acknowledgement's group are among those hit. */
  readonly hits: (ack: number) => boolean;
  /**
   * Several files at once may take a group and all of its witnesses: true if no file that was left alone was written to
   * behind that acknowledgement. Left out: R5 alone says what may be lost.
   */
  readonly isUnwitnessed?: (ack: number) => boolean;
}

const SECTOR_BYTES = 512;
const never = (): boolean => false;

function withFile(images: Images, path: string, bytes: Uint8Array | null): Images {
  const changed = new Map(images);
  if (bytes === null) changed.delete(path);
  else changed.set(path, bytes);
  return changed;
}

/** Which bit of a file is to be flipped: bits are numbered from the first byte's lowest on. */
export type ChooseBit = (path: string, bit: number) => boolean;

export function* flips(chronicle: Chronicle, choose: ChooseBit): Generator<Mutation> {
  for (const [path, bytes] of chronicle.images) {
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      if (!choose(path, bit)) continue;
      const at = bit >> 3;
      const flipped = bytes.slice();
      flipped[at] = (flipped[at] as number) ^ (1 << (bit & 7));
      yield {
        kind: 'bit flipped',
        text: `bit ${bit & 7} of byte ${at} of ${path} flipped`,
        images: withFile(chronicle.images, path, flipped),
        touched: [path],
        hits: (ack) => wroteWithin(chronicle, ack, path, at, at + 1),
      };
    }
  }
}

export function* cuts(
  chronicle: Chronicle,
  choose: (path: string, size: number) => boolean,
): Generator<Mutation> {
  for (const [path, bytes] of chronicle.images) {
    for (let size = 0; size < bytes.length; size += 1) {
      if (!choose(path, size)) continue;
      yield {
        kind: 'file cut',
        text: `${path} cut at byte ${size}`,
        images: withFile(chronicle.images, path, bytes.slice(0, size)),
        touched: [path],
        hits: never,
      };
    }
  }
}

export function* zeroedSectors(chronicle: Chronicle): Generator<Mutation> {
  for (const [path, bytes] of chronicle.images) {
    for (let from = 0; from < bytes.length; from += SECTOR_BYTES) {
      const zeroed = bytes.slice().fill(0, from, from + SECTOR_BYTES);
      yield {
        kind: 'sector zeroed',
        text: `sector at ${from} of ${path} zeroed`,
        images: withFile(chronicle.images, path, zeroed),
        touched: [path],
        hits: (ack) => wroteWithin(chronicle, ack, path, from, from + SECTOR_BYTES),
      };
    }
  }
}

export function* deletions(chronicle: Chronicle): Generator<Mutation> {
  for (const path of chronicle.images.keys())
    yield {
      kind: 'file deleted',
      text: `${path} deleted`,
      images: withFile(chronicle.images, path, null),
      touched: [path],
      hits: never,
    };
}

export function* duplicates(chronicle: Chronicle): Generator<Mutation> {
  for (const [from, bytes] of chronicle.images) {
    for (const to of chronicle.images.keys()) {
      if (to === from) continue;
      yield {
        kind: 'file duplicated onto another name',
        text: `${from} copied over ${to}`,
        images: withFile(chronicle.images, to, bytes),
        touched: [to],
        hits: never,
      };
    }
  }
}

export function* swaps(chronicle: Chronicle): Generator<Mutation> {
  const paths = [...chronicle.images.keys()];
  for (const [at, one] of paths.entries()) {
    for (const other of paths.slice(at + 1)) {
      const swapped = new Map(chronicle.images);
      swapped.set(one, chronicle.images.get(other) as Uint8Array);
      swapped.set(other, chronicle.images.get(one) as Uint8Array);
      yield {
        kind: 'files swapped',
        text: `${one} and ${other} swapped`,
        images: swapped,
        touched: [one, other],
        hits: never,
      };
    }
  }
}

/** Each file as it was at each earlier moment; and files that are gone, back again. */
export function* rollbacks(chronicle: Chronicle): Generator<Mutation> {
  const seen = new Set<string>();
  for (const [path, bytes] of chronicle.images) seen.add(key(path, bytes));
  for (const { acks, images } of chronicle.moments) {
    for (const [path, bytes] of images) {
      const content = key(path, bytes);
      if (seen.has(content)) continue;
      seen.add(content);
      const isBack = !chronicle.images.has(path);
      yield {
        kind: isBack ? 'deleted file brought back' : 'file rolled back',
        text: `${path} as of acknowledgement ${acks}`,
        images: withFile(chronicle.images, path, bytes),
        touched: [path],
        hits: (ack) => !isBack && ack > acks && wrote(chronicle, ack, path),
      };
    }
  }
}

/** Which of so many subsets of the files that have changed since a moment are tried. */
export type ChooseSubset = (subset: number, count: number) => boolean;

/**
 * Several files together as they were at one earlier moment, and all others as they are: an old copy laid over a newer
 * directory, a volume that was mounted late, a restore that was broken off. What was not there yet may be gone or not.
 */
export function* rollbacksTogether(chronicle: Chronicle, choose: ChooseSubset): Generator<Mutation> {
  const { images: now, moments } = chronicle;
  for (const { acks, images: then } of moments) {
    const paths = [...new Set([...now.keys(), ...then.keys()])].filter((path) => !isSame(now, then, path));
    const all = 2 ** paths.length;
    // Laid over: what came since stands beside it.
    const laidOver = paths.reduce((bits, path, at) => (then.has(path) ? bits + 2 ** at : bits), 0);
    for (let subset = 1; subset < all; subset += 1) {
      if (subset !== laidOver && subset !== all - 1 && !choose(subset, all)) continue;
      const chosen = paths.filter((_, at) => Math.floor(subset / 2 ** at) % 2 === 1);
      if (chosen.length >= 2) yield rolledBack(chronicle, then, acks, chosen, paths);
    }
  }
}

function rolledBack(
  chronicle: Chronicle,
  then: Images,
  acks: number,
  chosen: readonly string[],
  touched: readonly string[],
): Mutation {
  let images = chronicle.images;
  for (const path of chosen) images = withFile(images, path, then.get(path) ?? null);
  return {
    kind: 'files rolled back together',
    text: `as of acknowledgement ${acks}: ${chosen.join(', ')}`,
    images,
    // Of files that do not fit together it is hard to say which are the old ones.
    touched,
    hits: never,
    isUnwitnessed: (ack) => !hasWitness(chronicle, ack, chosen),
  };
}

function isSame(one: Images, other: Images, path: string): boolean {
  const [a, b] = [one.get(path), other.get(path)];
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}

/** True if a file that was left alone, and that says what is durable, was written to behind that acknowledgement. */
function hasWitness(chronicle: Chronicle, ack: number, chosen: readonly string[]): boolean {
  const [, behind] = around(chronicle, ack);
  return [...chronicle.images.keys()].some(
    (path) =>
      !chosen.includes(path) &&
      /(\.wal|\/superblock|\/marks)$/.test(path) &&
      !isSame(chronicle.images, behind, path),
  );
}

function key(path: string, bytes: Uint8Array): string {
  return `${path} ${Buffer.from(bytes).toString('base64')}`;
}

function wrote(chronicle: Chronicle, ack: number, path: string): boolean {
  const [before, after] = around(chronicle, ack);
  const [old, now] = [before.get(path), after.get(path)];
  return now !== undefined && (old === undefined || Buffer.compare(old, now) !== 0);
}

/** The files right before and right behind an acknowledgement. */
function around({ moments }: Chronicle, ack: number): readonly [Images, Images] {
  const after = moments.findIndex(({ acks }) => acks === ack);
  const [before, behind] = [moments[after - 1], moments[after]];
  if (before === undefined || behind === undefined) throw new Error(`no acknowledgement ${ack}`);
  return [before.images, behind.images];
}

/** True if the frame of that acknowledgement has bytes in `[from, until)` of that file. */
function wroteWithin(chronicle: Chronicle, ack: number, path: string, from: number, until: number): boolean {
  const span = spansOf(chronicle)[ack];
  return span?.path === path && span.from < until && span.until > from;
}

interface Span {
  readonly path: string;
  readonly from: number;
  readonly until: number;
}

const known = new WeakMap<Chronicle, readonly (Span | undefined)[]>();

/** Where the frame of each acknowledgement stands, as seen from the files alone. */
function spansOf(chronicle: Chronicle): readonly (Span | undefined)[] {
  const held = known.get(chronicle);
  if (held !== undefined) return held;
  const spans: (Span | undefined)[] = [undefined];
  const ends = new Map<string, number>();
  for (let ack = 1; ack < chronicle.states.length; ack += 1) {
    const [before, after] = around(chronicle, ack);
    const path = segmentOf(before, after);
    // Frames stand side by side; what a recycled file held before may begin with the same bytes.
    const from = ends.get(path) ?? SEGMENT_HEADER_BYTES;
    const until = lastChange(before.get(path) ?? spareUsed(before, after), after.get(path)) + 1;
    ends.set(path, until);
    spans.push({ path, from, until });
  }
  known.set(chronicle, spans);
  return spans;
}

/** The segment that took the frame: a new one, or else the newest. */
function segmentOf(before: Images, after: Images): string {
  const segments = [...after.keys()].filter((path) => path.endsWith('.wal')).sort();
  return segments.find((path) => !before.has(path)) ?? (segments.at(-1) as string);
}

/** What a new segment's file held before: the spare that is gone. */
function spareUsed(before: Images, after: Images): Uint8Array | undefined {
  return [...before].find(([path]) => path.endsWith('.spare') && !after.has(path))?.[1];
}

function lastChange(old: Uint8Array = new Uint8Array(0), now: Uint8Array = new Uint8Array(0)): number {
  return now.findLastIndex((byte, at) => byte !== (old[at] ?? 0));
}
