/**
 * A snapshot's file is read years after it was written, by code that trusts only these decoders: a wrong one
 * serves wrong state. They are tried on every flipped bit, on numbers at and beyond their limits, and on noise.
 */
import { checksum, foldChecksum } from '../../src/format/checksum.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../../src/format/limits.js';
import {
  chunkChecksum,
  decodeSnapshotFooter,
  decodeSnapshotHeader,
  decodeSnapshotHeaderStart,
  encodeSnapshotFooter,
  encodeSnapshotHeader,
  fileChecksumOf,
  getChunkHeader,
  headerChecksumOf,
  putChunkHeader,
  SNAPSHOT_FOOTER_BYTES,
  SNAPSHOT_HEADER_START_BYTES,
  snapshotFileBytes,
} from '../../src/format/snapshot-file.js';

import { sameBytes } from '../../src/format/identity.js';

const u64 = fc.oneof(fc.maxSafeNat(), fc.nat(5), fc.constantFrom(2 ** 32, 2 ** 32 - 1, 2 ** 53 - 1));
const u32 = fc.nat(0xffff_ffff);
const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });
const headers = fc.record({
  lineage: sixteen,
  identity: sixteen,
  index: u64,
  term: u64,
  conf: fc.uint8Array({ maxLength: 500 }),
});
const footers = fc.record({ chunkCount: u64, dataBytes: u64, chain: u32, headerChecksum: u32 });

function startOf(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, SNAPSHOT_HEADER_START_BYTES);
}

describe('header', () => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(headers, (header) => {
        const bytes = encodeSnapshotHeader(header);
        expect(decodeSnapshotHeaderStart(startOf(bytes))).toEqual({
          kind: 'valid',
          confBytes: header.conf.length,
        });
        expect(decodeSnapshotHeader(bytes)).toEqual({
          kind: 'valid',
          header,
          checksum: headerChecksumOf(bytes),
        });
      }),
    );
  });

  test('has the bytes that the ruler says', () => {
    const header = encodeSnapshotHeader({
      lineage: new Uint8Array(16).fill(0x11),
      identity: new Uint8Array(16).fill(0x22),
      index: 0x0102_0304,
      term: 2 ** 32,
      conf: Uint8Array.of(0xaa),
    });
    expect(Buffer.from(header).toString('latin1', 0, 8)).toBe('KEELSONP');
    expect(Buffer.from(header.subarray(8, 12)).toString('hex')).toBe('01000000');
    expect(Buffer.from(header.subarray(16, 69)).toString('hex')).toBe(
      '11'.repeat(16) + '22'.repeat(16) + '0403020100000000' + '0000000001000000' + '01000000' + 'aa',
    );
    expect(header.length).toBe(73);
  });

  test('every flipped bit is seen, by the start, the whole, or whoever knows the lineage', () => {
    const good = encodeSnapshotHeader({
      lineage: new Uint8Array(16).fill(7),
      identity: new Uint8Array(16).fill(9),
      index: 5,
      term: 3,
      conf: Uint8Array.of(1, 2, 3),
    });
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const bad = good.slice();
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      const start = decodeSnapshotHeaderStart(startOf(bad));
      const whole = decodeSnapshotHeader(bad);
      const isSeen =
        start.kind === 'damaged' ||
        whole.kind === 'damaged' ||
        !sameBytes(whole.header.lineage, new Uint8Array(16).fill(7));
      expect(isSeen, `bit ${String(bit)}`).toBe(true);
    }
  });

  test('another store takes the file over under its checksum', () => {
    const [mine, theirs] = [1, 2].map((byte) =>
      encodeSnapshotHeader({
        lineage: new Uint8Array(16).fill(byte),
        identity: new Uint8Array(16).fill(9),
        index: 5,
        term: 3,
        conf: Uint8Array.of(1, 2, 3),
      }),
    ) as [Uint8Array, Uint8Array];
    mine.set(theirs.subarray(16, 32), 16);
    expect(mine).toEqual(theirs);
  });

  test('a newer version is believed only under its own checksum', () => {
    const bytes = encodeSnapshotHeader({
      lineage: new Uint8Array(16),
      identity: new Uint8Array(16),
      index: 1,
      term: 1,
      conf: new Uint8Array(0),
    });
    const view = new DataView(bytes.buffer);
    view.setUint32(8, 2, true);
    expect(decodeSnapshotHeaderStart(startOf(bytes))).toMatchObject({ kind: 'damaged', offset: 12 });
    view.setUint32(12, checksum(bytes.subarray(0, 12)), true);
    // All behind the version may be laid out otherwise in that version, so none of it is looked at.
    bytes.fill(0xff, 16);
    expect(decodeSnapshotHeaderStart(startOf(bytes))).toEqual({ kind: 'other-version', version: 2 });
  });

  test('a length of the conf beyond its limit is refused by the start alone', () => {
    const conf = new Uint8Array(LIMITS.confBytesMax);
    const header = { lineage: new Uint8Array(16), identity: new Uint8Array(16), index: 1, term: 1, conf };
    const bytes = encodeSnapshotHeader(header);
    expect(decodeSnapshotHeaderStart(startOf(bytes))).toEqual({
      kind: 'valid',
      confBytes: LIMITS.confBytesMax,
    });
    new DataView(bytes.buffer).setUint32(64, LIMITS.confBytesMax + 1, true);
    expect(decodeSnapshotHeaderStart(startOf(bytes))).toMatchObject({ kind: 'damaged', offset: 64 });
  });

  test.each([
    { field: 'index', offset: 48 },
    { field: 'term', offset: 56 },
  ])('an $field of 2^53 is refused, though its checksum holds', ({ offset }) => {
    const bytes = encodeSnapshotHeader({
      lineage: new Uint8Array(16),
      identity: new Uint8Array(16),
      index: 1,
      term: 1,
      conf: new Uint8Array(0),
    });
    const view = new DataView(bytes.buffer);
    view.setUint32(offset, 0, true);
    view.setUint32(offset + 4, 0x20_0000, true);
    view.setUint32(bytes.length - 4, checksum(bytes.subarray(32, bytes.length - 4)), true);
    expect(decodeSnapshotHeader(bytes)).toMatchObject({ kind: 'damaged', offset });
  });
});

