import fc from 'fast-check';
import type { EndMark } from '../../src/format/end-mark.js';
import type { FrameFields, FramePlace } from '../../src/format/frame-header.js';
import { viewOf } from '../../src/format/integers.js';
import { LIMITS } from '../../src/format/limits.js';
import { rangeCount } from '../../src/format/range-sums.js';
import {
  controlRecordBytes,
  putControlRecord,
  RAFT_RECORD_KINDS,
  type RaftPreamble,
} from '../../src/format/raft-records.js';

import type { Seal } from '../../src/format/seal.js';
import type { SegmentHeader } from '../../src/format/segment-header.js';
import type { Superblock } from '../../src/format/superblock.js';

/** Counts at and around every width that the codecs know. */
export const count: fc.Arbitrary<number> = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1),
);
const segmentNumber = count.map((number) => Math.min(number, LIMITS.segmentNumberMax));
export const u32: fc.Arbitrary<number> = fc.nat(0xffff_ffff);
export const identity: fc.Arbitrary<Uint8Array> = fc.uint8Array({ minLength: 16, maxLength: 16 });

const durable = fc.record({ lsn: count, lastIndex: count, lastTerm: count });
const end = fc.record({ lastIndex: count, lastTerm: count });

export const segmentHeaders: fc.Arbitrary<SegmentHeader> = fc.record({
  lineage: identity,
  identity,
  number: segmentNumber,
  segmentBytes: fc.integer({ min: LIMITS.segmentBytesMin, max: LIMITS.segmentBytesMax }),
  firstLsn: count,
  chain: u32,
  epoch: u32,
  durable,
  end,
  state: fc.uint8Array({ maxLength: 2000 }),
});

export const superblocks: fc.Arbitrary<Superblock> = fc.record({
  generation: count,
  lineage: identity,
  storeId: identity,
  nonce: identity,
  origin: fc.constantFrom('made' as const, 'cloned' as const, 'restored' as const),
  storeKind: fc.constantFrom('wal' as const, 'raft' as const),
  epoch: u32,
  fenceEpoch: u32,
  fenceLsn: count,
  firstSegment: segmentNumber,
  newestSegment: segmentNumber,
  proven: durable,
  isLive: fc.boolean(),
  isCleanEnd: fc.boolean(),
  isWalSeparate: fc.boolean(),
});

export const endMarks: fc.Arbitrary<EndMark> = fc.record({
  lineage: identity,
  lsn: count,
  lastIndex: count,
  lastTerm: count,
  sequence: count.filter((sequence) => sequence <= LIMITS.countedMax),
  epoch: u32,
});

export const seals: fc.Arbitrary<Seal> = fc
  .record({
    lowest: fc.nat(2 ** 40),
    offsets: fc.array(u32, { maxLength: 40 }),
    runs: fc.array(fc.tuple(fc.nat(9), count), { maxLength: 8 }),
    lastLsn: count,
    chain: u32,
    framesUntil: u32,
    epoch: u32,
    frameCount: u32,
    resets: fc.boolean(),
    durable,
  })
  .map((seal) => ({
    ...seal,
    until: seal.lowest + seal.offsets.length,
    sums: new Uint32Array(rangeCount(seal.lowest, seal.lowest + seal.offsets.length)).fill(seal.chain),
    offsets: Uint32Array.from(seal.offsets),
    runs: runsWithin(seal.lowest, seal.lowest + seal.offsets.length, seal.runs),
  }));

/** Runs of `[lowest, until)`, each so many entries long; the first begins where the range does. */
function runsWithin(
  lowest: number,
  until: number,
  lengthsAndTerms: readonly (readonly [number, number])[],
): Float64Array {
  const runs: number[] = [];
  let from = lowest;
  for (const [length, term] of lengthsAndTerms) {
    if (from < until) runs.push(from, term);
    from += length + 1;
  }
  return Float64Array.from(runs);
}

export const frameFields: fc.Arbitrary<FrameFields> = fc
  .record({
    from: fc.nat(2 ** 50),
    numbered: fc.nat(5),
    terms: fc.tuple(fc.nat(2 ** 50), fc.nat(300), fc.nat(300)),
    resets: fc.boolean(),
  })
  .map(({ from, numbered, terms: [low, above, more], resets }) => ({
    from,
    until: from + numbered,
    lowTerm: low,
    lastTerm: low + above,
    highTerm: low + above + more,
    resets,
  }));

/** Frames as they are written: what is durable lies below them, and its index near or far. */
export const placedFrames: fc.Arbitrary<readonly [FrameFields, FramePlace]> = fc
  .tuple(
    frameFields,
    fc.record({ firstLsn: fc.integer({ min: 2 ** 32, max: 2 ** 50 }), epoch: u32, chain: u32 }),
    u32,
    fc.integer({ min: -0x7fff_ffff, max: 0x7fff_ffff }),
  )
  .map(([fields, place, lsnDistance, indexDistance]) => {
    const lastIndex = Math.max(0, fields.from - 1 - indexDistance);
    // A term is not kept apart: that of the frame stands for it.
    const durable = { lsn: place.firstLsn - 1 - lsnDistance, lastIndex, lastTerm: fields.lastTerm };
    return [fields, { ...place, durable }] as const;
  });

/** The payload of `count` records, small ones, each with the checksum that it must have. */
export function recordsOf(count: number, bodies: Uint8Array): Uint8Array {
  const records = Array.from({ length: count }, (_, at) => ({
    kind: RAFT_RECORD_KINDS.hardState,
    body: bodies.subarray(at, at + (at % 4)),
  }));
  const bytes = new Uint8Array(records.reduce((sum, record) => sum + controlRecordBytes(record), 0));
  records.reduce((at, record) => putControlRecord(bytes, viewOf(bytes), at, record), 0);
  return bytes;
}

/** Any code points, and now and then a byte order mark in front, which decoders like to drop. */
const votes: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom('', '\uFEFF'), fc.string({ unit: 'binary', minLength: 1, maxLength: 63 }))
  .map(([mark, text]) => mark + text)
  .filter((vote) => Buffer.byteLength(vote) <= LIMITS.voteBytesMax);

export const stableValues: fc.Arbitrary<ReadonlyMap<string, Uint8Array>> = fc
  .array(fc.tuple(votes, fc.uint8Array({ maxLength: 200 })), { maxLength: 6 })
  .map((values) => new Map(values));

export const preambles: fc.Arbitrary<RaftPreamble> = fc.record({
  hardState: fc.record({
    term: count,
    commit: count,
    vote: fc.oneof(fc.constant(null), votes),
  }),
  snapshot: fc.oneof(fc.constant(null), fc.record({ index: count, term: count, checksum: u32 })),
  boundary: fc.record({ index: count, term: count }),
  unfitUntil: fc.oneof(count, fc.constant(Infinity)),
  stable: stableValues,
});
