import type { CallUnderWay, DiskWatch } from '../disk/disk-watch.js';
import type { Environment } from '../disk/environment.js';
import { isKeelsonError, KeelsonError } from '../errors/index.js';
import type { SnapshotRef, SnapshotStore, SnapshotStream } from '../snapshot/index.js';
import { segmentName } from '../format/names.js';
import { StorePaths, type SegmentedLog } from '../wal/inside.js';
import type { CheckpointRequest } from './copies/copies-contract.js';
import { beginCheckpoint, type BegunCheckpoint } from './copies/write-checkpoint.js';
import type { LogStore } from './log-store.js';
import type { ResolvedOptions } from './rules/options.js';
import type { DurableState } from './state/durable-state.js';
import type { LogEmitter } from './state/log-emitter.js';
import type { LogSpace, SealedSegmentFile } from './space-contract.js';
import { spaceOfLog } from './space-of-log.js';
import type { VerifyOptions, VerifyReport } from './verify-report.js';
import { verifyStore } from './verify-store.js';

/** What an opened log on a disk is made of. */
export interface DiskStoreParts {
  readonly environment: Environment;
  /** What stands before the environment's disk. */
  readonly watch: DiskWatch;
  readonly options: ResolvedOptions;
  readonly frames: SegmentedLog;
  readonly durable: DurableState;
  readonly snapshots: SnapshotStore;
  readonly emitter: LogEmitter;
}

/** Who keeps a snapshot that a newer one has replaced, as messages name them. */
const READER = 'snapshot reader';

/** Segments and snapshots on a disk. Made by `openRaftLog`. */
export class DiskStore implements LogStore {
  readonly dir: string;
  readonly frames: SegmentedLog;
  readonly snapshots: SnapshotStore;
  readonly durable: DurableState;
  readonly emitter: LogEmitter;
  readonly #parts: DiskStoreParts;

  constructor(parts: DiskStoreParts) {
    const { frames, snapshots, durable, emitter, options } = parts;
    this.dir = options.dir;
    this.frames = frames;
    this.snapshots = snapshots;
    this.durable = durable;
    this.emitter = emitter;
    this.#parts = parts;
    snapshots.guardBy(
      () => frames.checkFence(),
      (bytes) => {
        if (bytes > options.pinnedBytesQuiet) emitter.tell('pinned', { holder: READER, bytes, ageMs: 0 });
      },
    );
  }

  async openSnapshot(ref: SnapshotRef, signal: AbortSignal | undefined): Promise<SnapshotStream> {
    try {
      return await this.snapshots.open(ref, signal);
    } catch (error) {
      if (!isKeelsonError(error, 'KEELSON_MISSING_SNAPSHOT')) throw error;
      throw await this.#whyMissing(ref.index, error);
    }
  }

  /** What another writer has deleted is no damage: beside a log that only reads (R10), or behind one that lost its lock (D11). */
  async #whyMissing(index: number, error: KeelsonError): Promise<KeelsonError> {
    if (!this.#parts.options.readOnly) {
      await this.frames.checkFence();
      return error;
    }
    const isSuperseded = (await this.snapshots.list()).some((published) => published.index > index);
    if (!isSuperseded) return error;
    const message = `the snapshot at ${String(index)} was replaced by a newer one since ${this.dir} was opened for reading. Open it again.`;
    return new KeelsonError('KEELSON_COMPACTED', message, { path: this.dir, index }, error);
  }

  verify(options: VerifyOptions): Promise<VerifyReport> {
    const { environment, options: opened } = this.#parts;
    return verifyStore({ ...options, environment, dir: this.dir, walDir: opened.walDir });
  }

  async beginCheckpoint(request: CheckpointRequest): Promise<BegunCheckpoint> {
    const { environment, frames, durable, snapshots } = this.#parts;
    const { disk } = environment;
    try {
      return await beginCheckpoint({ disk, dir: this.dir, frames, durable, snapshots }, request);
    } catch (error) {
      const { snapshotName } = durable;
      if (!isKeelsonError(error, 'KEELSON_MISSING_SNAPSHOT') || snapshotName === null) throw error;
      throw await this.#whyMissing(snapshotName.index, error);
    }
  }

  space(): Promise<LogSpace> {
    const { environment, frames, durable, options, snapshots } = this.#parts;
    const readers = snapshots.heldByReaders().map((held) => ({ holder: READER, ...held }));
    const { snapshotName: snapshot } = durable;
    const firstOf = (boundary: number): number => frames.copies.above(boundary)[0]?.header.number ?? 0;
    return spaceOfLog({
      disk: environment.disk,
      paths: new StorePaths(this.dir, options.walDir),
      firstNeeded: firstOf(durable.boundary()),
      firstBehindSnapshot: firstOf(Math.max(durable.boundary(), snapshot?.index ?? 0)),
      snapshot,
      pins: [...frames.copies.holdings(), ...readers],
    });
  }

  async *segmentsSince(lsn: number): AsyncGenerator<SealedSegmentFile, void, undefined> {
    const { frames } = this.#parts;
    const [first, ...more] = frames.copies.sealedAbove(lsn);
    const { firstLsn: oldest } = frames.copies;
    if (oldest > lsn + 1) throw dropped(this.dir, lsn + 1, oldest);
    if (first === undefined) return;
    const pin = frames.copies.pins.add(first.header.number, 'archiver');
    try {
      for (const segment of [first, ...more]) {
        const { number, firstLsn } = segment.header;
        pin.advance(number);
        const data = (): AsyncIterable<Uint8Array> => frames.copies.bytesOf(segment);
        yield {
          number,
          firstLsn,
          lastLsn: segment.lastLsn,
          name: segmentName(number),
          bytes: segment.bytes,
          data,
        };
      }
    } finally {
      pin.letGo();
      // What was kept for it alone may go.
      if (!this.#parts.options.readOnly && frames.latched === null)
        await frames.dropUnneeded().catch(() => undefined);
    }
  }

  oldestCall(): CallUnderWay | null {
    return this.#parts.watch.oldest;
  }

  async close(): Promise<void> {
    await this.frames.close();
    this.#parts.watch.close();
  }
}

function dropped(path: string, lsn: number, expected: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_COMPACTED',
    `the record of LSN ${lsn} was dropped from ${path}, which begins at LSN ${expected}. Archive a checkpoint, and go on from the LSN that it was taken at.`,
    { path, found: lsn, expected },
  );
}