describe('footer', () => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(footers, (footer) => {
        const bytes = encodeSnapshotFooter(footer);
        expect(bytes.length).toBe(SNAPSHOT_FOOTER_BYTES);
        expect(decodeSnapshotFooter(bytes)).toEqual({
          kind: 'valid',
          footer,
          checksum: fileChecksumOf(bytes),
        });
      }),
    );
  });

  test('every flipped bit is seen, and zeros are no footer', () => {
    const good = encodeSnapshotFooter({
      chunkCount: 3,
      dataBytes: 70,
      chain: 0x1234_5678,
      headerChecksum: 9,
    });
    for (let bit = 0; bit < good.length * 8; bit += 1) {
      const bad = good.slice();
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(decodeSnapshotFooter(bad).kind, `bit ${String(bit)}`).toBe('damaged');
    }
    expect(decodeSnapshotFooter(new Uint8Array(SNAPSHOT_FOOTER_BYTES)).kind).toBe('damaged');
  });

  test.each([0, 8])('a number of 2^53 at byte %i is refused, though the checksum holds', (offset) => {
    const bytes = encodeSnapshotFooter({ chunkCount: 1, dataBytes: 1, chain: 0, headerChecksum: 0 });
    const view = new DataView(bytes.buffer);
    view.setUint32(offset + 4, 0x20_0000, true);
    view.setUint32(24, checksum(bytes.subarray(0, 24)), true);
    expect(decodeSnapshotFooter(bytes)).toMatchObject({ kind: 'damaged', offset });
  });

  test('foretells the size of the file', () => {
    const footer = { chunkCount: 2, dataBytes: 30, chain: 0, headerChecksum: 0 };
    expect(snapshotFileBytes(5, footer)).toBe(72 + 5 + 2 * 8 + 30 + 28);
  });
});

describe('chunks', () => {
  test('a chunk header comes back as it was written', () => {
    fc.assert(
      fc.property(u32, u32, (length, sum) => {
        const bytes = new Uint8Array(8);
        putChunkHeader(bytes, length, sum);
        expect(getChunkHeader(bytes)).toEqual({ length, checksum: sum });
      }),
    );
  });

  test('the checksum tells apart identity, number, length and data', () => {
    const identity = new Uint8Array(16).fill(1);
    const data = new Uint8Array(20).fill(5);
    const variants = [
      chunkChecksum(identity, 0, data),
      chunkChecksum(identity, 1, data),
      chunkChecksum(identity, 2 ** 32, data),
      chunkChecksum(new Uint8Array(16).fill(2), 0, data),
      chunkChecksum(identity, 0, data.subarray(1)),
      chunkChecksum(identity, 0, new Uint8Array(20).fill(6)),
    ];
    expect(new Set(variants).size).toBe(variants.length);
  });

  test('the chain tells the order and the number of chunks', () => {
    const chain = (...sums: number[]): number => sums.reduce(foldChecksum, 0);
    expect(new Set([chain(), chain(0), chain(0, 0), chain(1, 2), chain(2, 1)]).size).toBe(5);
  });

  describe('where a CRC over CRCs would cancel, the file checksum still tells', () => {
    const lineage = new Uint8Array(16);
    const fileChecksum = (identity: Uint8Array, conf: Uint8Array<ArrayBuffer>, data: Uint8Array): number => {
      const header = encodeSnapshotHeader({ lineage, identity, index: 1, term: 1, conf });
      const footer = {
        chunkCount: 1,
        dataBytes: data.length,
        chain: foldChecksum(0, chunkChecksum(identity, 0, data)),
        headerChecksum: headerChecksumOf(header),
      };
      return fileChecksumOf(encodeSnapshotFooter(footer));
    };
    const identity = new Uint8Array(16).fill(3);

    test('two identities, though the only chunk is as long as the conf', () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), sixteen, (content, other) => {
          fc.pre(Buffer.compare(other, identity) !== 0);
          expect(fileChecksum(other, content, content)).not.toBe(fileChecksum(identity, content, content));
        }),
      );
    });

    test('one change made alike in the data and, eight bytes before its end, in the conf', () => {
      fc.assert(
        fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.nat(), (content, at) => {
          const other = content.slice();
          other[at % other.length] = (other[at % other.length] as number) ^ 0x5a;
          const of = (data: Uint8Array): number => {
            const conf = new Uint8Array(data.length + 8);
            conf.set(data);
            return fileChecksum(identity, conf, data);
          };
          expect(of(other)).not.toBe(of(content));
        }),
      );
    });
  });
});

test('noise is never taken for a header or a footer, and never throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 72, maxLength: 300 }), (noise) => {
      expect(decodeSnapshotHeaderStart(startOf(noise)).kind).toBe('damaged');
      expect(decodeSnapshotHeader(noise).kind).toBe('damaged');
      expect(decodeSnapshotFooter(noise.subarray(0, SNAPSHOT_FOOTER_BYTES)).kind).toBe('damaged');
    }),
  );
});
