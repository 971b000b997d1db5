import { readFile } from 'node:fs/promises';
import { readFailed } from '../../disk/disk-failure.js';
import { foreignDamage, noForeignLog } from './foreign.js';

/** Keys and values of one bucket, in order of their keys. */
export type BoltPairs = Generator<readonly [Buffer, Buffer], void, undefined>;

/** A file of bbolt, only read: pages of a B+tree, of which one of two meta pages says where it begins. */
export interface BoltFile {
  /** Of the bucket in the root that has this name; none if there is none. */
  pairsOf(bucket: string): BoltPairs;
}

const MAGIC = 0xed0c_daed;
const VERSION = 2;
const PAGE_HEADER_BYTES = 16;
const META_BYTES = 64;
const ELEMENT_BYTES = 16;
const FLAG = { branch: 1, leaf: 2 } as const;
const LEAF_IS_BUCKET = 1;
/** Deeper than any tree of pages that a file could hold. */
const DEPTH_MAX = 64;

/** Reads a file whole: a log in it is as large as its host let it grow between two snapshots. */
export async function readBolt(path: string): Promise<BoltFile> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw readFailed('what is imported', { path }, error);
  }
  const { pageBytes, root } = metaOf(path, bytes);
  const page = (id: bigint): Buffer => {
    const from = Number(id) * pageBytes;
    if (from + PAGE_HEADER_BYTES > bytes.length)
      throw foreignDamage(path, from, 'a page of the tree is behind its end');
    const overflow = bytes.readUInt32LE(from + 12);
    return bytes.subarray(from, from + (1 + overflow) * pageBytes);
  };
  const walk = function* (node: Buffer, depth = 0): Generator<Leaf, void, undefined> {
    const flags = node.readUInt16LE(8);
    const count = node.readUInt16LE(10);
    const isFitting = (flags & (FLAG.branch | FLAG.leaf)) !== 0 && depth < DEPTH_MAX;
    if (!isFitting || PAGE_HEADER_BYTES + count * ELEMENT_BYTES > node.length)
      throw foreignDamage(path, node.byteOffset - bytes.byteOffset, 'a page of the tree is none');
    for (let at = 0; at < count; at += 1) {
      const element = PAGE_HEADER_BYTES + at * ELEMENT_BYTES;
      if ((flags & FLAG.branch) !== 0) yield* walk(page(node.readBigUInt64LE(element + 8)), depth + 1);
      else yield leafOf(node, element);
    }
  };
  return {
    pairsOf: function* (bucket) {
      const found = [...walk(page(root))].find(({ isBucket, key }) => isBucket && key.toString() === bucket);
      if (found === undefined) return;
      const inner = found.value.readBigUInt64LE(0);
      // A small bucket stands in the value itself.
      const node = inner === 0n ? found.value.subarray(16) : page(inner);
      for (const { key, value } of walk(node)) yield [key, value];
    },
  };
}

interface Leaf {
  readonly isBucket: boolean;
  readonly key: Buffer;
  readonly value: Buffer;
}

function leafOf(node: Buffer, element: number): Leaf {
  const keyFrom = element + node.readUInt32LE(element + 4);
  const valueFrom = keyFrom + node.readUInt32LE(element + 8);
  const until = valueFrom + node.readUInt32LE(element + 12);
  const isBucket = (node.readUInt32LE(element) & LEAF_IS_BUCKET) !== 0;
  return { isBucket, key: node.subarray(keyFrom, valueFrom), value: node.subarray(valueFrom, until) };
}

/** The newer of the meta pages that are whole. */
function metaOf(path: string, bytes: Buffer): { readonly pageBytes: number; readonly root: bigint } {
  let newest: { readonly pageBytes: number; readonly root: bigint; readonly transaction: bigint } | null =
    null;
  const told = bytes.length >= PAGE_HEADER_BYTES + META_BYTES ? bytes.readUInt32LE(PAGE_HEADER_BYTES + 8) : 0;
  for (const at of [0, told]) {
    const meta = bytes.subarray(at + PAGE_HEADER_BYTES, at + PAGE_HEADER_BYTES + META_BYTES);
    if (meta.length < META_BYTES || meta.readUInt32LE(0) !== MAGIC || meta.readUInt32LE(4) !== VERSION)
      continue;
    if (meta.readBigUInt64LE(56) !== fnv64a(meta.subarray(0, 56))) continue;
    const transaction = meta.readBigUInt64LE(48);
    if (newest === null || transaction > newest.transaction)
      newest = { pageBytes: meta.readUInt32LE(8), root: meta.readBigUInt64LE(16), transaction };
  }
  if (newest === null) throw noForeignLog(path, 'it is no file of bbolt, or both its meta pages are damaged');
  return newest;
}

function fnv64a(bytes: Uint8Array): bigint {
  let hash = 0xcbf2_9ce4_8422_2325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100_0000_01b3n);
  return hash;
}
