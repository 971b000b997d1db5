import { closeFile } from '../disk/close-file.js';
import { readFailed } from '../disk/disk-failure.js';
import { readFully, systemCode, type Disk, type DiskFile } from '../disk/index.js';
import { KeelsonError } from '../errors/index.js';
import { checksumText } from '../format/checksum.js';
import { identityText, sameBytes } from '../format/identity.js';
import {
  decodeSnapshotFooter,
  decodeSnapshotHeader,
  decodeSnapshotHeaderStart,
  SNAPSHOT_FILE_BYTES_MIN,
  SNAPSHOT_FOOTER_BYTES,
  SNAPSHOT_FORMAT_VERSION,
  SNAPSHOT_HEADER_START_BYTES,
  snapshotFileBytes,
  snapshotHeaderBytes,
  type SnapshotDamage,
  type SnapshotFooter,
  type SnapshotHeader,
} from '../format/snapshot-file.js';
import type { NamedSnapshot, SnapshotRef } from './snapshot-ref.js';

/** An open snapshot whose header, footer and length were judged; its chunks were not read. */
export interface JudgedSnapshotFile {
  readonly file: DiskFile;
  readonly header: SnapshotHeader;
  readonly footer: SnapshotFooter;
  /** Of the whole file, see {@link SnapshotRef.checksum}. */
  readonly checksum: number;
  /** Where the chunks begin, and where they end and the footer begins. */
  readonly chunksFrom: number;
  readonly chunksUntil: number;
}

/** Read first: the whole head of most snapshots, and all of a small one. */
const START_BYTES = 4096;

/** Which file is expected; without a checksum any whole one of that index and term will do. */
export type ExpectedSnapshot = Omit<SnapshotRef, 'checksum'> & { readonly checksum?: number };

/**
 * Opens the file at `path` and judges all of it but its chunks: that it is whole, of this store, and the
 * very one that `ref` names. The caller closes `file`; after an error it is closed.
 *
 * Errors: `KEELSON_MISSING_SNAPSHOT`, `KEELSON_CORRUPT`, `KEELSON_INCOMPATIBLE_FORMAT`, `KEELSON_READ_FAILED`.
 */
export async function openJudged(
  disk: Disk,
  path: string,
  lineage: Uint8Array,
  ref: ExpectedSnapshot,
): Promise<JudgedSnapshotFile> {
  const file = await openExisting(disk, path, ref);
  try {
    return await judge(file, lineage, ref);
  } catch (error) {
    await closeFile(file);
    throw error;
  }
}

/**
 * As {@link openJudged}; a file that `ref` names by checksum may also stand under the name of an unfinished one: a
 * switch of format leaves it there until it has moved the old file of its name away.
 */
export async function openPublishedOrStaged(
  disk: Disk,
  { path, staged }: { readonly path: string; readonly staged: string },
  lineage: Uint8Array,
  ref: ExpectedSnapshot,
): Promise<JudgedSnapshotFile> {
  try {
    return await openJudged(disk, path, lineage, ref);
  } catch (error) {
    if (ref.checksum === undefined || !isDamage(error)) throw error;
    try {
      return await openJudged(disk, staged, lineage, ref);
    } catch (stagedError) {
      // R9: what could not be read may be the very one.
      throw isDamage(stagedError) ? error : stagedError;
    }
  }
}

function isDamage(error: unknown): boolean {
  return error instanceof KeelsonError && error.family === 'damage';
}

/** What a judged file says it is. */
export function namedSnapshotOf({ header, footer, checksum }: JudgedSnapshotFile): NamedSnapshot {
  const { index, term, conf } = header;
  return {
    ref: Object.freeze({ index, term, checksum }),
    meta: Object.freeze({ index, term, conf, bytes: footer.dataBytes }),
  };
}

/** Fills `into` from `offset`: `KEELSON_READ_FAILED` for an error, `KEELSON_CORRUPT` where the file ends first. */
export async function readExactly(file: DiskFile, into: Uint8Array, offset: number): Promise<void> {
  let count: number;
  try {
    count = await readFully(file, into, offset);
  } catch (error) {
    throw readFailed('a snapshot', { path: file.path, offset }, error);
  }
  if (count < into.length) {
    throw corrupt(file.path, offset + count, 'end of the file', offset + count, offset + into.length);
  }
}

/** The error of a snapshot that is not what was written. Numbers of the `checksum` kind are shown as hex. */
export function corrupt(
  path: string,
  offset: number,
  reason: string,
  found: unknown,
  expected: unknown,
): KeelsonError {
  const show = (value: unknown): string =>
    typeof value === 'number' && reason.includes('checksum') ? checksumText(value) : String(value);
  return new KeelsonError(
    'KEELSON_CORRUPT',
    `snapshot ${path} is damaged at byte ${String(offset)}: ${reason} is ${show(found)}, ` +
      `expected ${show(expected)}. Nothing was changed. Run: keelson verify <dir>`,
    { path, offset, found, expected },
  );
}

