import { patient } from '../../disk/disk-watch.js';
import type { Environment } from '../../disk/environment.js';
import { holdingNames } from '../../disk/held-disk.js';
import { KeelsonError } from '../../errors/index.js';
import type { Checkpoint, CheckpointScope } from './copies-contract.js';
import { readCheckpointRequest } from './copy-requests.js';
import { replacedMeanwhile, withSource, type CopySource } from './source.js';
import { beginCheckpoint, type CheckpointParts } from './write-checkpoint.js';

/** Which store to take a checkpoint of, from outside. */
export interface CheckpointStoreRequest {
  readonly environment: Environment;
  readonly dir: string;
  /** Null: inside `dir`. */
  readonly walDir: string | null;
  readonly scope: CheckpointScope;
  readonly to: string;
  readonly signal?: AbortSignal;
}

/**
 * As `RaftLog.checkpoint`, of a store that another process may have open: it keeps nothing there, so what its writer drops
 * meanwhile is noticed, and the checkpoint begun anew.
 */
export async function checkpointStore(asked: CheckpointStoreRequest): Promise<Checkpoint> {
  const { dir, walDir, scope, to, signal } = asked;
  const environment = holdingNames(patient(asked.environment));
  const request = readCheckpointRequest({ scope, to, signal }, dir);
  return withSource({ environment, dir, walDir, signal }, async (source) => {
    const begun = await beginCheckpoint(partsOf(source, dir, environment.disk), request).catch(
      (error: unknown) => {
        throw replacedMeanwhile(source, error);
      },
    );
    return begun.finish(signal);
  });
}

/** What a checkpoint is taken of, of a store that was opened to be copied. */
export function partsOf(
  { log, durable, snapshots }: CopySource,
  dir: string,
  disk: CheckpointParts['disk'],
): CheckpointParts {
  if (log !== null) return { disk, dir, frames: log, durable, snapshots };
  throw new KeelsonError(
    'KEELSON_INVALID_ARGUMENT',
    `${dir} is a checkpoint itself; nothing was made. Copy the directory, or make a store of it with keelson clone.`,
    { argument: 'dir', path: dir },
  );
}
