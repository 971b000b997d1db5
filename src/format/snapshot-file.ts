import { checksum } from './checksum.js';
import { IDENTITY_BYTES, identityText } from './identity.js';
import { getU64, isCount, putU64, viewOf } from './integers.js';
import { LIMITS } from './limits.js';

/**
 * A snapshot's file: header, chunks, footer. Numbers are little-endian; a u64 above 2^53-1 is refused.
 *
 *     header   0       8        12       16         32         48      56      64        68      68+c
 *              | magic | version| version| lineage  | identity | index | term  | conf    | conf  | header   |
 *              | 8     | u32    | sum u32| 16       | 16       | u64   | u64   | len u32 | c     | sum u32  |
 *
 *     chunk    0        4          8
 *              | length | checksum | data             as many as it takes, each 1..262,144 bytes of data
 *              | u32    | u32      | length bytes
 *
 *     footer   0        8       16      20         24
 *              | chunks | data  | chain | header   | footer   |      the last 28 bytes of the file
 *              | u64    | bytes | u32   | sum u32  | sum u32  |
 *
 * - magic: 'KEELSONP'. Tells a snapshot from any other file that a person may have put here.
 * - version: of this layout. version sum: CRC-32 of bytes 0..11, alone, so that a version is believed (or
 *   refused as newer) without knowing what else that version keeps where.
 * - lineage: a file of another lineage is not this store's state. No sum covers it: it is held against the superblock's, byte
 *   for byte, and another store may take the file over by writing its own.
 * - identity: 16 random bytes, new for each file. It salts every chunk's checksum, so that what a reused
 *   block held before, a chunk of another snapshot, is never taken for this one's.
 * - index, term: what the snapshot stands for; the name says the same, but names can be changed.
 * - conf length, conf: the caller's bytes, at most 65,536 (D9).
 * - header sum: CRC-32 of bytes 32..68+c-1.
 * - chunk checksum: CRC-32 of identity, chunk number (u64, from 0), length (u32) and data: a chunk at another
 *   place, or with another length, is damage.
 * - chunks, data bytes: how many, and how much data they hold. With the conf's length they give the size of
 *   the file, which must be that, to the byte: a file cut or grown is known before any chunk is read.
 * - chain: all chunk checksums, folded in order by {@link foldChecksum}; whole chunks that a reader never
 *   reaches are vouched for.
 * - header sum, again: so that the footer alone speaks for the whole file.
 * - footer sum: CRC-32 of the 24 bytes before it. **It is the file's checksum**: the log's record names a
 *   snapshot by index, term and this number, so an orphan of the same name is never taken for it.
 */
export const SNAPSHOT_FORMAT_VERSION = 1;

/** Bytes of the header in front of the conf. */
export const SNAPSHOT_HEADER_START_BYTES = 68;
/** Bytes in front of a chunk's data. */
export const SNAPSHOT_CHUNK_HEADER_BYTES = 8;
export const SNAPSHOT_FOOTER_BYTES = 28;
/** An empty snapshot without conf. */
export const SNAPSHOT_FILE_BYTES_MIN: number = SNAPSHOT_HEADER_START_BYTES + 4 + SNAPSHOT_FOOTER_BYTES;

/** 'KEELSONP' */
const MAGIC = Uint8Array.of(0x4b, 0x45, 0x45, 0x4c, 0x53, 0x4f, 0x4e, 0x50);
const VERSION_SUM_AT = 12;
/** Behind the lineage: another store may take the file over under the checksum that it has. */
const SUMMED_FROM = 32;

export interface SnapshotHeader {
  readonly lineage: Uint8Array;
  /** Random, new for each file. */
  readonly identity: Uint8Array;
  readonly index: number;
  readonly term: number;
  readonly conf: Uint8Array<ArrayBuffer>;
}

export interface SnapshotFooter {
  readonly chunkCount: number;
  readonly dataBytes: number;
  /** All chunk checksums, see {@link foldChecksum}. */
  readonly chain: number;
  readonly headerChecksum: number;
}

/** What is wrong with bytes read from a file: where (bytes from the start of what was given), and got against expected. */
export interface SnapshotDamage {
  readonly kind: 'damaged';
  readonly offset: number;
  readonly reason: string;
  readonly found: unknown;
  readonly expected: unknown;
}

