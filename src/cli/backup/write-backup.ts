import { open, type FileHandle } from 'node:fs/promises';
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
import { decodeRaftPreamble, type SnapshotName } from '../../format/raft-records.js';
import { publishedName } from '../../snapshot/snapshot-name.js';
import { headerOf } from './header-of.js';
import { loadTar, sumLine, SUMS_NAME, TITLE_NAME, type BackupTitle } from './tar.js';

/** A file of a backup, and how much of it goes in: a segment ends where what was copied does. */
export interface BackedUpFile {
  readonly name: string;
  readonly bytes: number;
}

/** Which files of a checkpoint a backup holds: all, or those of what came behind `since`. */
export async function filesOf(
  dir: string,
  { segments, proven, state }: CheckpointFile,
  since: number | null,
): Promise<readonly BackedUpFile[]> {
  const newer = segments.filter(
    (_, at) => (segments[at + 1]?.firstLsn ?? proven.lsn + 1) - 1 > (since ?? -1),
  );
  const files = newer.map(({ number, bytes }) => ({
    name: `${WAL_DIRECTORY_NAME}/${segmentName(number)}`,
    bytes,
  }));
  const snapshot = decodeRaftPreamble(state)?.snapshot ?? null;
  const isKnown =
    since !== null && (await wasThere(dir, snapshot, newer[0] ?? segments[segments.length - 1]));
  if (snapshot !== null && !isKnown) {
    const name = `${SNAPSHOTS_DIRECTORY_NAME}/${publishedName(snapshot.index, snapshot.term)}`;
    files.unshift({ name, bytes: await sizeOf(join(dir, name)) });
  }
  return [{ name: CHECKPOINT_NAME, bytes: await sizeOf(join(dir, CHECKPOINT_NAME)) }, ...files];
}

/** The snapshot counted already when that segment began, which is not behind what the last backup ended with. */
async function wasThere(
  dir: string,
  snapshot: SnapshotName | null,
  segment: CheckpointSegment | undefined,
): Promise<boolean> {
  if (snapshot === null || segment === undefined) return false;
  const header = await headerOf(join(dir, WAL_DIRECTORY_NAME, segmentName(segment.number)));
  const before = header === null ? null : decodeRaftPreamble(header.state)?.snapshot;
  return before?.index === snapshot.index && before.checksum === snapshot.checksum;
}

async function sizeOf(path: string): Promise<number> {
  const file = await open(path);
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
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
      for (const { name, bytes } of files) {
        const sum = await putFile(pack, join(dir, name), name, bytes, onBytes);
        sums += sumLine(name, sum, bytes);
      }
      await whole(SUMS_NAME, sums);
      pack.finalize();
    } catch (error) {
      pack.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  };
  await Promise.all([pipeline(pack, out), fill()]);
}

/** Read in one go. */
const PART_BYTES = 1024 * 1024;

/** Puts the first `bytes` of a file in; returns their checksum. */
async function putFile(
  pack: Pack,
  path: string,
  name: string,
  bytes: number,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const file = await open(path);
  try {
    const entry = pack.entry({ name, size: bytes, mtime: new Date(0) });
    let sum = 0;
    for (let at = 0; at < bytes;) {
      const part = await partOf(file, at, Math.min(PART_BYTES, bytes - at), path);
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
    return sum;
  } finally {
    await file.close();
  }
}

async function partOf(file: FileHandle, at: number, length: number, path: string): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  if (bytesRead === 0) throw new Error(`${path} ends at byte ${at}, while it was read`);
  return buffer.subarray(0, bytesRead);
}
