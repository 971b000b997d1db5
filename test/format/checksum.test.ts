/**
 * Every byte on the disk is believed by its CRC-32, which three ways compute, each for stretches of its size, one of them in
 * WebAssembly of our own. All are held against zlib, at every length near their borders, and where WebAssembly is not allowed.
 */
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeAll, expect, test, vi } from 'vitest';
import { checksum } from '../../src/format/checksum.js';
import { folding } from '../../src/format/folding.js';
import { scratchDirectory } from '../disk/scratch-directory.js';

const root = resolve(import.meta.dirname, '../..');
const KIB = 1024;

/** Bytes without a rhythm, the same each time. */
const noise = new Uint8Array(200 * KIB);
for (let at = 0, word = 1; at < noise.length; at += 1) {
  word = (Math.imul(word, 0x0019_660d) + 0x3c6e_f35f) >>> 0;
  noise[at] = word >>> 24;
}

const length = fc.oneof(
  fc.integer({ min: 0, max: 2 * KIB }),
  fc.integer({ min: 8 * KIB - 20, max: 8 * KIB + 40 }),
  fc.integer({ min: 64 * KIB - 20, max: 65 * KIB }),
  fc.integer({ min: 0, max: 180 * KIB }),
);

/** After so many in a process the module sums large stretches; until then zlib does. */
const zlibFirst = new Uint8Array(16 * KIB * KIB);

beforeAll(() => {
  expect(checksum(zlibFirst)).toBe(crc32(zlibFirst));
});

afterEach(() => {
  vi.unstubAllGlobals();
});

test('equals that of zlib, of any length, at any place, behind any other', () => {
  fc.assert(
    fc.property(length, fc.nat(64), fc.integer({ min: 0, max: 2 ** 32 - 1 }), (bytes, from, seed) => {
      const part = noise.subarray(from, from + bytes);
      expect(checksum(part, seed)).toBe(crc32(part, seed));
    }),
  );
});

test('sums each length of what is left behind the last sixteen, in pieces too', () => {
  for (const start of [8 * KIB, 64 * KIB + 1, 64 * KIB + 500])
    for (let bytes = start; bytes < start + 40; bytes += 1)
      expect(checksum(noise.subarray(3, 3 + bytes))).toBe(crc32(noise.subarray(3, 3 + bytes)));
});

test('finds each bit of a large stretch', () => {
  const bytes = noise.slice(0, 9 * KIB);
  const sound = checksum(bytes);
  for (let at = 0; at < bytes.length; at += 7) {
    bytes[at] = (bytes[at] as number) ^ (1 << (at & 7));
    expect(checksum(bytes)).not.toBe(sound);
    bytes[at] = (bytes[at] as number) ^ (1 << (at & 7));
  }
  expect(checksum(bytes)).toBe(sound);
});

function refused(): never {
  throw new Error('not allowed');
}

/** What a host may put in its place. */
function instanceOf(exports: object): object {
  function Instance(): object {
    return { exports };
  }
  return { Module: Object, Instance };
}

const byteTable = Int32Array.from({ length: 256 }, (_, byte) => ~crc32(Uint8Array.of(byte), 0xffff_ffff));
const stretch = noise.subarray(0, 9 * KIB);
const memory = { buffer: new ArrayBuffer(128 * KIB) };

test.for([
  ['is not there', undefined],
  ['refuses the module', { Module: refused, Instance: refused }],
  ['makes an instance without exports', instanceOf({})],
  ['has a memory that is too small', instanceOf({ memory: { buffer: new ArrayBuffer(16) }, sum: () => 0 })],
  ['refuses the call', instanceOf({ memory, sum: refused })],
  ['finds another sum', instanceOf({ memory, sum: () => 7 })],
] as const)('zlib goes on summing where WebAssembly %s', ([, found]) => {
  expect(folding(byteTable, stretch, 7, crc32(stretch, 7))).not.toBeNull();
  vi.stubGlobal('WebAssembly', found);
  expect(folding(byteTable, stretch, 7, crc32(stretch, 7))).toBeNull();
});

test('the module is what its source says', () => {
  const made = join(scratchDirectory(), 'folding-module.ts');
  execFileSync(process.execPath, ['folding-module.mjs', made], { cwd: root });
  const kept = join(root, 'src/format/generated/folding-module.ts');
  expect(readFileSync(kept, 'utf8')).toBe(readFileSync(made, 'utf8'));
});
