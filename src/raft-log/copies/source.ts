import type { HeldEnvironment } from '../../disk/held-disk.js';
import { isKeelsonError, KeelsonError, throwIfAborted } from '../../errors/index.js';
import type { SnapshotStore } from '../../snapshot/index.js';
import { openToCopy, StorePaths, type LogToCopy, type SegmentedLog } from '../../wal/inside.js';
import { EntryReader } from '../read/entry-reader.js';
import { SnapshotsAtOpen } from '../snapshots/snapshots-at-open.js';
import { CoveredState } from '../state/covered-state.js';
import type { Entry } from '../contract.js';

/** Where a store, or a checkpoint, stands that a copy is made of. */
export interface SourcePlace {
  readonly environment: HeldEnvironment;
  readonly dir: string;
  /** Null: inside `dir`. */
  readonly walDir: string | null;
  /** Read sealed segments too, and hold them against their checksums. */
  readonly readsAll?: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * What is read, written and synced in one go while the source may be saved to. Measured with one saver, in one process and ext4: of its
 * saves 99 in a hundred take about twice as long as alone, at most, and three times and more with 256 KiB.
 */
const BESIDE_WRITER_BYTES = 48 * 1024;

/** What was opened to be copied, with what a Raft log is beside its segments. */
export interface CopySource extends LogToCopy {
  readonly durable: CoveredState;
  readonly snapshots: SnapshotStore;
  /** The most to read, write and sync in one go, for its writer's sake; undefined: there is none. */
  readonly pieceBytes: number | undefined;
  /** All entries that it holds, in order, each held against its own checksum. */
  entries(signal: AbortSignal | undefined): AsyncIterable<readonly Entry[]>;
  close(): Promise<void>;
}

async function openSource({
  environment,
  dir,
  walDir,
  readsAll = false,
  signal,
}: SourcePlace): Promise<CopySource> {
  const atOpen = new SnapshotsAtOpen(environment, dir, true);
  const durable = new CoveredState(atOpen);
  const paths = new StorePaths(dir, walDir);
  const opened = await openToCopy({ environment, paths, readsAll, signal }, durable);
  const pieceBytes = opened.checkpoint === null ? BESIDE_WRITER_BYTES : undefined;
  const snapshots = await atOpen.opened(opened.lineage);
  return { ...opened, durable, snapshots, pieceBytes, ...readOf(opened.log, durable, dir, pieceBytes) };
}

/** How often a copy is begun anew where the writer of its source drops what is being copied. */
const ATTEMPTS = 8;

/** Opens it for as long as `run` takes, and again where the writer beside has dropped what that reads (R10). */
export async function withSource<T>(place: SourcePlace, run: (source: CopySource) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const source = await openSource(place);
      try {
        return await run(source);
      } finally {
        await source.close();
      }
    } catch (error) {
      if (attempt === ATTEMPTS || !isKeelsonError(error, 'KEELSON_COMPACTED')) throw error;
      throwIfAborted('the copy', place.signal);
    }
  }
}

/** What is said of a snapshot that is gone by the time it is copied: beside a writer it was there a moment ago. */
export function replacedMeanwhile({ checkpoint }: CopySource, error: unknown): unknown {
  if (checkpoint !== null || !isKeelsonError(error, 'KEELSON_MISSING_SNAPSHOT')) return error;
  const message = `${error.path ?? 'the snapshot'} was replaced by its writer while it was copied. Nothing was lost. Make the copy again.`;
  return new KeelsonError('KEELSON_COMPACTED', message, error.details, error);
}

function readOf(
  log: SegmentedLog | null,
  durable: CoveredState,
  dir: string,
  bytesMax: number = Infinity,
): Pick<CopySource, 'entries' | 'close'> {
  // Nothing is behind the snapshot.
  if (log === null) return { entries: noEntries, close: () => Promise.resolve() };
  const reader = new EntryReader(log, durable, dir);
  return {
    entries: (signal) =>
      reader.chunks({ from: durable.firstIndex, until: durable.lastIndex + 1, bytesMax, signal }),
    close: async () => {
      await reader.close();
      await log.close();
    },
  };
}

async function* noEntries(): AsyncGenerator<readonly Entry[], void, undefined> {}
