import type { CallUnderWay } from '../disk/disk-watch.js';
import type {
  SnapshotRef,
  SnapshotStore,
  SnapshotStream,
  SnapshotWriteRequest,
  StagedSnapshot,
} from '../snapshot/index.js';
import type { SegmentedLog } from '../wal/inside.js';
import type { GivenHardState } from './rules/requests.js';
import type { LogEmitter } from './state/log-emitter.js';
import type { DurableState } from './state/durable-state.js';
import type { BegunCheckpoint } from './copies/write-checkpoint.js';
import type { CheckpointRequest } from './copies/copies-contract.js';
import type { LogSpace, SealedSegmentFile } from './space-contract.js';
import type { VerifyOptions, VerifyReport } from './verify-report.js';

/** Frames, accepted in order, durable in order, read back by the index of their entries. */
export interface FrameStore extends Pick<
  SegmentedLog,
  | 'recovery'
  | 'counters'
  | 'segmentCount'
  | 'latched'
  | 'queuedBytes'
  | 'accept'
  | 'checksumOf'
  | 'read'
  | 'wasDropped'
  | 'dropUnneeded'
  | 'checkFence'
  | 'witnessDurable'
  | 'noteRefusal'
  | 'latch'
> {
  /** Everything up to this LSN lasts. */
  readonly durable: { readonly lsn: number };
}

/** A snapshot to stage, and what its record will say beside its name: for who judges it once more where it lasts. */
export interface StagingRequest extends SnapshotWriteRequest {
  /** From a leader. */
  readonly isInstall: boolean;
  /** What changes with it. */
  readonly hardState: GivenHardState | undefined;
}

/** Snapshots, staged and published. What reads them stands in {@link LogStore.openSnapshot}. */
export interface SnapshotFiles extends Pick<SnapshotStore, 'isFailed' | 'retain' | 'close'> {
  write(request: StagingRequest): Promise<StagedSnapshot>;
}

/**
 * Where a Raft log lasts: a disk, or memory alone. It knows what is stored, and nothing of Raft's rules: those, both views
 * and the reads are the log's own, the same over every store.
 *
 * The store tells `emitter` of its own groups and failures. The log alone changes `durable`, as the frames that it handed
 * over become durable, before anything that comes after is told.
 */
export interface LogStore {
  /** As messages name it. */
  readonly dir: string;
  readonly frames: FrameStore;
  readonly snapshots: SnapshotFiles;
  readonly durable: DurableState;
  readonly emitter: LogEmitter;
  /** Opens a published snapshot, to be read once. */
  openSnapshot(ref: SnapshotRef, signal: AbortSignal | undefined): Promise<SnapshotStream>;
  verify(options: VerifyOptions): Promise<VerifyReport>;
  /** Fixes the moment of a checkpoint. To be called while no snapshot is taken or deleted. */
  beginCheckpoint(request: CheckpointRequest): Promise<BegunCheckpoint>;
  /** Who holds the space. */
  space(): Promise<LogSpace>;
  /** Sealed segments that hold a record above `lsn`, kept until they are handed out. */
  segmentsSince(lsn: number): AsyncIterable<SealedSegmentFile>;
  /** The call of the disk that has been under way longest. */
  oldestCall(): CallUnderWay | null;
  /** Called once, when nothing reads any more and no snapshot is under way; waits for the frames that were accepted. */
  close(): Promise<void>;
}
