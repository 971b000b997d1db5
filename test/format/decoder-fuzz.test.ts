/**
 * A decoder that trusts a length, or throws what nobody expects, lets one bad sector take a node down (D9). Noise,
 * truncated bytes, and bytes changed at will under checksums made valid again go into every decoder there is.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checksum } from '../../src/format/checksum.js';
import { decodeEndMark, encodeEndMark } from '../../src/format/end-mark.js';
import { frameHeaderBytes, putFrameHeader, readFrameHeader } from '../../src/format/frame-header.js';
import { viewOf } from '../../src/format/integers.js';
import { parseWalFileName } from '../../src/format/names.js';
import {
  decodeBoundary,
  decodeHardState,
  decodeRaftPreamble,
  decodeSnapshotName,
  encodeRaftPreamble,
  readEntryRecord,
} from '../../src/format/raft-records.js';
import { readRecord } from '../../src/format/record.js';
import {
  decodeSealOffsets,
  decodeSealRuns,
  decodeSealTrailer,
  encodeSeal,
  SEAL_TRAILER_BYTES,
} from '../../src/format/seal.js';
import { decodeSegmentHeader, encodeSegmentHeader } from '../../src/format/segment-header.js';
import {
  decodeSnapshotFooter,
  decodeSnapshotHeader,
  decodeSnapshotHeaderStart,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  getChunkHeader,
} from '../../src/format/snapshot-file.js';
import { decodeSuperblock, encodeSuperblock } from '../../src/format/superblock.js';
import {
  count,
  endMarks,
  placedFrames,
  identity,
  preambles,
  recordsOf,
  seals,
  segmentHeaders,
  superblocks,
  u32,
} from './arbitraries.js';

/** Cases in all; each property gets its share. */
const CASES = process.env['KEELSON_DEEP'] === '1' ? 1_000_000 : 9_000;
const SALT = 0x1234_5678;

/** One kind of bytes: what is valid, how its checksum is made valid again, and who reads it. */
interface Subject {
  readonly valid: fc.Arbitrary<Uint8Array>;
  readonly seal: (bytes: Uint8Array) => void;
  readonly decode: (bytes: Uint8Array) => unknown;
}

/** Puts at `at` the checksum of these ranges, one behind the other. */
function sealing(
  at: number,
  ranges: readonly (readonly [number] | readonly [number, number | undefined])[],
  seed = 0,
): Subject['seal'] {
  return (bytes) => {
    let sum = seed;
    for (const [from, until] of ranges) sum = checksum(bytes.subarray(from, until), sum);
    if (bytes.length >= at + 4) viewOf(bytes).setUint32(at, sum, true);
  };
}

const unsealed = (): void => undefined;

const frames = placedFrames.map(([fields, place]) => {
  const headerBytes = frameHeaderBytes(fields);
  const recordCount = fields.until - fields.from + 1;
  const payload = recordsOf(recordCount, new Uint8Array(9));
  const bytes = new Uint8Array(headerBytes + payload.length);
  bytes.set(payload, headerBytes);
  const size = { headerBytes, payloadBytes: payload.length, recordCount };
  putFrameHeader(bytes, viewOf(bytes), 0, SALT, fields, place, size);
  return bytes;
});

const snapshotHeaders = fc
  .record({ lineage: identity, identity, index: count, term: count, conf: fc.uint8Array({ maxLength: 40 }) })
  .map(encodeSnapshotHeader);

const footers = fc
  .record({ chunkCount: count, dataBytes: count, chain: u32, headerChecksum: u32 })
  .map(encodeSnapshotFooter);

