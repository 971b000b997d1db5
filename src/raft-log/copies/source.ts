import { join } from 'node:path';
import type { HeldEnvironment } from '../../disk/held-disk.js';
import { isKeelsonError, KeelsonError, throwIfAborted } from '../../errors/index.js';
import type { CheckpointFile } from '../../format/checkpoint-file.js';
import { segmentName } from '../../format/names.js';
import type { DurableMark } from '../../format/position.js';
import type { SnapshotStore } from '../../snapshot/index.js';
import {
  openCopied,
  openToCopy,
  readCheckpointFile,
  requestBeside,
  StorePaths,
  type SegmentedLog,
} from '../../wal/inside.js';
import { EntryReader } from '../read/entry-reader.js';
import { SnapshotsAtOpen } from '../snapshots/snapshots-at-open.js';
import { AcceptedState } from '../state/accepted-state.js';
import { CoveredState } from '../state/covered-state.js';
import { RecentEntries } from '../state/recent-entries.js';
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

/** A store or a checkpoint, opened for reading: a log as it was at one LSN. */
export interface CopySource {
  readonly durable: CoveredState;
  /** Null: of a checkpoint that names no segment. */
  readonly log: SegmentedLog | null;
  readonly snapshots: SnapshotStore;
  readonly lineage: Uint8Array;
  /** Its end. */
  readonly proven: DurableMark;
  /** The highest that the source may have used. */
  readonly highest: { readonly epoch: number; readonly segment: number };
  readonly segmentBytes: number;
  /** The most to read, write and sync in one go, for its writer's sake; undefined: there is none. */
  readonly pieceBytes: number | undefined;
  /** Segments that are not there and not needed. */
  readonly skipped: readonly string[];
  /** Null: it is no checkpoint. */
  readonly checkpoint: CheckpointFile | null;
  /** All entries that it holds, in order, each held against its own checksum. */
  entries(signal: AbortSignal | undefined): AsyncIterable<readonly Entry[]>;
  close(): Promise<void>;
}

/**
 * Opens a store or a checkpoint to copy it. Changes nothing, takes no lock, safe beside a live writer.
 *
 * Errors: those of a read-only open; for a checkpoint also `KEELSON_CORRUPT` and `KEELSON_INCOMPATIBLE_FORMAT` of its own file.
 */
async function openSource(place: SourcePlace): Promise<CopySource> {
  const file = await readCheckpointFile(place.environment.disk, place.dir);
  return file === null ? openStore(place) : openCheckpoint(place, file);
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

function requestOf({ environment, dir, walDir, readsAll, signal }: SourcePlace, layer: CoveredState) {
  const request = requestBeside(environment, new StorePaths(dir, walDir), 0, layer);
  const verifyOnOpen = readsAll === true ? ('all' as const) : ('tail' as const);
  return { ...request, readOnly: true, walDirMayDiffer: true, verifyOnOpen, signal };
}

async function openStore(place: SourcePlace): Promise<CopySource> {
  const { environment, dir } = place;
  const atOpen = new SnapshotsAtOpen(environment, dir, true);
  const durable = new CoveredState(atOpen);
  const { log, judged } = await openToCopy(requestOf(place, durable));
  const { superblock, judgement, listing } = judged;
  const { lineage, newestSegment, firstSegment } = superblock;
  const live = judgement.segments.map(({ header }) => header);
  return {
    ...readOf(place, log, durable, BESIDE_WRITER_BYTES),
    pieceBytes: BESIDE_WRITER_BYTES,
    snapshots: await atOpen.opened(lineage),
    lineage,
    proven: log.durable,
    highest: {
      epoch: judgement.highestEpoch,
      segment: [...live.map(({ number }) => number), ...(listing.segments ?? [])].reduce(
        (highest, number) => Math.max(highest, number),
        newestSegment,
      ),
    },
    segmentBytes: live.reduce((bytes, header) => Math.min(bytes, header.segmentBytes), Infinity),
    skipped: pathsOf(place, firstSegment, live[0]?.number ?? firstSegment),
    checkpoint: null,
  };
}

async function openCheckpoint(place: SourcePlace, file: CheckpointFile): Promise<CopySource> {
  const { environment, dir } = place;
  const { lineage, proven, highest, segmentBytes, state, segments } = file;
  const atOpen = new SnapshotsAtOpen(environment, dir, true);
  const durable = new CoveredState(atOpen);
  const request = requestOf(place, durable);
  const ofFile = { lineage, proven, highest, segmentBytes, checkpoint: file };
  const opened = { ...ofFile, pieceBytes: undefined, durable, log: null };
  const [first] = segments;
  if (first === undefined) {
    durable.restorePreamble({ state, end: proven, firstLsn: proven.lsn + 1 }, true);
    await durable.judged({ lineage });
    const snapshots = await atOpen.opened(lineage);
    return { ...opened, snapshots, skipped: [], entries: noEntries, close: () => Promise.resolve() };
  }
  const log = await openCopied(request, new StorePaths(place.dir, place.walDir), file);
  const snapshots = await atOpen.opened(lineage);
  const skipped = pathsOf(place, first.number, log.copies.range.oldest);
  return { ...opened, ...readOf(place, log, durable), snapshots, skipped };
}

async function* noEntries(): AsyncGenerator<readonly Entry[], void, undefined> {
  // Nothing is behind the snapshot.
}

function pathsOf({ dir, walDir }: SourcePlace, from: number, until: number): readonly string[] {
  const paths = new StorePaths(dir, walDir);
  return Array.from({ length: Math.max(0, until - from) }, (_, at) =>
    join(paths.walDir, segmentName(from + at)),
  );
}

function readOf(
  { dir }: SourcePlace,
  log: SegmentedLog,
  durable: CoveredState,
  pieceBytes?: number,
): Pick<CopySource, 'durable' | 'log' | 'entries' | 'close'> {
  const reader = new EntryReader(
    log,
    durable,
    new AcceptedState(durable, () => undefined),
    new RecentEntries(0),
    dir,
  );
  const entries = (signal: AbortSignal | undefined): AsyncIterable<readonly Entry[]> =>
    reader.chunks({
      from: durable.firstIndex,
      until: durable.lastIndex + 1,
      bytesMax: pieceBytes,
      signal,
    });
  return {
    durable,
    log,
    entries,
    close: async () => {
      await reader.close();
      await log.close();
    },
  };
}
