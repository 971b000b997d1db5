/**
 * An entry's checksum is what proves it alone, on every machine, for as long as the format lasts. So the fast way in
 * which it is computed is held against the slow one: all bytes in one piece, through zlib.
 */
import fc from 'fast-check';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { entryChecksum } from '../../src/format/entry-checksum.js';

function inOnePiece(index: number, term: number, kind: number, data: Uint8Array): number {
  const scalars = Buffer.alloc(17);
  scalars.writeBigUInt64LE(BigInt(index), 0);
  scalars.writeBigUInt64LE(BigInt(term), 8);
  scalars.writeUInt8(kind, 16);
  return crc32(Buffer.concat([scalars, data]));
}

const number = fc.oneof(fc.maxSafeNat(), fc.integer({ min: 0, max: 2000 }));
const entry = fc.record({
  index: number,
  term: number,
  kind: fc.integer({ min: 0, max: 255 }),
  data: fc.uint8Array({ maxLength: 600 }),
});

test('equals the checksum of all its bytes in one piece, whatever was computed before', () => {
  fc.assert(
    fc.property(fc.array(entry, { minLength: 1, maxLength: 20 }), (entries) => {
      for (const { index, term, kind, data } of entries)
        expect(entryChecksum(index, term, kind, data)).toBe(inOnePiece(index, term, kind, data));
    }),
  );
});

test('does so along a run of neighbours, over the borders of bytes and words', () => {
  const data = Uint8Array.of(1, 2, 3);
  for (const start of [0, 250, 2 ** 16 - 3, 2 ** 32 - 3, 2 ** 53 - 1 - 600])
    for (let index = start; index < start + 600; index += 1)
      expect(entryChecksum(index, 7, 0, data)).toBe(inOnePiece(index, 7, 0, data));
});
