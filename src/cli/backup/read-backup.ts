import { createReadStream, existsSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { readFailed } from '../../disk/disk-failure.js';
import { KeelsonError } from '../../errors/index.js';
import { checksum } from '../../format/checksum.js';
import {
  CHECKPOINT_NAME,
  parseWalFileName,
  SNAPSHOTS_DIRECTORY_NAME,
  WAL_DIRECTORY_NAME,
} from '../../format/names.js';
import { parseSnapshotFileName } from '../../snapshot/snapshot-name.js';
import { headerOf } from './header-of.js';
import { loadTar, partOf, sumLine, SUMS_NAME, TITLE_NAME, type BackupTitle } from './tar.js';

/**
 * Unpacks a backup over what those before it have left in a directory, and holds each file against its sum. Throws where
 * the stream is none, ends early or is not what was written; and what `onTitle` throws, before anything is unpacked.
 *
 * @param from - the path of a file, or `-` for `stdin`
 */
export async function readBackup(
  from: string,
  stdin: Readable,
  dir: string,
  onTitle: (title: BackupTitle) => void,
  onBytes: (bytes: number) => void,
): Promise<BackupTitle> {
  const extract = (await loadTar()).extract();
  const source: Readable = from === '-' ? stdin : createReadStream(from);
  source.on('error', (error) => extract.destroy(error));
  source.on('data', (bytes: Buffer) => onBytes(bytes.length));
  source.pipe(extract);
  let title: BackupTitle | null = null;
  let found = '';
  let sums: string | null = null;
  try {
    for await (const inner of extract) {
      const { name } = inner.header;
      const entry = inner as AsyncIterable<Uint8Array>;
      if (name === TITLE_NAME || name === SUMS_NAME) {
        const bytes = await allOf(entry);
        if (name === SUMS_NAME) sums = Buffer.from(bytes).toString();
        else {
          title = titleOf(from, bytes);
          onTitle(title);
          found += sumLine(name, checksum(bytes), bytes.length);
        }
        continue;
      }
      if (title === null || !isOurs(name)) throw noBackup(from, `it holds '${name.slice(0, 60)}'`);
      found += await unpack(from, entry, dir, name);
    }
  } catch (error) {
    source.destroy();
    if (error instanceof KeelsonError) throw error;
    const code = (error as { readonly syscall?: unknown }).syscall;
    if (code !== undefined) throw readFailed('a backup', { path: from }, error);
    throw noBackup(from, error instanceof Error ? error.message : String(error));
  }
  if (title === null || sums === null)
    throw noBackup(from, 'it ends before its sums, so a part of it is missing');
  if (sums !== found)
    throw noBackup(from, `the sums of its files are not those of what it holds: ${firstOther(sums, found)}`);
  return title;
}

/** Only names that a backup has may become paths. */
function isOurs(part: string): boolean {
  const { name, from } = partOf(part);
  if (name === CHECKPOINT_NAME) return from === 0;
  const [folder, file, ...more] = name.split('/');
  if (file === undefined || more.length > 0) return false;
  if (from > 0 && folder !== WAL_DIRECTORY_NAME) return false;
  if (folder === WAL_DIRECTORY_NAME) return parseWalFileName(file).kind === 'segment';
  return folder === SNAPSHOTS_DIRECTORY_NAME && parseSnapshotFileName(file).kind === 'published';
}

function noBackup(path: string, why: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_CORRUPT',
    `${path === '-' ? 'stdin' : path} is no whole backup: ${why}. Nothing was restored. Take another copy of it, or another backup.`,
    { path },
  );
}

function firstOther(expected: string, found: string): string {
  const lines = found.split('\n');
  const other = expected.split('\n').find((line, at) => line !== lines[at]) ?? lines[lines.length - 2] ?? '';
  return other.slice(0, 100);
}

async function allOf(entry: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of entry) parts.push(part);
  return Buffer.concat(parts);
}

function titleOf(path: string, bytes: Uint8Array): BackupTitle {
  let title: Partial<BackupTitle> | null = null;
  try {
    title = JSON.parse(Buffer.from(bytes).toString()) as Partial<BackupTitle> | null;
  } catch {
    // Told below.
  }
  if (title?.keelson !== 'backup' || typeof title.lastLsn !== 'number' || typeof title.lineage !== 'string')
    throw noBackup(path, 'it does not say that it is one of Keelson');
  if (title.version === 1) return title as BackupTitle;
  throw new KeelsonError(
    'KEELSON_INCOMPATIBLE_FORMAT',
    `${path} is a backup of format ${String(title.version)}, expected 1; nothing was restored. Restore it with the release of keelson that wrote it.`,
    { path, found: title.version, expected: 1 },
  );
}

/** Writes a file; one that an earlier backup has brought is replaced, or goes on. Returns its line of the sums. */
async function unpack(
  backup: string,
  entry: AsyncIterable<Uint8Array>,
  dir: string,
  part: string,
): Promise<string> {
  const { name, from } = partOf(part);
  const path = join(dir, name);
  if (name.includes('/')) await mkdir(dirname(path), { recursive: true });
  if (from > 0 && !existsSync(path))
    throw noBackup(backup, `it goes on with ${name}, which none before it holds`);
  const file = await open(path, from > 0 ? 'r+' : 'w+');
  try {
    let sum = 0;
    let at = from;
    for await (const piece of entry) {
      await file.writev([piece], at);
      sum = checksum(piece, sum);
      at += piece.length;
    }
    const bytes = at - from;
    await file.truncate(at);
    if (name.startsWith(`${WAL_DIRECTORY_NAME}/`)) {
      const header = await headerOf(path);
      // A segment is cut where what counts of it ends; its size is its header's.
      if (header !== null) await file.truncate(header.segmentBytes);
    }
    return sumLine(part, sum, bytes);
  } finally {
    await file.close();
  }
}
