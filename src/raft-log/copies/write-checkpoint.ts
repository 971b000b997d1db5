import { join } from 'node:path';
import { changeFailed, syncFailed } from '../../disk/disk-failure.js';
import { syncNames } from '../../disk/durable-names.js';
import { fillNew } from '../../disk/copy-file.js';
import type { Disk } from '../../disk/port.js';
import { writeFully } from '../../disk/write-fully.js';
import { KeelsonError, throwIfAborted } from '../../errors/index.js';
import { encodeCheckpointFile, type CheckpointFile } from '../../format/checkpoint-file.js';
import {
  CHECKPOINT_NAME,
  segmentName,
  SNAPSHOTS_DIRECTORY_NAME,
  WAL_DIRECTORY_NAME,
} from '../../format/names.js';
import type { SnapshotStore } from '../../snapshot/index.js';
import { DirectoryInMaking, type SegmentedLog } from '../../wal/inside.js';
import type { DurableState } from '../state/durable-state.js';
import { ownMeta } from '../state/own-copies.js';
import type { Checkpoint, CheckpointRequest } from './copies-contract.js';

type Copies = SegmentedLog['copies'];

/** What a checkpoint is taken of. */
export interface CheckpointParts {
  readonly disk: Disk;
  readonly dir: string;
  readonly frames: SegmentedLog;
  readonly durable: DurableState;
  readonly snapshots: SnapshotStore;
}

/** A checkpoint whose moment is fixed: the snapshot is in it, and the segments that it names wait to be copied. */
export interface BegunCheckpoint {
  /** Copies them, and makes it count. To be called once; also lets go what the log kept for it. */
  finish(signal: AbortSignal | undefined): Promise<Checkpoint>;
}

/**
 * Fixes the moment of a checkpoint: what is durable at the call. To be called while no snapshot is taken or deleted, since it
 * brings the newest one over. Segments behind it stay where they are until `finish` has ended.
 */
export async function beginCheckpoint(
  parts: CheckpointParts,
  request: CheckpointRequest,
): Promise<BegunCheckpoint> {
  const { disk, dir, frames, snapshots } = parts;
  // Before anything is waited for: all of it is of one moment.
  const { file, named } = momentOf(parts, request);
  const first = named.segments[0]?.header.number;
  const pin = first === undefined ? null : frames.copies.pins.add(first, 'checkpoint');
  try {
    const making = await DirectoryInMaking.begin(disk, request.to, `a checkpoint of ${dir}`);
    try {
      const folder = await making.makeInner(SNAPSHOTS_DIRECTORY_NAME);
      if (named.snapshot !== null) await snapshots.duplicate(named.snapshot, folder);
      await syncNames(disk, folder);
    } catch (error) {
      await making.abandon(error);
      throw error;
    }
    const finish = (signal: AbortSignal | undefined): Promise<Checkpoint> =>
      finishCheckpoint({ disk, making, file, named, copies: frames.copies, pin, signal });
    return { finish };
  } catch (error) {
    pin?.letGo();
    throw error;
  }
}

interface Moment {
  readonly file: CheckpointFile;
  readonly named: {
    readonly snapshot: DurableState['snapshotName'];
    readonly meta: DurableState['snapshotMeta'];
    readonly hardState: DurableState['hardState'];
    readonly segments: ReturnType<Copies['above']>;
  };
}

function momentOf({ dir, frames, durable }: CheckpointParts, { scope }: CheckpointRequest): Moment {
  const { snapshotName: snapshot, snapshotMeta: meta, hardState, lastIndex, lastTerm } = durable;
  const covered = Math.max(durable.firstIndex - 1, snapshot?.index ?? 0);
  if (scope === 'all' && lastIndex > covered) throw uncovered(dir, lastIndex, covered);
  const state = durable.copy();
  if (scope === 'all') state.compactToSnapshot();
  const segments = scope === 'all' ? [] : frames.copies.above(covered);
  const { lsn } = frames.durable;
  const { highest, fence } = frames.epochs;
  const file: CheckpointFile = {
    scope,
    lineage: frames.lineage,
    state: state.preambleState(),
    proven: { lsn, lastIndex, lastTerm },
    replayAfter: segments[0] === undefined ? lsn : segments[0].header.firstLsn - 1,
    highest: { epoch: highest, segment: frames.copies.range.newest },
    fence,
    segmentBytes: frames.copies
      .above(0)
      .reduce((smallest, { header }) => Math.min(smallest, header.segmentBytes), Infinity),
    segments: segments.map(({ header, bytes }) => {
      const { number, identity, firstLsn } = header;
      return { number, identity, firstLsn, bytes };
    }),
  };
  return { file, named: { snapshot, meta, hardState, segments } };
}

function uncovered(dir: string, found: number, expected: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_UNAVAILABLE',
    `a checkpoint of scope 'all' names no segment, and the log in ${dir} holds entries up to ${found}, of which the snapshot covers those up to ${expected}; nothing was made. Take a snapshot at ${found} first, or a checkpoint of scope 'durable'.`,
    { path: dir, found, expected },
  );
}

interface FinishRequest extends Moment {
  readonly disk: Disk;
  readonly making: DirectoryInMaking;
  readonly copies: Copies;
  readonly pin: ReturnType<Copies['pins']['add']> | null;
  readonly signal: AbortSignal | undefined;
}

async function finishCheckpoint(request: FinishRequest): Promise<Checkpoint> {
  const { disk, making, file, named, copies, pin, signal } = request;
  const walDir = join(making.path, WAL_DIRECTORY_NAME);
  try {
    const stop = (): void => throwIfAborted('the checkpoint', signal);
    stop();
    if (named.segments.length > 0) {
      await making.makeInner(WAL_DIRECTORY_NAME);
      for (const segment of named.segments) {
        await copies.copy(segment, join(walDir, segmentName(segment.header.number)), stop);
        pin?.advance(segment.header.number + 1);
      }
      await syncNames(disk, walDir);
    }
    stop();
    await writeCheckpointFile(disk, making.path, file);
    await making.end();
  } catch (error) {
    await making.abandon(error);
    throw error;
  } finally {
    pin?.letGo();
  }
  const { scope, replayAfter } = file;
  const { meta, hardState } = named;
  const segments = file.segments.map(({ number, firstLsn, bytes }) =>
    Object.freeze({ number, path: join(walDir, segmentName(number)), firstLsn, bytes }),
  );
  const snapshot = meta === null ? null : ownMeta(meta);
  return Object.freeze({ scope, snapshot, segments, replayAfter, hardState });
}

/** Writes the file that makes a directory a checkpoint. Resolved: its bytes are durable, its name is not. */
export async function writeCheckpointFile(disk: Disk, dir: string, file: CheckpointFile): Promise<void> {
  const path = join(dir, CHECKPOINT_NAME);
  const next = { fate: 'No checkpoint was made.', then: 'take it again' };
  let isSyncing = false;
  try {
    await fillNew(disk, path, async (into) => {
      await writeFully(into, encodeCheckpointFile(file), 0);
      isSyncing = true;
    });
  } catch (error) {
    if (isSyncing) throw syncFailed('a checkpoint', { path }, error, next);
    throw changeFailed('a checkpoint', { path }, error, next);
  }
}
