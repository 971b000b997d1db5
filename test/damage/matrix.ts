import { afterAll, describe, expect, test } from 'vitest';
import { checksum } from '../../src/format/checksum.js';
import { chronicleOf, type Chronicle, type End } from './chronicle.js';
import { LIVES } from './lives.js';
import { meaningfulBytes } from './meaningful-bytes.js';
import {
  cuts,
  deletions,
  duplicates,
  flips,
  rollbacks,
  rollbacksTogether,
  swaps,
  zeroedSectors,
  type ChooseBit,
  type Mutation,
} from './mutations.js';
import { Tally } from './tally.js';
import { verdictOn, type OpenMode } from './verdict.js';
import { withoutStacks } from './without-stacks.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';

const MODES: Readonly<Record<string, OpenMode>> = {
  opened: {},
  'opened with verifyOnOpen all': { verifyOnOpen: 'all' },
  'opened for reading only': { readOnly: true },
};

/** In a quick run the bits of payload and padding are flipped one in so many. */
const THIN_BITS = 453;
/** In a quick run files are cut at one size in so many, and in the lesser tests at a third of these. */
const THIN_SIZES = 151;
/** In a deep run, one bit and one size in so many for the ways to open that are not the usual one. */
const DEEP_SHARE = 13;
/** Of files rolled back together about so many subsets a moment are tried, in a deep run so many times more; spread by a prime. */
const SUBSETS = IS_DEEP ? 100 : 6;
const SPREAD = 7919;
/** The one whose meaningful bytes a quick run hurts, all of them, in one bit. */
const RICHEST = 'several segments and snapshots';
/**
 * Each of them hits each of these bytes in superblock and marks, in another bit, and in the tail every other one. Of what
 * is equal in all three a third, and in sealed segments a ninth: {@link isFieldTurnOf} sees to it that each byte of headers
 * and seals is hit in one of them. Sums cover whole frames, slots and headers, and tell the bits of one byte no better
 * apart than those of two. Whatever else a quick run does to files that are equal in all three, it does to those of one.
 */
const ENDS: readonly End[] = ['clean', 'marked', 'unmarked'];

/**
 * Tries everything that one fault can do to the files of a log that ended so, and holds what an open and all reads
 * then give against what the log had acknowledged.
 */
export function tryMatrix(end: End): void {
  const tally = new Tally(`${end} end`);
  const readOnlyTally = new Tally(`${end} end, read-only`);
  afterAll(() => {
    if (process.env['KEELSON_TALLY'] === '1')
      process.stdout.write(tally.toString() + readOnlyTally.toString());
  });
  describe.each(Object.keys(LIVES))('%s', (name) => {
    let lived: Promise<Chronicle> | undefined;
    describe.each(Object.keys(MODES))('%s', (modeName) => {
      test('nothing acknowledged is lost in silence, and no byte is wrong', async () => {
        const chronicle = await (lived ??= chronicleOf(end, LIVES[name] as (typeof LIVES)[string]));
        const mode = MODES[modeName] as OpenMode;
        const isThorough = name === RICHEST && mode === MODES['opened'];
        const counts = mode.readOnly === true ? readOnlyTally : tally;
        let count = 0;
        for (const mutation of mutationsOf(chronicle, mode, isThorough)) {
          if (!IS_DEEP && !isForEach(chronicle, mutation, mode) && !isTurnOf(end, checksumOf(mutation)))
            continue;
          count += 1;
          const isAtLength = IS_DEEP || mutation.kind !== 'bit flipped' || count % 7 === 0;
          try {
            const verdict = await withoutStacks(() => verdictOn(chronicle, mutation, mode, isAtLength));
            counts.add(mutation.kind, verdict);
          } catch (cause) {
            throw new Error(`${mutation.text}: ${String(cause)}`, { cause });
          }
        }
        expect(count).toBeGreaterThan(100);
      });
    });
  });
}

/** A deep run tries all there is by an open as usual; the other ways to open differ in little, and get their share. */
function* mutationsOf(chronicle: Chronicle, mode: OpenMode, isThorough: boolean): Generator<Mutation> {
  const thin = isThorough ? THIN_SIZES : THIN_SIZES * 3;
  const step = mode === MODES['opened'] ? 1 : DEEP_SHARE;
  yield* flips(chronicle, IS_DEEP ? (_, bit) => bit % step === 0 : chooserOf(chronicle, isThorough));
  yield* cuts(chronicle, (_, size) => (IS_DEEP ? size % step === 0 : size % thin === 0 || size % 4096 === 1));
  yield* zeroedSectors(chronicle);
  yield* deletions(chronicle);
  yield* duplicates(chronicle);
  yield* swaps(chronicle);
  yield* rollbacks(chronicle);
  yield* rollbacksTogether(chronicle, (subset, count) => (subset * SPREAD) % count < SUBSETS);
}

/** What is tried on each of the ends: what only some of the ways to open, or files of its own, may answer otherwise. */
function isForEach(chronicle: Chronicle, { kind, text, touched }: Mutation, mode: OpenMode): boolean {
  if (kind === 'bit flipped') return true;
  if (kind === 'files rolled back together') return mode === MODES['opened'];
  return NOT_IN_ALL.test(text) || touched.some((path) => isOwnOf(chronicle, path));
}

/** Files that some of the ends lack, or have empty. */
const NOT_IN_ALL = /(\/marks|\.spare)\b/;

/** The files that differ between the ends. */
function isOwnOf(chronicle: Chronicle, path: string): boolean {
  return path === tailOf(chronicle) || path.endsWith('/superblock') || NOT_IN_ALL.test(path);
}

function tailOf({ images }: Chronicle): string | undefined {
  return [...images.keys()]
    .filter((path) => path.endsWith('.wal'))
    .sort()
    .at(-1);
}

function isTurnOf(end: End, number: number): boolean {
  return number % ENDS.length === ENDS.indexOf(end);
}

/** Four neighbouring segments and three ends each take other bytes, so that together they take each of nine portions. */
function isFieldTurnOf(end: End, path: string, byte: number): boolean {
  const number = /(\d+)\.wal$/.exec(path)?.[1];
  if (number === undefined) return isTurnOf(end, byte);
  return (byte + Number(number) + ENDS.indexOf(end) * ENDS.length) % ENDS.length ** 2 === 0;
}

/** The same for the same mutation of each end. */
function checksumOf({ text }: Mutation): number {
  return checksum(Buffer.from(text));
}

function chooserOf(chronicle: Chronicle, isThorough: boolean): ChooseBit {
  const meaningful = new Map<string, ReadonlySet<number>>();
  for (const [path, bytes] of chronicle.images) meaningful.set(path, meaningfulBytes(path, bytes));
  const tail = tailOf(chronicle);
  const turn = ENDS.indexOf(chronicle.end);
  return (path, bit) => {
    const byte = bit >> 3;
    const isField = meaningful.get(path)?.has(byte) === true;
    const isOwn = path === tail || NOT_IN_ALL.test(path) || (isField && isOwnOf(chronicle, path));
    if (bit % THIN_BITS === 0 && (isOwn || isTurnOf(chronicle.end, bit / THIN_BITS))) return true;
    if (!isThorough || !isField) return false;
    if ((bit + byte + turn * ENDS.length) % 8 !== 0) return false;
    return path === tail ? (byte + turn) % 2 === 0 : isOwn || isFieldTurnOf(chronicle.end, path, byte);
  };
}
