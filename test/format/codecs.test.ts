/**
 * Recovery believes only what these decoders let pass, so a wrong one loses or invents what was saved. Whatever the
 * encoders write comes back, every flipped bit is noticed, and noise of any length gives a verdict, never a throw.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEndMark, encodeEndMark } from '../../src/format/end-mark.js';
import {
  frameHeaderBytes,
  FRAME_HEADER_BYTES_MAX,
  putFrameHeader,
  readFrameHeader,
  type FrameHeader,
} from '../../src/format/frame-header.js';
import { payloadMatches } from '../../src/format/frame-payload.js';
import { FrameRecords } from '../../src/format/frame-records.js';
import { getU64, getVarint, putU64, putVarint, varintBytes, viewOf } from '../../src/format/integers.js';
import {
  decodeBoundary,
  decodeHardState,
  decodeRaftPreamble,
  decodeSnapshotName,
  encodeRaftPreamble,
  readEntryRecord,
} from '../../src/format/raft-records.js';
import { putRecordHeader, readRecord, RECORD_HEADER_BYTES } from '../../src/format/record.js';
import {
  decodeSealFront,
  decodeSealOffsets,
  decodeSealRuns,
  decodeSealSums,
  decodeSealTrailer,
  encodeSeal,
  frontBytesOf,
  SEAL_RUN_BYTES,
  SEAL_SUM_BYTES,
  SEAL_TRAILER_BYTES,
  sealBytesOf,
  type Seal,
  type SealTrailer,
} from '../../src/format/seal.js';
import { decodeSegmentHeader, encodeSegmentHeader } from '../../src/format/segment-header.js';
import { decodeSuperblock, encodeSuperblock, SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import {
  count,
  endMarks,
  placedFrames,
  preambles,
  recordsOf,
  seals,
  segmentHeaders,
  superblocks,
  u32,
} from './arbitraries.js';

const SALT = 0x1234_5678;
const noiseRuns = process.env['KEELSON_DEEP'] === '1' ? 100_000 : 500;

type Placed = readonly [Parameters<typeof frameHeaderBytes>[0], Parameters<typeof putFrameHeader>[5]];

/** A frame of one record, in bytes. */
function frameOf(
  fields: Parameters<typeof frameHeaderBytes>[0],
  place: Parameters<typeof putFrameHeader>[5],
  payload: Uint8Array,
  recordCount: number,
): Uint8Array {
  const headerBytes = frameHeaderBytes(fields);
  const bytes = new Uint8Array(headerBytes + payload.length);
  bytes.set(payload, headerBytes);
  putFrameHeader(bytes, viewOf(bytes), 0, SALT, fields, place, {
    headerBytes,
    payloadBytes: payload.length,
    recordCount,
  });
  return bytes;
}

/** Flips each bit of `bytes` in turn. */
function eachFlip(
  bytes: Uint8Array,
  check: (flipped: Uint8Array, at: number) => void,
  until = bytes.length,
): void {
  for (let at = 0; at < until * 8; at += 1) {
    const flipped = bytes.slice();
    flipped[at >> 3] = (flipped[at >> 3] as number) ^ (1 << (at & 7));
    check(flipped, at >> 3);
  }
}

