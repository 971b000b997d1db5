import { closeFile } from '../disk/close-file.js';
import { changeFailed } from '../disk/disk-failure.js';
import type { DiskFile, Environment } from '../disk/index.js';
import { throwIfAborted } from '../errors/index.js';
import { IDENTITY_BYTES } from '../format/identity.js';
import { openFresh } from './open-fresh.js';
import { pullData } from './pull-data.js';
import { SnapshotWriter } from './snapshot-writer.js';
import type { SnapshotWriteRequest } from './write-request.js';

const NEXT = { fate: 'Nothing that counts was changed.', then: 'try again' };

/** One file to be written. */
interface SnapshotFileRequest {
  readonly environment: Pick<Environment, 'disk' | 'fillRandom' | 'endOfTurn'>;
  readonly lineage: Uint8Array;
  readonly chunkBytes: number;
  /** See {@link PullRequest}. */
  readonly owner: object;
  readonly path: string;
  readonly request: SnapshotWriteRequest;
  /** Removes what an earlier write left under this path. */
  readonly unlink: (path: string) => Promise<void>;
}

/** Streams a snapshot into a new file at `path`. Resolved: its data is on stable storage, its name is not. */
export async function writeSnapshotFile(
  target: SnapshotFileRequest,
): Promise<{ readonly checksum: number; readonly dataBytes: number }> {
  const { environment, lineage, chunkBytes, owner, path, unlink } = target;
  const { index, term, conf, data, bytes, signal } = target.request;
  const identity = new Uint8Array(IDENTITY_BYTES);
  environment.fillRandom(identity);
  const header = { lineage, identity, index, term, conf: conf.slice() };
  const file = await openFresh(environment.disk, path, unlink, NEXT);
  const stopIfAborted = (): void => throwIfAborted('the snapshot', signal);
  let end;
  try {
    const writer = new SnapshotWriter(file, header, chunkBytes);
    await writer.begin();
    const take = (piece: Uint8Array): Promise<void> => writer.add(piece, stopIfAborted);
    await pullData({ data, bytes, signal, owner, environment, take });
    end = await writer.finish();
  } catch (error) {
    await closeFile(file);
    throw error;
  }
  await closeWritten(file);
  stopIfAborted();
  return end;
}

async function closeWritten(file: DiskFile): Promise<void> {
  try {
    await file.close();
  } catch (error) {
    throw changeFailed('a snapshot', { path: file.path }, error, NEXT);
  }
}