/** A version under its own valid checksum that this code does not know. */
export interface OtherSnapshotVersion {
  readonly kind: 'other-version';
  readonly version: number;
}

/** Size of the header of a snapshot with `confBytes` of conf. */
export function snapshotHeaderBytes(confBytes: number): number {
  return SNAPSHOT_HEADER_START_BYTES + confBytes + 4;
}

/** Size of the whole file, as header and footer foretell it. */
export function snapshotFileBytes(confBytes: number, footer: SnapshotFooter): number {
  return (
    snapshotHeaderBytes(confBytes) +
    footer.chunkCount * SNAPSHOT_CHUNK_HEADER_BYTES +
    footer.dataBytes +
    SNAPSHOT_FOOTER_BYTES
  );
}

/** The header as bytes; its checksum is the last u32, see {@link headerChecksumOf}. */
export function encodeSnapshotHeader(header: SnapshotHeader): Uint8Array {
  const bytes = new Uint8Array(snapshotHeaderBytes(header.conf.length));
  const view = viewOf(bytes);
  bytes.set(MAGIC, 0);
  view.setUint32(8, SNAPSHOT_FORMAT_VERSION, true);
  view.setUint32(VERSION_SUM_AT, checksum(bytes.subarray(0, VERSION_SUM_AT)), true);
  bytes.set(header.lineage, 16);
  bytes.set(header.identity, 32);
  putU64(view, 48, header.index);
  putU64(view, 56, header.term);
  view.setUint32(64, header.conf.length, true);
  bytes.set(header.conf, SNAPSHOT_HEADER_START_BYTES);
  const sumAt = bytes.length - 4;
  view.setUint32(sumAt, checksum(bytes.subarray(SUMMED_FROM, sumAt)), true);
  return bytes;
}

/** The checksum that an encoded header ends with. */
export function headerChecksumOf(encoded: Uint8Array): number {
  return viewOf(encoded).getUint32(encoded.length - 4, true);
}

/**
 * Judges the first {@link SNAPSHOT_HEADER_START_BYTES} of a file: whether it is a snapshot of this version,
 * and how long its header is. `confBytes` is not proven yet, but within its limit, so that much may be read.
 */
export function decodeSnapshotHeaderStart(
  bytes: Uint8Array,
): { readonly kind: 'valid'; readonly confBytes: number } | OtherSnapshotVersion | SnapshotDamage {
  if (bytes.length < SNAPSHOT_HEADER_START_BYTES) return tooShort(bytes, SNAPSHOT_HEADER_START_BYTES);
  const view = viewOf(bytes);
  const magic = bytes.slice(0, MAGIC.length);
  if (!MAGIC.every((byte, at) => magic[at] === byte)) {
    return damaged(0, 'magic', identityText(magic), identityText(MAGIC));
  }
  const versionSum = checksum(bytes.subarray(0, VERSION_SUM_AT));
  if (view.getUint32(VERSION_SUM_AT, true) !== versionSum) {
    return damaged(
      VERSION_SUM_AT,
      'checksum of the version',
      view.getUint32(VERSION_SUM_AT, true),
      versionSum,
    );
  }
  const version = view.getUint32(8, true);
  if (version !== SNAPSHOT_FORMAT_VERSION) return { kind: 'other-version', version };
  const confBytes = view.getUint32(64, true);
  if (confBytes > LIMITS.confBytesMax) {
    return damaged(64, 'length of the conf', confBytes, `at most ${String(LIMITS.confBytesMax)}`);
  }
  return { kind: 'valid', confBytes };
}

/**
 * Judges a whole header whose start {@link decodeSnapshotHeaderStart} found valid: its checksum, and its
 * numbers. The fields returned are copies.
 */