describe('what is written comes back', () => {
  test('integers', () => {
    fc.assert(
      fc.property(count, (value) => {
        const bytes = new Uint8Array(9);
        putU64(viewOf(bytes), 1, value);
        expect(getU64(viewOf(bytes), 1)).toBe(value);
        const until = putVarint(bytes, 0, value);
        expect(until).toBe(varintBytes(value));
        const cursor = { offset: 0 };
        expect(getVarint(bytes, cursor, until)).toBe(value);
        expect(cursor.offset).toBe(until);
        expect(getVarint(bytes, { offset: 0 }, until - 1)).toBeNaN();
      }),
    );
  });

  test('segment headers', () => {
    fc.assert(
      fc.property(segmentHeaders, (header) => {
        expect(decodeSegmentHeader(encodeSegmentHeader(header))).toEqual({ kind: 'valid', header });
      }),
    );
  });

  test('superblocks', () => {
    fc.assert(
      fc.property(superblocks, (superblock) => {
        expect(decodeSuperblock(encodeSuperblock(superblock))).toEqual({ kind: 'valid', superblock });
      }),
    );
  });

  test('end marks', () => {
    fc.assert(
      fc.property(endMarks, (mark) => {
        expect(decodeEndMark(encodeEndMark(mark))).toEqual(mark);
      }),
    );
  });

  test('seals of a clean end', () => {
    const more = fc.record({ tailChecksum: u32, entries: count, state: fc.uint8Array({ maxLength: 60 }) });
    fc.assert(
      fc.property(seals, more, u32, (seal, { tailChecksum, entries, state }, salt) => {
        const checksums = seal.offsets.map((offset) => offset ^ 1);
        const bytes = encodeSeal({ ...seal, provisional: { tailChecksum, entries, state, checksums } }, salt);
        const trailer = decodeSealTrailer(bytes.subarray(bytes.length - SEAL_TRAILER_BYTES), salt);
        if (trailer === null) throw new Error('no trailer');
        expect(sealBytesOf(trailer)).toBe(bytes.length);
        expect(trailer.provisional).toMatchObject({ tailChecksum, entries, stateBytes: state.length });
        const front = bytes.slice(0, frontBytesOf(trailer));
        expect(decodeSealFront(front, trailer, salt)).toEqual({ state, checksums });
        for (let at = 0; at < front.length; at += 1) {
          front[at] = (front[at] as number) ^ 1;
          expect(decodeSealFront(front, trailer, salt)).toBeNull();
          front[at] = (front[at] as number) ^ 1;
        }
      }),
    );
  });

  test('seals', () => {
    fc.assert(
      fc.property(seals, u32, (seal, salt) => {
        const bytes = encodeSeal(seal, salt);
        const trailer = decodeSealTrailer(bytes.subarray(bytes.length - SEAL_TRAILER_BYTES), salt);
        if (trailer === null) throw new Error('no trailer');
        expect(sealBytesOf(trailer)).toBe(bytes.length);
        const runsFrom = bytes.length - SEAL_TRAILER_BYTES - trailer.runCount * SEAL_RUN_BYTES;
        const offsetsFrom = seal.sums.length * SEAL_SUM_BYTES;
        expect(decodeSealSums(bytes.subarray(0, offsetsFrom), trailer, salt)).toEqual(seal.sums);
        expect(
          decodeSealRuns(bytes.subarray(runsFrom, bytes.length - SEAL_TRAILER_BYTES), trailer, salt),
        ).toEqual(seal.runs);
        expect(decodeSealOffsets(bytes.subarray(offsetsFrom, runsFrom), trailer, salt)).toEqual(seal.offsets);
        const { lowest, until, lastLsn, chain, framesUntil, epoch, frameCount, resets, durable } = seal;
        expect(trailer).toMatchObject({
          lowest,
          until,
          lastLsn,
          chain,
          framesUntil,
          epoch,
          frameCount,
          resets,
          durable,
        });
      }),
    );
  });

  test.each([
    [[10, 1], true],
    [[10, 1, 12, 2], true],
    [[10, 5, 11, 2, 12, 5], true],
    [[9, 1], false],
    [[11, 1], false],
    [[10, 1, 10, 2], false],
    [[10, 1, 12, 2, 11, 3], false],
    [[10, 1, 13, 2], false],
    [[10, 1, 2 ** 53, 2], false],
    [[10, 1, 11, 2 ** 53], false],
    [[10, 2 ** 53], false],
  ])('term runs %j of a seal of [10, 13) under their sum: %s', (pairs, isTaken) => {
    const [sample] = fc.sample(seals, 1) as [Seal];
    const runs = Float64Array.from(pairs);
    const three = { lowest: 10, until: 13, offsets: new Uint32Array(3), sums: new Uint32Array(1), runs };
    const bytes = encodeSeal({ ...sample, ...three }, SALT);
    const trailerFrom = bytes.length - SEAL_TRAILER_BYTES;
    const trailer = decodeSealTrailer(bytes.subarray(trailerFrom), SALT) as SealTrailer;
    const read = decodeSealRuns(bytes.subarray(trailerFrom - pairs.length * 8, trailerFrom), trailer, SALT);
    expect(read).toEqual(isTaken ? runs : null);
  });

  test('frames', () => {
    fc.assert(
      fc.property(
        placedFrames,
        fc.uint8Array({ maxLength: 50 }),
        fc.nat(9),
        ([fields, place], bodies, more) => {
          const recordCount = fields.until - fields.from + 1 + more;
          const payload = recordsOf(recordCount, bodies);
          const bytes = frameOf(fields, place, payload, recordCount);
          const header = readFrameHeader(bytes, 0, SALT) as FrameHeader;
          expect(header).toMatchObject({ ...fields, ...place, recordCount, payloadBytes: payload.length });
          expect(header.headerBytes).toBeLessThanOrEqual(FRAME_HEADER_BYTES_MAX);
          expect(payloadMatches(header, bytes.subarray(header.headerBytes), SALT)).toBe(true);
          expect(readFrameHeader(bytes, 0, SALT + 1), 'under the salt of another segment').toBeNull();
        },
      ),
    );
  });

  test('records', () => {
    fc.assert(
      fc.property(fc.nat(255), u32, fc.uint8Array({ maxLength: 40 }), (kind, checksum, body) => {
        const bytes = new Uint8Array(RECORD_HEADER_BYTES + body.length);
        bytes.set(body, putRecordHeader(viewOf(bytes), 0, kind, checksum, body.length));
        expect(readRecord(bytes, 0)).toMatchObject({ kind, checksum, bodyBytes: body.length, body });
        if (body.length > 0) expect(readRecord(bytes, 0, bytes.length - 1)).toBeNull();
      }),
    );
  });

  test('records of a frame, one after the other, and none of a payload that they do not fill', () => {
    const record = fc.record({ kind: fc.nat(255), checksum: u32, body: fc.uint8Array({ maxLength: 40 }) });
    fc.assert(
      fc.property(fc.array(record, { minLength: 1 }), fc.nat(20), (written, from) => {
        const bytes = new Uint8Array(
          from + written.reduce((sum, { body }) => sum + RECORD_HEADER_BYTES + body.length, 0) + 7,
        );
        const view = viewOf(bytes);
        const offsets: number[] = [];
        let at = from;
        for (const { kind, checksum, body } of written) {
          offsets.push(1000 + at);
          at = putRecordHeader(view, at, kind, checksum, body.length);
          bytes.set(body, at);
          at += body.length;
        }
        const records = new FrameRecords();
        expect(records.set(bytes, view, from, at, written.length, 1000)).toBe(true);
        for (let round = 1; round <= 2; round += 1)
          expect(
            Array.from(records, ({ kind, checksum, body }) => ({ kind, checksum, body: body.slice() })),
          ).toEqual(written);
        expect(Array.from(records, () => records.offset)).toEqual(offsets);
        for (const [until, count] of [
          [at, written.length + 1],
          [at, written.length - 1],
          [at + 1, written.length],
          [at - 1, written.length],
        ] as const)
          expect(records.set(bytes, view, from, until, count, 0)).toBe(false);
        expect([...records]).toEqual([]);
      }),
    );
  });

  test('preambles', () => {
    fc.assert(
      fc.property(preambles, (preamble) => {
        expect(decodeRaftPreamble(encodeRaftPreamble(preamble))).toEqual(preamble);
      }),
    );
  });
});

