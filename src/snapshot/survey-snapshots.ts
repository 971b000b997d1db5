import { join } from 'node:path';
import { readFailed } from '../disk/disk-failure.js';
import { systemCode, type Disk, type DiskFile } from '../disk/index.js';
import { isKeelsonError, type KeelsonError } from '../errors/index.js';
import { decodeSnapshotFooter, SNAPSHOT_FOOTER_BYTES } from '../format/snapshot-file.js';
import { listOwnNames } from './open-directory.js';
import { closeQuietly, openJudged, readExactly } from './snapshot-file-reader.js';
import type { SnapshotFileMeta } from './snapshot-ref.js';
import { SnapshotStream } from './snapshot-stream.js';

/** A published snapshot, read to its end. */
export interface SurveyedSnapshot {
  readonly index: number;
  readonly term: number;
  readonly path: string;
  readonly fileBytes: number;
  /** Of the whole file, as its own footer says; null if not even that can be read. */
  readonly checksum: number | null;
  /** Null: its data is damaged, or it was not read. */
  readonly meta: SnapshotFileMeta | null;
  /** What is wrong with it; null if it is whole. */
  readonly damage: KeelsonError | null;
}

/**
 * Reads every published snapshot in `dir`, lowest index first, and says which are whole. A snapshot that is deleted
 * meanwhile by a live writer is left out. Errors: `KEELSON_READ_FAILED`, `KEELSON_INCOMPATIBLE_FORMAT`.
 *
 * @param readsData false: only header, footer and length are judged
 */
export async function surveySnapshots(
  disk: Disk,
  dir: string,
  storeId: Uint8Array,
  readsData: boolean,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<readonly SurveyedSnapshot[]> {
  const found: SurveyedSnapshot[] = [];
  const own = await listOwnNames(disk, dir);
  for (const { name, parsed } of own) {
    if (parsed.kind !== 'published') continue;
    const path = join(dir, name);
    const { index, term } = parsed;
    const snapshot = await surveySnapshot(disk, path, storeId, { index, term }, readsData, onBytes);
    if (snapshot !== null) found.push(snapshot);
  }
  return found.sort((a, b) => a.index - b.index || a.term - b.term);
}

async function surveySnapshot(
  disk: Disk,
  path: string,
  storeId: Uint8Array,
  named: { readonly index: number; readonly term: number },
  readsData: boolean,
  onBytes: (bytes: number) => void,
): Promise<SurveyedSnapshot | null> {
  const stat = await statOf(disk, path);
  if (stat === null) return null;
  const base = { ...named, path, fileBytes: stat, checksum: null, meta: null };
  let checksum: number | null = null;
  try {
    const footer = await footerChecksum(disk, path, stat);
    if (footer === 'gone') return null;
    checksum = footer;
    const judged = await openJudged(disk, path, storeId, { ...named, checksum: checksum ?? 0 });
    const { header } = judged;
    if (readsData) for await (const chunk of new SnapshotStream(judged)) onBytes(chunk.length);
    else await closeQuietly(judged.file);
    const meta = {
      index: header.index,
      term: header.term,
      conf: header.conf,
      bytes: judged.footer.dataBytes,
    };
    return { ...base, checksum, meta, damage: null };
  } catch (error) {
    if (!isKeelsonError(error)) throw error;
    if (error.code === 'KEELSON_MISSING_SNAPSHOT') return null;
    if (error.code !== 'KEELSON_CORRUPT') throw error;
    return { ...base, checksum, damage: error };
  }
}

async function statOf(disk: Disk, path: string): Promise<number | null> {
  try {
    return (await disk.stat(path))?.size ?? null;
  } catch (error) {
    throw readFailed('a snapshot', { path }, error);
  }
}

/** The file's checksum as its footer says; null if the footer is not whole. */
async function footerChecksum(disk: Disk, path: string, fileBytes: number): Promise<number | 'gone' | null> {
  if (fileBytes < SNAPSHOT_FOOTER_BYTES) return null;
  let file: DiskFile;
  try {
    file = await disk.open(path, { access: 'read' });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'gone';
    throw readFailed('a snapshot', { path }, error);
  }
  try {
    const bytes = new Uint8Array(SNAPSHOT_FOOTER_BYTES);
    await readExactly(file, bytes, fileBytes - SNAPSHOT_FOOTER_BYTES);
    const verdict = decodeSnapshotFooter(bytes);
    return verdict.kind === 'valid' ? verdict.checksum : null;
  } finally {
    await closeQuietly(file);
  }
}