export function decodeSnapshotHeader(
  bytes: Uint8Array,
): { readonly kind: 'valid'; readonly header: SnapshotHeader; readonly checksum: number } | SnapshotDamage {
  if (bytes.length < snapshotHeaderBytes(0)) return tooShort(bytes, snapshotHeaderBytes(0));
  const view = viewOf(bytes);
  const sumAt = bytes.length - 4;
  const found = headerChecksumOf(bytes);
  const expected = checksum(bytes.subarray(SUMMED_FROM, sumAt));
  if (found !== expected) return damaged(sumAt, 'checksum of the header', found, expected);
  const index = getU64(view, 48);
  const term = getU64(view, 56);
  if (!isCount(index)) return damaged(48, 'index', 'above 2^53-1', 'at most 2^53-1');
  if (!isCount(term)) return damaged(56, 'term', 'above 2^53-1', 'at most 2^53-1');
  const header: SnapshotHeader = {
    lineage: bytes.slice(16, 16 + IDENTITY_BYTES),
    identity: bytes.slice(32, 32 + IDENTITY_BYTES),
    index,
    term,
    conf: bytes.slice(SNAPSHOT_HEADER_START_BYTES, sumAt),
  };
  return { kind: 'valid', header, checksum: found };
}

/** The footer as bytes; its checksum, the last u32, is the file's. */
export function encodeSnapshotFooter(footer: SnapshotFooter): Uint8Array {
  const bytes = new Uint8Array(SNAPSHOT_FOOTER_BYTES);
  const view = viewOf(bytes);
  putU64(view, 0, footer.chunkCount);
  putU64(view, 8, footer.dataBytes);
  view.setUint32(16, footer.chain, true);
  view.setUint32(20, footer.headerChecksum, true);
  view.setUint32(24, checksum(bytes.subarray(0, 24)), true);
  return bytes;
}

/** The checksum that an encoded footer ends with: the file's checksum. */
export function fileChecksumOf(encodedFooter: Uint8Array): number {
  return viewOf(encodedFooter).getUint32(24, true);
}

/** Judges the last {@link SNAPSHOT_FOOTER_BYTES} of a file; `checksum` is the file's. */
export function decodeSnapshotFooter(
  bytes: Uint8Array,
): { readonly kind: 'valid'; readonly footer: SnapshotFooter; readonly checksum: number } | SnapshotDamage {
  if (bytes.length < SNAPSHOT_FOOTER_BYTES) return tooShort(bytes, SNAPSHOT_FOOTER_BYTES);
  const view = viewOf(bytes);
  const found = fileChecksumOf(bytes);
  const expected = checksum(bytes.subarray(0, 24));
  if (found !== expected) return damaged(24, 'checksum of the footer', found, expected);
  const chunkCount = getU64(view, 0);
  const dataBytes = getU64(view, 8);
  if (!isCount(chunkCount)) return damaged(0, 'number of chunks', 'above 2^53-1', 'at most 2^53-1');
  if (!isCount(dataBytes)) return damaged(8, 'bytes of data', 'above 2^53-1', 'at most 2^53-1');
  const chain = view.getUint32(16, true);
  const headerChecksum = view.getUint32(20, true);
  return { kind: 'valid', footer: { chunkCount, dataBytes, chain, headerChecksum }, checksum: found };
}

/** Writes the header of a chunk into the first {@link SNAPSHOT_CHUNK_HEADER_BYTES} of `into`. */
export function putChunkHeader(into: Uint8Array, length: number, chunkSum: number): void {
  const view = viewOf(into);
  view.setUint32(0, length, true);
  view.setUint32(4, chunkSum, true);
}

/**
 * The header of a chunk. `length` is not proven: hold it against its limit before taking memory (D9). It is 0, which
 * no chunk's is, where the bytes are too few.
 */
export function getChunkHeader(bytes: Uint8Array): { readonly length: number; readonly checksum: number } {
  if (bytes.length < SNAPSHOT_CHUNK_HEADER_BYTES) return { length: 0, checksum: 0 };
  const view = viewOf(bytes);
  return { length: view.getUint32(0, true), checksum: view.getUint32(4, true) };
}

/** The checksum of chunk `number` (from 0) of the file with this identity. */
export function chunkChecksum(identity: Uint8Array, number: number, data: Uint8Array): number {
  const place = new Uint8Array(12);
  const view = viewOf(place);
  putU64(view, 0, number);
  view.setUint32(8, data.length, true);
  return checksum(data, checksum(place, checksum(identity)));
}

function tooShort(bytes: Uint8Array, bytesMin: number): SnapshotDamage {
  return damaged(bytes.length, 'end of the bytes', bytes.length, `at least ${String(bytesMin)}`);
}

function damaged(offset: number, reason: string, found: unknown, expected: unknown): SnapshotDamage {
  return { kind: 'damaged', offset, reason, found, expected };
}