describe('every flipped bit is noticed', () => {
  const [[fields, place]] = fc.sample(placedFrames, { numRuns: 1, seed: 1 }) as [Placed];

  test('of a frame, header or payload', () => {
    const payload = recordsOf(
      9,
      Uint8Array.from({ length: 200 }, (_, at) => at),
    );
    const bytes = frameOf(fields, place, payload, 9);
    const headerBytes = frameHeaderBytes(fields);
    eachFlip(bytes, (flipped, at) => {
      const header = readFrameHeader(flipped, 0, SALT);
      if (at < headerBytes) expect(header, `byte ${at}`).toBeNull();
      else expect(payloadMatches(header as FrameHeader, flipped.subarray(headerBytes), SALT)).toBe(false);
    });
  });

  test('of a segment header', () => {
    const [header] = fc.sample(segmentHeaders, { numRuns: 1, seed: 1 }) as [
      Parameters<typeof encodeSegmentHeader>[0],
    ];
    eachFlip(encodeSegmentHeader(header), (flipped, at) => {
      expect(decodeSegmentHeader(flipped).kind, `byte ${at}`).toBe('invalid');
    });
  });

  test('of a superblock slot, padding included', () => {
    const [superblock] = fc.sample(superblocks, { numRuns: 1, seed: 1 }) as [
      Parameters<typeof encodeSuperblock>[0],
    ];
    const bytes = encodeSuperblock(superblock);
    const check = (flipped: Uint8Array, at: number): void => {
      expect(decodeSuperblock(flipped).kind, `byte ${at}`).toBe('invalid');
    };
    eachFlip(bytes, check, 160);
    for (const at of [161, 999, SUPERBLOCK_SLOT_BYTES - 1]) {
      const flipped = bytes.slice();
      flipped[at] = 1;
      check(flipped, at);
    }
  });

  test('of an end mark', () => {
    const [mark] = fc.sample(endMarks, { numRuns: 1, seed: 1 }) as [Parameters<typeof encodeEndMark>[0]];
    eachFlip(encodeEndMark(mark), (flipped, at) => {
      expect(decodeEndMark(flipped), `byte ${at}`).toBeNull();
    });
  });

  test('of a seal: trailer, runs, offsets or sums', () => {
    const seal = fc
      .sample(seals, { numRuns: 20, seed: 1 })
      .find(({ offsets, runs }) => offsets.length > 2 && runs.length > 2);
    if (seal === undefined) throw new Error('no such seal');
    eachFlip(encodeSeal(seal, SALT), (bytes, at) => {
      const trailer = decodeSealTrailer(bytes.subarray(bytes.length - SEAL_TRAILER_BYTES), SALT);
      if (trailer === null) return;
      const runsFrom = bytes.length - SEAL_TRAILER_BYTES - trailer.runCount * SEAL_RUN_BYTES;
      const runs = decodeSealRuns(bytes.subarray(runsFrom, bytes.length - SEAL_TRAILER_BYTES), trailer, SALT);
      const offsetsFrom = seal.sums.length * SEAL_SUM_BYTES;
      const offsets = decodeSealOffsets(bytes.subarray(offsetsFrom, runsFrom), trailer, SALT);
      const sums = decodeSealSums(bytes.subarray(0, offsetsFrom), trailer, SALT);
      expect(
        [runs, offsets, sums].filter((part) => part === null),
        `byte ${at}`,
      ).toHaveLength(1);
    });
  });
});

