import { patient } from '../../disk/disk-watch.js';
import type { Environment } from '../../disk/environment.js';
import { holdingNames } from '../../disk/held-disk.js';
import type { CheckpointFile } from '../../format/checkpoint-file.js';
import type { HardState } from '../contract.js';
import { withSource } from './source.js';

/** What a checkpoint holds, all of it read. */
export interface VerifiedCopy {
  readonly checkpoint: CheckpointFile | null;
  readonly hardState: HardState;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly snapshot: { readonly index: number; readonly term: number; readonly bytes: number } | null;
  readonly unfitUntil: number;
}

/**
 * Reads all of a checkpoint, or of a store as it is at one LSN, and holds each entry and each chunk of the snapshot against
 * its checksum. Changes nothing. Throws the first damage.
 */
export async function verifyCopy(
  asked: Environment,
  dir: string,
  walDir: string | null = null,
): Promise<VerifiedCopy> {
  const environment = holdingNames(patient(asked));
  return withSource({ environment, dir, walDir, readsAll: true, signal: undefined }, async (source) => {
    const { durable, snapshots, checkpoint } = source;
    await readAll(source.entries(undefined));
    const { snapshotName, snapshotMeta, hardState, firstIndex, lastIndex, unfitUntil } = durable;
    if (snapshotName !== null) await readAll(await snapshots.open(snapshotName));
    const snapshot =
      snapshotMeta === null
        ? null
        : { index: snapshotMeta.index, term: snapshotMeta.term, bytes: snapshotMeta.bytes };
    return { checkpoint, hardState, firstIndex, lastIndex, snapshot, unfitUntil };
  });
}

/** Where a store, or a checkpoint, begins: the index in front of its first entry, and that one's term. */
export function boundaryOf(
  asked: Environment,
  dir: string,
  walDir: string | null,
): Promise<{ readonly index: number; readonly term: number }> {
  const environment = holdingNames(patient(asked));
  return withSource(
    { environment, dir, walDir, signal: undefined },
    async ({ durable }) => durable.boundaryEntry,
  );
}

/** Each piece is verified before it is handed out. */
async function readAll(pieces: AsyncIterable<unknown>): Promise<void> {
  const iterator = pieces[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}
