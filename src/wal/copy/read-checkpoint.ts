import { join } from 'node:path';
import { using } from '../../disk/close-file.js';
import type { Disk } from '../../disk/port.js';
import { readFully } from '../../disk/read-fully.js';
import { openToRead, reading } from '../../disk/told-calls.js';
import { KeelsonError } from '../../errors/index.js';
import {
  CHECKPOINT_BYTES_MAX,
  CHECKPOINT_VERSION,
  decodeCheckpointFile,
  type CheckpointFile,
} from '../../format/checkpoint-file.js';
import { CHECKPOINT_NAME } from '../../format/names.js';
import { UNWRITTEN_SUPERBLOCK, type Superblock } from '../../format/superblock.js';

/** A checkpoint's own file, as it was found. */
export interface FoundCheckpoint {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Null: it is damaged. */
  readonly file: CheckpointFile | null;
  /** Why it is; '' where it is not. */
  readonly fault: string;
}

/** The file that makes a directory a checkpoint; null if it is none. Throws where a release of another format wrote it. */
export async function findCheckpoint(disk: Disk, dir: string): Promise<FoundCheckpoint | null> {
  const path = join(dir, CHECKPOINT_NAME);
  const bytes = await readWhole(disk, path);
  if (bytes === null) return null;
  const verdict = decodeCheckpointFile(bytes);
  if (verdict.kind === 'valid') return { path, bytes, file: verdict.file, fault: '' };
  if (verdict.kind === 'invalid') return { path, bytes, file: null, fault: verdict.reason };
  const { version } = verdict;
  throw new KeelsonError(
    'KEELSON_INCOMPATIBLE_FORMAT',
    `the checkpoint ${path} has format ${version}, expected ${CHECKPOINT_VERSION}; nothing was changed. Read it with the release of keelson that wrote it.`,
    { path, offset: 0, found: version, expected: CHECKPOINT_VERSION },
  );
}

/** What the directory's checkpoint says of itself; null if it is none. Throws its damage. */
export async function readCheckpointFile(disk: Disk, dir: string): Promise<CheckpointFile | null> {
  const found = await findCheckpoint(disk, dir);
  if (found === null || found.file !== null) return found?.file ?? null;
  const { path, fault } = found;
  throw new KeelsonError(
    'KEELSON_CORRUPT',
    `the checkpoint ${path} is damaged: ${fault}. Nothing was changed. Take another checkpoint, or restore another backup.`,
    { path, offset: 0 },
  );
}

/** What a superblock would say of the segments that a checkpoint names, for who reads them as a store's. */
export function superblockOf(file: CheckpointFile, isWalSeparate: boolean): Superblock {
  const { segments, proven, highest, fence, lineage } = file;
  // Of no segment: the range is empty.
  const firstSegment = segments[0]?.number ?? highest.segment + 1;
  return {
    ...UNWRITTEN_SUPERBLOCK,
    lineage,
    storeKind: 'raft',
    epoch: highest.epoch,
    fenceEpoch: fence.epoch,
    fenceLsn: fence.lsn,
    firstSegment,
    newestSegment: firstSegment + segments.length - 1,
    proven,
    isCleanEnd: true,
    isWalSeparate,
  };
}

async function readWhole(disk: Disk, path: string): Promise<Uint8Array | null> {
  const file = await openToRead(disk, path, 'a checkpoint');
  if (file === null) return null;
  const whole = async (): Promise<Uint8Array> => {
    const bytes = new Uint8Array(Math.min((await file.stat()).size, CHECKPOINT_BYTES_MAX));
    return bytes.subarray(0, await readFully(file, bytes, 0));
  };
  return using(file, () => reading('a checkpoint', { path }, whole));
}
