import { KeelsonError } from '../errors/index.js';
import type { SnapshotRef } from './snapshot-ref.js';

/**
 * A snapshot whose data is whole and on stable storage, under a temporary name that no reader looks at.
 * End it, by {@link publish} or {@link discard}; until then its (index, term) cannot be written again.
 */
export interface StagedSnapshot {
  readonly ref: SnapshotRef;
  /** Size of the data in bytes. */
  readonly bytes: number;
  /** Where it will be once published. */
  readonly path: string;
  /**
   * Gives it its name. Resolved: name and data are on stable storage, and a record may name them. A file
   * of the same (index, term) is replaced; no record can have named it, or that record names its checksum.
   * Called again, it answers the same.
   *
   * Errors: `KEELSON_NO_SPACE` or `KEELSON_WRITE_FAILED` (the rename: the snapshot was discarded);
   * `KEELSON_WRITE_FAILED` too where there was no descriptor to sync the directory: it has its name, which must not be
   * relied on, and the next {@link SnapshotStore.retain} removes it;
   * `KEELSON_SYNC_FAILED` of the **directory**, from which the store does not recover (D5: see
   * {@link SnapshotStore.isFailed}); `KEELSON_FAILED` once that has happened; `KEELSON_ABORTED` after `discard`.
   */
  publish(): Promise<void>;
  /** Gives it up and removes the file, as far as the disk lets it; nothing happens after `publish`. Never rejects. */
  discard(): Promise<void>;
}

/** The same, which sees to it that exactly one of the two ends runs, once. */
export function stageSnapshot(staged: StagedSnapshot): StagedSnapshot {
  let published: Promise<void> | undefined;
  let discarded: Promise<void> | undefined;
  return {
    ...staged,
    publish: () => {
      if (discarded !== undefined) return Promise.reject(afterDiscard(staged.path));
      published ??= staged.publish();
      return published;
    },
    discard: () => {
      if (published !== undefined) return Promise.resolve();
      discarded ??= staged.discard();
      return discarded;
    },
  };
}

function afterDiscard(path: string): KeelsonError {
  return new KeelsonError('KEELSON_ABORTED', `snapshot ${path} was discarded; write it again.`, { path });
}
