// Reads and scans sum entries many at a time: what is damaged must show as surely as by each entry's own checksum. Entries of
// drawn sizes stand between drawn bytes, each bit of a few is flipped, and two entries change places.
import { describe, expect, it } from 'vitest';
import { entryChecksum } from '../../src/format/entry-checksum.js';
import { EntrySums } from '../../src/format/entry-sums.js';
import { viewOf } from '../../src/format/integers.js';
import { putRecordHeader, RECORD_HEADER_BYTES } from '../../src/format/record.js';
import { Random } from '../../sim/world/random.js';

interface Placed {
  readonly at: number;
  readonly dataFrom: number;
  readonly until: number;
  readonly index: number;
  readonly term: number;
}

const KIND = 7;

function build(sizes: readonly number[], random: Random): { bytes: Uint8Array; placed: Placed[] } {
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size + 100, 0));
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = random.below(256);
  const view = viewOf(bytes);
  const placed: Placed[] = [];
  let at = 0;
  sizes.forEach((size, position) => {
    at += random.below(3) === 0 ? random.below(80) : 0;
    const dataFrom = at + RECORD_HEADER_BYTES + 2;
    const until = dataFrom + size;
    const [index, term] = [2 ** 40 + 250 + position, 3 + Math.floor(position / 5)];
    const data = bytes.subarray(dataFrom, until);
    putRecordHeader(view, at, 200, entryChecksum(index, term, KIND, data), size + 2);
    placed.push({ at, dataFrom, until, index, term });
    at = until;
  });
  return { bytes, placed };
}

function fit(bytes: Uint8Array, placed: readonly Placed[]): boolean {
  const sums = new EntrySums(bytes, viewOf(bytes), placed[0]?.at ?? 0);
  for (const { at, dataFrom, until, index, term } of placed) sums.add(at, dataFrom, until, index, term, KIND);
  return sums.fit();
}

describe('sums of many entries', () => {
  it('hold for entries of any size', () => {
    const random = new Random(1);
    for (let round = 0; round < 50; round += 1) {
      const sizes = Array.from({ length: 1 + random.below(40) }, () =>
        random.below(random.below(2) * 9000 + 300),
      );
      const { bytes, placed } = build(sizes, random);
      expect(fit(bytes, placed)).toBe(true);
    }
    const { bytes, placed } = build([0, 0, 4095, 4096, 4097, 0, 1, 2 ** 20], random);
    expect(fit(bytes, placed)).toBe(true);
  });

  it('show every flipped bit of an entry, of its data and of its checksum', () => {
    const { bytes, placed } = build([0, 40, 257, 4096, 3], new Random(2));
    for (const { at, dataFrom, until } of placed) {
      for (let byte = at + 5; byte < Math.min(until, dataFrom + 300); byte += 1) {
        if (byte >= at + RECORD_HEADER_BYTES && byte < dataFrom) continue;
        for (let bit = 0; bit < 8; bit += 1) {
          bytes[byte] = (bytes[byte] as number) ^ (1 << bit);
          expect(fit(bytes, placed), `bit ${bit} of byte ${byte}`).toBe(false);
          bytes[byte] = (bytes[byte] as number) ^ (1 << bit);
        }
      }
    }
    expect(fit(bytes, placed)).toBe(true);
  });

  it('show two entries that changed places, and one of another index, term or length', () => {
    const { bytes, placed } = build([64, 64, 64, 64], new Random(3));
    const [first, , third] = placed as [Placed, Placed, Placed, Placed];
    const swapped = bytes.slice();
    swapped.set(bytes.subarray(first.at, first.until), third.at);
    swapped.set(bytes.subarray(third.at, third.until), first.at);
    expect(fit(swapped, placed)).toBe(false);
    const other = (change: Partial<Placed>): Placed[] =>
      placed.map((one) => (one === third ? { ...third, ...change } : one));
    expect(fit(bytes, other({ index: third.index + 1 }))).toBe(false);
    expect(fit(bytes, other({ term: third.term + 1 }))).toBe(false);
    expect(fit(bytes, other({ until: third.until + 20 }))).toBe(false);
  });
});
