/**
 * A checksum proves that bytes are as somebody wrote them, not that they make sense: a bug, a tool or a forger may have
 * written them. Whatever stands under valid checksums, an open and all reads end by a typed error or well, soon, and
 * without taking memory for lengths that no file has (D9).
 */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { isKeelsonError } from '../../src/errors/index.js';
import { checksum, innerSeed } from '../../src/format/checksum.js';
import { FRAME_MAGIC } from '../../src/format/frame-header.js';
import { viewOf } from '../../src/format/integers.js';
import {
  decodeSealTrailer,
  frontBytesOf,
  SEAL_OFFSET_BYTES,
  SEAL_RUN_BYTES,
  SEAL_TRAILER_BYTES,
  sealBytesOf,
} from '../../src/format/seal.js';
import { SEGMENT_HEADER_BYTES, segmentSalt } from '../../src/format/segment-header.js';
import { portraitOf } from '../raft-log/plain-log.js';
import { chronicleOf, open, type Chronicle } from './chronicle.js';
import { ImageDisk } from './image-disk.js';
import { LIVES, type Lives } from './lives.js';

const IS_DEEP = process.env['KEELSON_DEEP'] === '1';
const CASES = IS_DEEP ? 100_000 : 800;
/** What a read may ask for at once: a window, or a block of seal and superblock. */
const READ_BYTES_MAX = 1024 * 1024;

/** A block of some file that has a checksum of its own. */
interface Block {
  readonly path: string;
  readonly from: number;
  readonly length: number;
  readonly sumAt: number;
  readonly seed: number;
  /** What stands in front of it under sums in it: the parts of a seal. */
  readonly parts?: readonly { readonly from: number; readonly until: number; readonly sumAt: number }[];
}

let chronicle: Chronicle;
let blocks: readonly Block[];
beforeAll(async () => {
  chronicle = await chronicleOf('unmarked', LIVES['several segments and snapshots'] as Lives);
  blocks = [...chronicle.images].flatMap(([path, bytes]) => blocksOf(path, bytes));
});

function blocksOf(path: string, bytes: Uint8Array): readonly Block[] {
  const block = (from: number, length: number, sumAt: number, seed = 0): Block => ({
    path,
    from,
    length,
    sumAt,
    seed,
  });
  if (path.endsWith('/superblock')) return [block(0, 4096, 12), block(4096, 4096, 12)];
  if (path.endsWith('/marks')) return [block(0, 64, 4), block(4096, 64, 4)];
  if (path.endsWith('.snap')) return [block(bytes.length - 28, 28, 24)];
  if (!path.endsWith('.wal')) return [];
  const salt = segmentSalt(bytes.subarray(32, 48));
  const trailerFrom = bytes.length - SEAL_TRAILER_BYTES;
  const trailer = block(trailerFrom, SEAL_TRAILER_BYTES, 4, salt);
  const found = [block(0, SEGMENT_HEADER_BYTES, 12), trailer];
  const seal = decodeSealTrailer(bytes.subarray(trailerFrom), salt);
  if (seal !== null) {
    const runs = trailerFrom - seal.runCount * SEAL_RUN_BYTES;
    const offsets = runs - (seal.until - seal.lowest) * SEAL_OFFSET_BYTES;
    const sums = bytes.length - sealBytesOf(seal) + frontBytesOf(seal);
    const parts = [
      { from: sums, until: offsets, sumAt: trailerFrom + 88 },
      { from: offsets, until: runs, sumAt: trailerFrom + 28 },
      { from: runs, until: trailerFrom, sumAt: trailerFrom + 32 },
    ];
    // Twice as often as others: it is long, and all that an open asks of its segment.
    found.push({ ...trailer, parts }, { ...trailer, parts });
  }
  const all = Buffer.from(bytes);
  for (
    let at = all.indexOf(FRAME_MAGIC, SEGMENT_HEADER_BYTES);
    at >= 0;
    at = all.indexOf(FRAME_MAGIC, at + 1)
  )
    found.push(block(at, bytes[at + 3] ?? 0, 4, salt));
  return found;
}

/** The checksum of a block: of all of it but the checksum itself, which is where the format has it. */
function sealBlock(bytes: Uint8Array, block: Block): void {
  const { from, sumAt, seed } = block;
  let { length } = block;
  const salt = segmentSalt(bytes.subarray(32, 48));
  for (const part of block.parts ?? []) {
    const partSum = checksum(bytes.subarray(part.from, part.until), innerSeed(salt));
    viewOf(bytes).setUint32(part.sumAt, partSum, true);
  }
  if (block.path.endsWith('.wal') && from === 0) {
    // The preamble's state has a sum of its own, salted, in what the header's covers.
    viewOf(bytes).setUint32(124, checksum(bytes.subarray(128, SEGMENT_HEADER_BYTES), innerSeed(salt)), true);
    length = 128;
  }
  const before = checksum(bytes.subarray(from, from + (sumAt === 12 ? 12 : sumAt === 24 ? 24 : 4)), seed);
  const behind = from + sumAt + 4;
  const sum = sumAt === 24 ? before : checksum(bytes.subarray(behind, from + length), before);
  viewOf(bytes).setUint32(from + sumAt, sum, true);
}

const changes = fc.array(
  fc.record({
    at: fc.nat(200),
    bytes: fc.oneof(
      fc
        .constantFrom(0x00, 0xff, 0x7f, 0x01)
        .chain((byte) => fc.constantFrom(1, 2, 4, 6, 8).map((length) => new Uint8Array(length).fill(byte))),
      fc.uint8Array({ minLength: 1, maxLength: 8 }),
      // 2^53-1, the largest count there is.
      fc.constant(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f, 0)),
    ),
  }),
  { minLength: 1, maxLength: 3 },
);

test('hostile fields under valid checksums', async () => {
  const opened = { well: 0, refused: 0 };
  const property = fc.asyncProperty(fc.nat(), changes, fc.boolean(), async (choice, hostile, readsAll) => {
    const block = blocks[choice % blocks.length] as Block;
    const bytes = (chronicle.images.get(block.path) ?? new Uint8Array()).slice();
    const start = block.parts?.[0]?.from ?? block.from;
    const end = block.from + block.length;
    for (const { at, bytes: change } of hostile) {
      const from = start + (at % (end - start));
      bytes.set(change.subarray(0, end - from), from);
    }
    sealBlock(bytes, block);
    const disk = new ImageDisk(new Map(chronicle.images).set(block.path, bytes));
    try {
      const log = await open(disk.environment, { verifyOnOpen: readsAll ? 'all' : 'tail' });
      // Before any read, which would call an entry damaged whose term is told wrong.
      for (let index = log.firstIndex; index <= Math.min(log.lastIndex, log.firstIndex + 99); index += 1)
        expect(log.term(index)).toBeLessThan(2 ** 53);
      await portraitOf(log);
      opened.well += 1;
    } catch (error) {
      if (!isKeelsonError(error)) throw error;
      opened.refused += 1;
    }
    expect(disk.largestReadBytes).toBeLessThanOrEqual(READ_BYTES_MAX);
  });
  // A quick run tries the same cases each time; a deep one searches.
  await fc.assert(property, { numRuns: CASES, ...(IS_DEEP ? {} : { seed: 1 }) });
  expect(opened.well).toBeGreaterThan(CASES / 20);
  expect(opened.refused).toBeGreaterThan(CASES / 20);
});
