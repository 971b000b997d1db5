import { FOLDING_MODULE } from './generated/folding-module.js';

/** Bytes summed by one call; they are copied into the instance, and fit into a cache that is near. */
const PIECE_BYTES = 64 * 1024;
/** Where folding.wat, which tells how it works, has its tables and its bytes. */
const TABLE_BYTES = 4 * 256 * 4;
const BYTES_FROM = 8192;

// As much of it as is used here. Not there under `node --jitless`.
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => {
    readonly exports: {
      readonly memory: { readonly buffer: ArrayBuffer };
      readonly sum: (bytes: number, seed: number) => number;
    };
  };
};

type Checksum = (bytes: Uint8Array, seed: number) => number;

/**
 * A CRC-32 for large stretches that takes less than half of zlib's time, the copy into its own memory included. Null where
 * WebAssembly is not allowed, where the processor lacks its vectors, or where there is no room for the addresses of its memory;
 * and where `sum` is not what it finds, since a host may put what it likes in WebAssembly's place.
 *
 * @param byteTable what one byte makes
 * @param bytes a large stretch, behind others whose sum is `seed`
 */
export function folding(
  byteTable: Int32Array,
  bytes: Uint8Array,
  seed: number,
  sum: number,
): Checksum | null {
  try {
    const made = madeFolding(byteTable);
    return made(bytes, seed) === sum ? made : null;
  } catch {
    return null;
  }
}

function madeFolding(byteTable: Int32Array): Checksum {
  const module = new WebAssembly.Module(Buffer.from(FOLDING_MODULE, 'base64'));
  const { memory, sum } = new WebAssembly.Instance(module).exports;
  const tables = new DataView(memory.buffer, 0, TABLE_BYTES);
  for (const [byte, word] of byteTable.entries()) {
    let after = word;
    for (let at = 4 * byte; at < TABLE_BYTES; at += 4 * byteTable.length) {
      tables.setInt32(at, after, true);
      after = (after >>> 8) ^ (byteTable[after & 0xff] as number);
    }
  }
  // One memory for all calls: the function is synchronous, so no two calls ever share it.
  const piece = new Uint8Array(memory.buffer, BYTES_FROM, PIECE_BYTES);
  return (bytes, seed) => {
    let found = seed;
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const next = bytes.subarray(at, at + PIECE_BYTES);
      piece.set(next);
      found = sum(next.length, found);
    }
    return found >>> 0;
  };
}