const SUBJECTS: Readonly<Record<string, Subject>> = {
  'superblock slot': {
    valid: superblocks.map(encodeSuperblock),
    seal: sealing(12, [[0, 12], [16]]),
    decode: decodeSuperblock,
  },
  'segment header': {
    valid: segmentHeaders.map(encodeSegmentHeader),
    seal: sealing(12, [[0, 12], [16]]),
    decode: decodeSegmentHeader,
  },
  'end mark': { valid: endMarks.map(encodeEndMark), seal: sealing(4, [[0, 4], [8]]), decode: decodeEndMark },
  'frame header': {
    valid: frames,
    seal: (bytes) => {
      sealing(
        4,
        [
          [0, 4],
          [8, bytes[3]],
        ],
        SALT,
      )(bytes);
    },
    decode: (bytes) => readFrameHeader(bytes, 0, SALT),
  },
  'seal trailer': {
    valid: seals.map((seal) => encodeSeal(seal, SALT).slice(-SEAL_TRAILER_BYTES)),
    seal: sealing(4, [[0, 4], [8]], SALT),
    decode: (bytes) => {
      const trailer = decodeSealTrailer(bytes, SALT);
      if (trailer === null) return null;
      return [trailer, decodeSealRuns(bytes, trailer, SALT), decodeSealOffsets(bytes, trailer, SALT)];
    },
  },
  'raft preamble': { valid: preambles.map(encodeRaftPreamble), seal: unsealed, decode: decodeRaftPreamble },
  'raft records': {
    valid: preambles.map(encodeRaftPreamble),
    seal: unsealed,
    decode: (bytes) => {
      const record = readRecord(bytes, 0);
      const entry = record === null ? null : readEntryRecord({ ...record, kind: 128 });
      return [decodeHardState(bytes), decodeSnapshotName(bytes), decodeBoundary(bytes), entry];
    },
  },
  'snapshot header': {
    valid: snapshotHeaders,
    seal: (bytes) => {
      sealing(12, [[0, 12]])(bytes);
      sealing(bytes.length - 4, [[16, bytes.length - 4]])(bytes);
    },
    decode: (bytes) => {
      const start = decodeSnapshotHeaderStart(bytes);
      return [start, start.kind === 'valid' ? decodeSnapshotHeader(bytes) : null];
    },
  },
  'snapshot footer': { valid: footers, seal: sealing(24, [[0, 24]]), decode: decodeSnapshotFooter },
  'chunk header': {
    valid: fc.uint8Array({ minLength: 8, maxLength: 8 }),
    seal: unsealed,
    decode: getChunkHeader,
  },
};

/** Bytes overwritten somewhere: the values that lengths and counters are afraid of, and any others. */
const overwritten = fc.record({
  at: fc.nat(4200),
  bytes: fc.oneof(
    fc
      .constantFrom(0x00, 0xff, 0x7f, 0x80)
      .chain((byte) => fc.integer({ min: 1, max: 8 }).map((length) => new Uint8Array(length).fill(byte))),
    fc.uint8Array({ minLength: 1, maxLength: 16 }),
  ),
});

function changed(
  bytes: Uint8Array,
  changes: readonly { at: number; bytes: Uint8Array }[],
  length: number,
): Uint8Array {
  const copy = bytes.slice();
  // Most fields stand at the beginning; the modulus takes a hit far behind to where they are.
  for (const change of changes) {
    const at = change.at % Math.min(copy.length, 160);
    copy.set(change.bytes.subarray(0, copy.length - at), at);
  }
  return copy.subarray(0, Math.max(0, copy.length - length));
}

/** All numbers are counts, and all memory that was taken is no more than what was given. */
function expectBounded(value: unknown, givenBytes: number): void {
  let takenBytes = 0;
  const visit = (part: unknown, name: string): void => {
    if (typeof part === 'number') {
      const isCount = Number.isSafeInteger(part) && part >= 0;
      if (!isCount && !(name === 'unfitUntil' && part === Infinity)) throw new Error(`${name} is ${part}`);
    } else if (ArrayBuffer.isView(part)) takenBytes += part.byteLength;
    else if (typeof part === 'object' && part !== null)
      for (const [key, inner] of Object.entries(part)) visit(inner, key);
  };
  visit(value, 'value');
  if (takenBytes > givenBytes) throw new Error(`${takenBytes} bytes taken for ${givenBytes} given`);
}

describe.each(Object.keys(SUBJECTS))('%s', (name) => {
  const { valid, seal, decode } = SUBJECTS[name] as Subject;
  const numRuns = Math.ceil(CASES / Object.keys(SUBJECTS).length / 3);
  const check = (bytes: Uint8Array): void => {
    expectBounded(decode(bytes), bytes.length);
  };

  test('noise of any length', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), check), { numRuns });
  });

  test('changed at will, and cut anywhere', () => {
    const cases = fc.tuple(valid, fc.array(overwritten, { maxLength: 3 }), fc.nat(80));
    fc.assert(
      fc.property(cases, ([bytes, changes, cut]) => {
        check(changed(bytes, changes, cut));
      }),
      { numRuns },
    );
  });

  test('changed at will under a checksum that holds', () => {
    const cases = fc.tuple(valid, fc.array(overwritten, { minLength: 1, maxLength: 3 }), fc.nat(2));
    fc.assert(
      fc.property(cases, ([bytes, changes, cut]) => {
        const hostile = changed(bytes, changes, cut === 0 ? 1 : 0);
        seal(hostile);
        check(hostile);
      }),
      { numRuns },
    );
  });
});

test('names of files', () => {
  const digit = fc.nat(9).map(String);
  const digits = fc.array(digit, { maxLength: 20 }).map((all) => all.join(''));
  const name = fc.oneof(
    fc.string(),
    fc.tuple(digits, fc.constantFrom('.wal', '.spare', '.wal.aside')).map((of) => of.join('')),
  );
  fc.assert(
    fc.property(name, (text) => {
      expect(['segment', 'aside', 'spare', 'lock', 'foreign']).toContain(parseWalFileName(text).kind);
    }),
    { numRuns: CASES / 20 },
  );
});