async function openExisting(disk: Disk, path: string, ref: ExpectedSnapshot): Promise<DiskFile> {
  try {
    return await disk.open(path, { access: 'read' });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw readFailed('a snapshot', { path }, error);
    throw notThere(path, ref, error);
  }
}

/** The file that the log names is gone. */
export function notThere(
  path: string,
  { index, term }: Pick<ExpectedSnapshot, 'index' | 'term'>,
  cause: unknown,
): KeelsonError {
  return new KeelsonError(
    'KEELSON_MISSING_SNAPSHOT',
    `snapshot ${path} is not there, expected the one of index ${index}, term ${term}. Nothing was changed. Put the file back, or restore this node from its leader.`,
    { path, index, term },
    cause,
  );
}

async function judge(
  file: DiskFile,
  lineage: Uint8Array,
  ref: ExpectedSnapshot,
): Promise<JudgedSnapshotFile> {
  const { path } = file;
  const size = await sizeOf(file);
  if (size < SNAPSHOT_FILE_BYTES_MIN) {
    throw corrupt(path, size, 'size of the file', size, `at least ${String(SNAPSHOT_FILE_BYTES_MIN)}`);
  }
  const start = new Uint8Array(Math.min(size, START_BYTES));
  await readExactly(file, start, 0);
  const { header, headerChecksum } = await readHeader(file, size, start);
  if (!sameBytes(header.lineage, lineage)) {
    throw corrupt(path, 16, 'lineage', identityText(header.lineage), identityText(lineage));
  }
  if (header.index !== ref.index) throw corrupt(path, 48, 'index', header.index, ref.index);
  if (header.term !== ref.term) throw corrupt(path, 56, 'term', header.term, ref.term);

  const chunksUntil = size - SNAPSHOT_FOOTER_BYTES;
  const verdict = decodeSnapshotFooter(await readBehind(file, start, chunksUntil, size));
  if (verdict.kind === 'damaged') throw damage(path, chunksUntil, verdict);
  const { footer, checksum } = verdict;
  if (ref.checksum !== undefined && checksum !== ref.checksum) {
    throw corrupt(path, chunksUntil + 24, 'checksum of the file', checksum, ref.checksum);
  }
  if (footer.headerChecksum !== headerChecksum) {
    throw corrupt(path, chunksUntil + 20, 'checksum of the header', footer.headerChecksum, headerChecksum);
  }
  const expectedSize = snapshotFileBytes(header.conf.length, footer);
  if (size !== expectedSize) throw corrupt(path, size, 'size of the file', size, expectedSize);
  return { file, header, footer, checksum, chunksFrom: snapshotHeaderBytes(header.conf.length), chunksUntil };
}

async function readHeader(
  file: DiskFile,
  size: number,
  start: Uint8Array,
): Promise<{ readonly header: SnapshotHeader; readonly headerChecksum: number }> {
  const foretold = decodeSnapshotHeaderStart(start.subarray(0, SNAPSHOT_HEADER_START_BYTES));
  if (foretold.kind === 'damaged') throw damage(file.path, 0, foretold);
  if (foretold.kind === 'other-version') throw incompatible(file.path, foretold.version);
  // The length is not proven yet: a header that would reach into the footer is refused before it is read.
  const headerBytes = snapshotHeaderBytes(foretold.confBytes);
  if (headerBytes + SNAPSHOT_FOOTER_BYTES > size) {
    throw corrupt(
      file.path,
      64,
      'length of the conf',
      foretold.confBytes,
      `what ${String(size)} bytes can hold`,
    );
  }
  const verdict = decodeSnapshotHeader(await readBehind(file, start, 0, headerBytes));
  if (verdict.kind === 'damaged') throw damage(file.path, 0, verdict);
  return { header: verdict.header, headerChecksum: verdict.checksum };
}

/** Bytes `[from, until)` of the file, of which `start` was read: a small snapshot takes one read. */
async function readBehind(
  file: DiskFile,
  start: Uint8Array,
  from: number,
  until: number,
): Promise<Uint8Array> {
  if (until <= start.length) return start.subarray(from, until);
  const bytes = new Uint8Array(until - from);
  bytes.set(start.subarray(from));
  const had = Math.max(0, start.length - from);
  await readExactly(file, bytes.subarray(had), from + had);
  return bytes;
}

async function sizeOf(file: DiskFile): Promise<number> {
  try {
    return (await file.stat()).size;
  } catch (error) {
    throw readFailed('a snapshot', { path: file.path }, error);
  }
}

function damage(
  path: string,
  base: number,
  { offset, reason, found, expected }: SnapshotDamage,
): KeelsonError {
  return corrupt(path, base + offset, reason, found, expected);
}

function incompatible(path: string, found: number): KeelsonError {
  const expected = SNAPSHOT_FORMAT_VERSION;
  return new KeelsonError(
    'KEELSON_INCOMPATIBLE_FORMAT',
    `snapshot ${path} has format ${String(found)}, expected ${String(expected)}; nothing was changed. ` +
      'Open it with the release of keelson that wrote it.',
    { path, offset: 8, found, expected },
  );
}