describe('noise gives a verdict', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Uint8Array.of(0x4b, 0x46, 0x01, 64, ...bytes)),
    fc.uint8Array({ minLength: 4096, maxLength: 4096 }),
  );

  test('whatever the decoder, whatever the length', () => {
    fc.assert(
      fc.property(noise, u32, (bytes, salt) => {
        expect(decodeSegmentHeader(bytes).kind).toBe('invalid');
        expect(decodeSuperblock(bytes).kind).toBe('invalid');
        expect(decodeEndMark(bytes)).toBeNull();
        expect(decodeSealTrailer(bytes, salt)).toBeNull();
        expect(decodeSealTrailer(bytes.subarray(0, SEAL_TRAILER_BYTES), salt)).toBeNull();
        expect(readFrameHeader(bytes, 0, salt)).toBeNull();
        for (const decode of [decodeHardState, decodeSnapshotName, decodeBoundary, decodeRaftPreamble])
          expect(() => decode(bytes)).not.toThrow();
        const record = readRecord(bytes, 0);
        // A body is a view of what is there: no length that was read takes memory.
        if (record !== null) {
          expect(record.body.buffer).toBe(bytes.buffer);
          expect(() => readEntryRecord({ ...record, kind: 128 })).not.toThrow();
        }
        const records = new FrameRecords();
        records.set(bytes, viewOf(bytes), 0, bytes.length, 1 + (salt % 1000), 0);
        for (const { body } of records) expect(body.buffer).toBe(bytes.buffer);
      }),
      { numRuns: noiseRuns },
    );
  });

  test('truncated anywhere', () => {
    const [header] = fc.sample(segmentHeaders, { numRuns: 1, seed: 2 }) as [
      Parameters<typeof encodeSegmentHeader>[0],
    ];
    const [mark] = fc.sample(endMarks, { numRuns: 1, seed: 2 }) as [Parameters<typeof encodeEndMark>[0]];
    const [[fields, place]] = fc.sample(placedFrames, { numRuns: 1, seed: 2 }) as [Placed];
    const segment = encodeSegmentHeader(header);
    const frame = frameOf(fields, place, recordsOf(9, new Uint8Array(0)), 9).subarray(
      0,
      frameHeaderBytes(fields),
    );
    for (let length = 0; length < segment.length; length += 1)
      expect(decodeSegmentHeader(segment.subarray(0, length)).kind).toBe('invalid');
    for (let length = 0; length < 64; length += 1)
      expect(decodeEndMark(encodeEndMark(mark).subarray(0, length))).toBeNull();
    for (let length = 0; length < frame.length; length += 1)
      expect(readFrameHeader(frame.subarray(0, length), 0, SALT)).toBeNull();
  });

  test('a number beyond 2^53-1 under a valid checksum is refused all the same', () => {
    const bytes = new Uint8Array(8).fill(0xff);
    bytes[7] = 0x1f;
    expect(getU64(viewOf(bytes), 0)).toBeNaN();
    expect(getVarint(new Uint8Array(9).fill(0xff), { offset: 0 }, 9)).toBeNaN();
  });
});
