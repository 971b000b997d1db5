import { join } from 'node:path';
import type { Environment } from '../../disk/environment.js';
import { isKeelsonError, KeelsonError } from '../../errors/index.js';
import { QUARANTINE_DIRECTORY_NAME, SNAPSHOTS_DIRECTORY_NAME } from '../../format/names.js';
import type { SnapshotName } from '../../format/raft-records.js';
import { openSnapshotStore, type NamedSnapshot, type SnapshotStore } from '../../snapshot/index.js';
import type { RecoveryReport } from '../../wal/report/recovery-report.js';
import type { OlderLog } from '../switch/older-format.js';

/** The snapshot that a log begins with. */
export interface FoundSnapshot extends NamedSnapshot {
  /** Null if it is the one that the log names. */
  readonly fallback: RecoveryReport['snapshotFallback'];
}

/** True if a log holds `index` with `term`, at its boundary or above: a snapshot there can take up where it ends. */
export type Joins = (index: number, term: number) => boolean;

/** What an open does with the snapshots of a log: finds the one it begins with, and sets aside what is none. */
export class SnapshotsAtOpen {
  readonly #environment: Environment;
  readonly #dir: string;
  readonly #readOnly: boolean;
  #store: SnapshotStore | null = null;
  /** All others that are whole at head and end, where {@link settle} has looked at them. */
  #others: readonly NamedSnapshot[] | null = null;

  constructor(environment: Environment, logDir: string, readOnly: boolean) {
    this.#environment = environment;
    this.#dir = logDir;
    this.#readOnly = readOnly;
  }

  /**
   * R8: the named snapshot; where that is missing or damaged, the newest older one that is whole at its head and end
   * and that the log still joins, by index and term. Only reads.
   *
   * Errors: `KEELSON_MISSING_SNAPSHOT` if there is none; `KEELSON_INCOMPATIBLE_FORMAT`; `KEELSON_READ_FAILED`.
   */
  async find(named: SnapshotName, joins: Joins, lineage: Uint8Array): Promise<FoundSnapshot> {
    const store = await this.#open(lineage, true);
    try {
      const { ref, meta } = await store.readEnds(named);
      return { ref, meta, fallback: null };
    } catch (error) {
      if (!isUnusable(error)) throw error;
      const older = await newestOlder(store, named, joins);
      if (older === null) throw nothingJoins(named, error);
      const { index, term } = named;
      const lost = { path: error.path ?? '', index, term, reason: error.message };
      const used = { index: older.ref.index, term: older.ref.term };
      return { ...older, fallback: Object.freeze({ lost: Object.freeze(lost), used: Object.freeze(used) }) };
    }
  }

  /**
   * Moves to quarantine what bears the name of a snapshot and is none of this store, or stands for more than the log
   * holds: nothing may delete it as if it were one that is not needed any more. Returns the paths there.
   */
  async settle(
    named: SnapshotName | null,
    joins: Joins,
    lineage: Uint8Array,
    checkFence: () => Promise<void>,
  ): Promise<readonly string[]> {
    const store = await this.opened(lineage);
    const folder = join(this.#dir, QUARANTINE_DIRECTORY_NAME);
    const replaced = named === null ? [] : await store.publishStaged(named, folder, checkFence);
    const { moved, whole } = await store.setUnusableAside({ folder, checkFence, named, holds: joins });
    this.#others = whole;
    return [...replaced, ...moved];
  }

  /** The snapshots below `named` that are whole at head and end and count, newest first. */
  async older(named: SnapshotName, counts: Joins): Promise<readonly NamedSnapshot[]> {
    const others = this.#others ?? (await this.#readBelow(named.index));
    return others
      .filter(({ ref: { index, term } }) => index < named.index && counts(index, term))
      .sort((a, b) => b.ref.index - a.ref.index || b.ref.term - a.ref.term);
  }

  /** For a log that only reads: beside its writer any of them may go while they are looked at. */
  async #readBelow(below: number): Promise<readonly NamedSnapshot[]> {
    const found: NamedSnapshot[] = [];
    if (this.#store === null) return found;
    for await (const snapshot of wholeOf(this.#store, ({ index }) => index < below)) found.push(snapshot);
    return found;
  }

  /**
   * Writes the snapshot of a log that is about to take another's place: durably, under the name of an unfinished one,
   * since its own may still be taken. {@link SnapshotsAtOpen.find} finds it there, {@link SnapshotsAtOpen.settle} names it.
   */
  async stage(snapshot: NonNullable<OlderLog['snapshot']>, lineage: Uint8Array): Promise<SnapshotName> {
    const store = await this.#open(lineage, false);
    const staged = await store.write(snapshot);
    await store.syncStaged();
    return staged.ref;
  }

  /** The store of the open log. */
  async opened(lineage: Uint8Array): Promise<SnapshotStore> {
    this.#store ??= await this.#open(lineage, this.#readOnly);
    return this.#store;
  }

  #open(lineage: Uint8Array, readOnly: boolean): Promise<SnapshotStore> {
    const dir = join(this.#dir, SNAPSHOTS_DIRECTORY_NAME);
    return openSnapshotStore({ environment: this.#environment, dir, lineage, readOnly });
  }
}

function isUnusable(error: unknown): error is KeelsonError {
  return isKeelsonError(error, 'KEELSON_MISSING_SNAPSHOT') || isKeelsonError(error, 'KEELSON_CORRUPT');
}

async function newestOlder(
  store: SnapshotStore,
  named: SnapshotName,
  joins: Joins,
): Promise<NamedSnapshot | null> {
  const isAsked = ({ index, term }: Place): boolean => index < named.index && joins(index, term);
  for await (const found of wholeOf(store, isAsked)) return found;
  return null;
}

type Place = Pick<SnapshotName, 'index' | 'term'>;

/** Those that are asked for and whole at head and end, newest first. */
async function* wholeOf(
  store: SnapshotStore,
  isAsked: (place: Place) => boolean,
): AsyncGenerator<NamedSnapshot, void, undefined> {
  for (const { index, term } of [...(await store.list())].reverse()) {
    if (!isAsked({ index, term })) continue;
    let found: NamedSnapshot;
    try {
      found = await store.readEnds({ index, term });
    } catch (error) {
      if (isUnusable(error)) continue;
      throw error;
    }
    yield found;
  }
}

function nothingJoins({ index, term }: SnapshotName, error: KeelsonError): KeelsonError {
  return new KeelsonError(
    'KEELSON_MISSING_SNAPSHOT',
    `the log names the snapshot of index ${String(index)}, term ${String(term)}, which cannot be used, and no older one that it still joins is there: ${error.message}`,
    { ...error.details, index, term },
    error,
  );
}
