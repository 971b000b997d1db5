import { open, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pack } from 'tar-stream';
import { checksum } from '../../format/checksum.js';
import type { CheckpointFile, CheckpointSegment } from '../../format/checkpoint-file.js';
import { identityText } from '../../format/identity.js';
import {
  CHECKPOINT_NAME,
  segmentName,
  SNAPSHOTS_DIRECTORY_NAME,
  WAL_DIRECTORY_NAME,
} from '../../format/names.js';
import { decodeRaftPreamble } from '../../format/raft-records.js';
import { publishedName } from '../../snapshot/snapshot-name.js';
import { knownPart } from './header-of.js';
import { loadTar, partName, sumLine, SUMS_NAME, TITLE_NAME, type BackupTitle } from './tar.js';

/** A file of a backup, and what of it goes in: a segment begins behind what is known, and ends where what was copied does. */
export interface BackedUpFile {
  readonly name: string;
  readonly from: number;
  readonly bytes: number;
}

/** Which files of a checkpoint a backup holds: all, or those of what came behind `since`. */
export async function filesOf(
  dir: string,
  { segments, proven, state }: CheckpointFile,
  since: number | null,
): Promise<readonly BackedUpFile[]> {
  const whole = async (name: string): Promise<BackedUpFile> => ({
    name,
    from: 0,
    bytes: (await stat(join(dir, name))).size,
  });
  const files = [await whole(CHECKPOINT_NAME)];
  const snapshot = decodeRaftPreamble(state)?.snapshot ?? null;
  const last = segments.findLast(({ firstLsn }) => firstLsn - 1 <= (since ?? -1));
  const pathOf = ({ number }: CheckpointSegment): string => `${WAL_DIRECTORY_NAME}/${segmentName(number)}`;
  const known = last === undefined ? null : await knownPart(join(dir, pathOf(last)), since ?? 0);
  const { index, checksum: sum } = known?.snapshot ?? {};
  if (snapshot !== null && (snapshot.index !== index || snapshot.checksum !== sum))
    files.push(await whole(`${SNAPSHOTS_DIRECTORY_NAME}/${publishedName(snapshot.index, snapshot.term)}`));
  for (const [at, segment] of segments.entries()) {
    const lastLsn = (segments[at + 1]?.firstLsn ?? proven.lsn + 1) - 1;
    if (since !== null && lastLsn <= since) continue;
    const from = segment === last && segment.firstLsn <= (since ?? -1) ? (known?.offset ?? 0) : 0;
    files.push({ name: pathOf(segment), from, bytes: segment.bytes - from });
  }
  return files;
}

/** Writes a backup of a checkpoint to `out`, and ends that. */
export async function writeBackup(
  dir: string,
  checkpoint: CheckpointFile,
  since: number | null,
  files: readonly BackedUpFile[],
  out: Writable,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const pack = (await loadTar()).pack();
  const title: BackupTitle = {
    keelson: 'backup',
    version: 1,
    since,
    lastLsn: checkpoint.proven.lsn,
    lineage: identityText(checkpoint.lineage),
  };
  const fill = async (): Promise<void> => {
    let sums = '';
    const whole = async (name: string, text: string): Promise<void> => {
      const bytes = new TextEncoder().encode(text);
      if (name !== SUMS_NAME) sums += sumLine(name, checksum(bytes), bytes.length);
      await new Promise<void>((resolve, reject) => {
        pack.entry({ name, mtime: new Date(0) }, Buffer.from(bytes), (error) => {
          if (error === undefined || error === null) resolve();
          else reject(error);
        });
      });
    };
    try {
      await whole(TITLE_NAME, `${JSON.stringify(title)}\n`);
      for (const file of files) sums += await putFile(pack, dir, file, onBytes);
      await whole(SUMS_NAME, sums);
      pack.finalize();
    } catch (error) {
      pack.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  };
  // Where `out` fails, what fills it only learns that it was ended: why is said by the pipe.
  const [piped, filled] = await Promise.allSettled([pipeline(pack, out), fill()]);
  for (const end of [piped, filled]) if (end.status === 'rejected') throw end.reason;
}

/** Read in one go. */
const PART_BYTES = 1024 * 1024;

/** Puts a file, or a part of it, in; returns its line of the sums. */
async function putFile(
  pack: Pack,
  dir: string,
  { name: fileName, from, bytes }: BackedUpFile,
  onBytes: (bytes: number) => void,
): Promise<string> {
  const path = join(dir, fileName);
  const name = partName(fileName, from);
  const file = await open(path);
  try {
    const entry = pack.entry({ name, size: bytes, mtime: new Date(0) });
    entry.on('error', () => undefined);
    let sum = 0;
    for (let at = 0; at < bytes;) {
      const part = await partOf(file, from + at, Math.min(PART_BYTES, bytes - at), path);
      sum = checksum(part, sum);
      at += part.length;
      await new Promise<void>((resolve, reject) => {
        if (entry.destroyed) reject(new Error('the stream of the backup was ended'));
        else if (entry.write(part)) resolve();
        else {
          entry.once('drain', resolve);
          entry.once('close', resolve);
        }
      });
      onBytes(part.length);
    }
    entry.end(undefined);
    return sumLine(name, sum, bytes);
  } finally {
    await file.close();
  }
}

async function partOf(file: FileHandle, at: number, length: number, path: string): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  if (bytesRead === 0) throw new Error(`${path} ends at byte ${at}, while it was read`);
  return buffer.subarray(0, bytesRead);
}
