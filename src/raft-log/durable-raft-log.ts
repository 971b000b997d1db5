import type { OpenedSnapshot, SnapshotMeta } from './snapshot-contract.js';
import type { VerifyOptions, VerifyReport } from './verify-report.js';
import type { DiskWatch } from '../disk/disk-watch.js';
import type { Environment } from '../disk/environment.js';
import { isKeelsonError, KeelsonError, throwIfAborted } from '../errors/index.js';
import type { SnapshotStore } from '../snapshot/index.js';
import { letGo } from '../snapshot/let-go.js';
import { type RecoveryReport, closedError, failedError, type SegmentedLog } from '../wal/inside.js';
import { AcceptedState } from './state/accepted-state.js';
import type {
  AcceptedView,
  CreateSnapshotRequest,
  Entry,
  HardState,
  HardStateChange,
  InstallSnapshotRequest,
  LogStatus,
  OpenSnapshotOptions,
  RaftLog,
  ReadEntry,
  ReadOptions,
  SaveRequest,
  SaveResult,
  StreamOptions,
} from './contract.js';
import type { DurableState } from './state/durable-state.js';
import { draftCompaction, draftSave } from './state/encode-save.js';
import { EntryReader } from './read/entry-reader.js';
import type { RaftLogEvents } from './events.js';
import { FrameQueue } from './state/frame-queue.js';
import { judgeCompact, judgeRange, judgeTerm } from './rules/judge-range.js';
import { judgeSave } from './rules/judge-save.js';
import { judgeCreateSnapshot, judgeInstallSnapshot, type SnapshotPlan } from './rules/judge-snapshot.js';
import type { ResolvedOptions } from './rules/options.js';
import { openSnapshotOptionsOf, readOptionsOf, streamOptionsOf } from './rules/read-options.js';
import {
  installFieldsOf,
  readInstall,
  readSave,
  readSnapshot,
  readVerifyOptions,
  snapshotFieldsOf,
} from './rules/requests.js';
import { takeRequested } from './snapshots/snapshot-request.js';
import { SnapshotTurns, type SnapshotTurn } from './snapshots/snapshot-turns.js';
import type { RaftLogHealth, RaftLogStats } from './stats.js';
import type { LogEmitter } from './state/log-emitter.js';
import { shownLog } from './state/shown-log.js';
import { verifyStore } from './verify-store.js';

/** What an opened log is made of. */
export interface DurableRaftLogParts {
  readonly environment: Environment;
  /** What stands before the environment's disk. */
  readonly watch: DiskWatch;
  readonly options: ResolvedOptions;
  readonly log: SegmentedLog;
  readonly durable: DurableState;
  readonly snapshots: SnapshotStore;
  readonly emitter: LogEmitter;
}

/** The {@link RaftLog} on a disk. Made by `openRaftLog`. */
export class DurableRaftLog implements RaftLog {
  readonly recovery: RecoveryReport;
  readonly accepted: AcceptedView;
  readonly events: RaftLogEvents;
  readonly #parts: DurableRaftLogParts;
  readonly #log: SegmentedLog;
  readonly #durable: DurableState;
  readonly #accepted: AcceptedState;
  readonly #queue: FrameQueue;
  readonly #reader: EntryReader;
  readonly #turns: SnapshotTurns;
  readonly #snapshotCall: { readonly owner: object; readonly throwIfUnwritable: () => void };
  #closing: Promise<void> | null = null;

  constructor(parts: DurableRaftLogParts) {
    const { log, durable, snapshots: store, emitter, options } = parts;
    this.#parts = parts;
    this.#log = log;
    this.#durable = durable;
    this.#accepted = new AcceptedState(durable, (index) => log.checksumOf(index));
    this.#queue = new FrameQueue(log, durable, this.#accepted);
    this.#reader = new EntryReader(log, durable, this.#accepted, options.dir);
    const { snapshotsKept } = options;
    this.#snapshotCall = {
      owner: store,
      throwIfUnwritable: () => {
        this.#checkWritable();
      },
    };
    store.guardBy(() => log.checkFence());
    this.#turns = new SnapshotTurns({ log, store, durable, queue: this.#queue, snapshotsKept });
    this.recovery = log.recovery;
    this.events = emitter;
    this.accepted = shownLog(this, parts.options.dir, this.#acceptedView());
  }

  get hardState(): HardState {
    return this.#durable.hardState;
  }
  get firstIndex(): number {
    return this.#durable.firstIndex;
  }
  get lastIndex(): number {
    return this.#durable.lastIndex;
  }
  get lastTerm(): number {
    return this.#durable.lastTerm;
  }
  get snapshot(): SnapshotMeta | null {
    const meta = this.#durable.snapshotMeta;
    return meta === null ? null : ownMeta(meta);
  }
  get snapshots(): readonly SnapshotMeta[] {
    return this.#durable.snapshots.map(({ meta }) => ownMeta(meta));
  }
  get unfitUntil(): number {
    const { unfitUntil, hardState } = this.#durable;
    return hardState.commit >= unfitUntil ? 0 : unfitUntil;
  }
  get status(): LogStatus {
    if (this.#log.latched !== null) return 'failed';
    if (this.#closing !== null) return 'closed';
    return this.#parts.options.readOnly ? 'read-only' : 'open';
  }

  // Not async: a promise more for each save would cost more than the judgement.
  save(request: SaveRequest): Promise<SaveResult> {
    try {
      this.#checkWritable();
      const given = readSave(request);
      // A getter of the request may have closed the log.
      this.#checkWritable();
      const plan = judgeSave(this.#accepted, given, this.#parts.options);
      const { lastIndex } = plan;
      const lsn = plan.isEmpty
        ? this.#queue.whenDurable()
        : this.#queue.accept(draftSave(this.#accepted, plan));
      return lsn.then((durableLsn) => ({ lsn: durableLsn, lastIndex }));
    } catch (error) {
      return Promise.reject<SaveResult>(error);
    }
  }

  // `?? null`: a short form called with nothing is a mistake, not a save of nothing.
  append(entries: readonly Entry[]): Promise<SaveResult> {
    return this.save({ entries: entries ?? null });
  }
  setHardState(change: HardStateChange): Promise<SaveResult> {
    return this.save({ hardState: change ?? null });
  }
  truncateFrom(index: number): Promise<SaveResult> {
    return this.save({ truncateFrom: index ?? null });
  }

  async drained(): Promise<void> {
    this.#checkWritable();
    await this.#queue.whenRoom(this.#parts.options.queueBytesMax / 2);
    this.#checkNotFailed();
  }

  term(index: number): number {
    this.#checkReadable();
    return judgeTerm(this.#durable, index);
  }

  async entries(from: number, until: number, options?: ReadOptions): Promise<ReadEntry[]> {
    this.#checkReadable();
    const { bytesMax, signal } = readOptionsOf(options);
    judgeRange(this.#durable, from, until);
    return this.#reader.durable({ from, until, bytesMax, signal });
  }

  async *stream(
    from: number,
    until: number,
    options?: StreamOptions,
  ): AsyncGenerator<ReadEntry, void, undefined> {
    this.#checkReadable();
    const { signal } = streamOptionsOf(options);
    judgeRange(this.#durable, from, until);
    for await (const chunk of this.#reader.chunks({ from, until, bytesMax: Infinity, signal })) {
      for (const entry of chunk) {
        throwIfAborted('the stream', signal);
        yield entry;
      }
      this.#checkReadable();
    }
  }

  async createSnapshot(request: CreateSnapshotRequest): Promise<SnapshotMeta> {
    const call = { request, fieldsOf: snapshotFieldsOf, read: readSnapshot, ...this.#snapshotCall };
    return takeRequested(call, (given) => {
      const { index } = given;
      const { term } = judgeCreateSnapshot(this.#accepted, { index });
      const judge = (): SnapshotPlan => judgeCreateSnapshot(this.#accepted, { index, term });
      return this.#takeSnapshot({ ...given, term, judge, isInstall: false });
    });
  }

  async installSnapshot(request: InstallSnapshotRequest): Promise<SnapshotMeta> {
    const call = { request, fieldsOf: installFieldsOf, read: readInstall, ...this.#snapshotCall };
    return takeRequested(call, (given) => {
      const judge = (): SnapshotPlan => judgeInstallSnapshot(this.#accepted, given, this.#parts.options);
      // What is held already will be so when its turn comes.
      if (judge().isHeld) letGo(() => given.data);
      return this.#takeSnapshot({ ...given, judge, isInstall: true });
    });
  }

  async #takeSnapshot(turn: SnapshotTurn): Promise<SnapshotMeta> {
    const { meta, isNew } = await this.#turns.take(turn, this.#snapshotCall.throwIfUnwritable);
    if (isNew) this.#parts.emitter.tell('snapshot', { meta: ownMeta(meta), installed: turn.isInstall });
    return ownMeta(meta);
  }

  async openSnapshot(options?: OpenSnapshotOptions): Promise<OpenedSnapshot | null> {
    this.#checkReadable();
    return this.#openKept(openSnapshotOptionsOf(options));
  }

  async #openKept(wanted: ReturnType<typeof openSnapshotOptionsOf>): Promise<OpenedSnapshot | null> {
    const { index, signal } = wanted;
    const kept = this.#durable.snapshots.find(({ name }) => index === undefined || name.index === index);
    if (kept === undefined) return null;
    const { name, meta } = kept;
    try {
      const { data } = await this.#parts.snapshots.open(name, signal);
      const close = (): Promise<void> => data.close();
      return { meta: ownMeta(meta), data, close, [Symbol.asyncDispose]: close };
    } catch (error) {
      if (!isKeelsonError(error, 'KEELSON_MISSING_SNAPSHOT')) throw error;
      throw await this.#whyMissing(name.index, error);
    }
  }

  /** What another writer has deleted is no damage: beside a log that only reads (R10), or behind one that lost its lock (D11). */
  async #whyMissing(index: number, error: KeelsonError): Promise<KeelsonError> {
    const { options, snapshots } = this.#parts;
    if (!options.readOnly) {
      await this.#log.checkFence();
      return error;
    }
    const isSuperseded = (await snapshots.list()).some((published) => published.index > index);
    if (!isSuperseded) return error;
    const message = `the snapshot at ${String(index)} was replaced by a newer one since ${options.dir} was opened for reading. Open it again.`;
    return new KeelsonError('KEELSON_COMPACTED', message, { path: options.dir, index }, error);
  }

  async compact(upTo: number): Promise<{ readonly bytesFreed: number }> {
    this.#checkWritable();
    const { isEmpty } = judgeCompact(this.#accepted, upTo);
    if (isEmpty) {
      // What a full disk kept from being freed the last time may be freed now.
      const bytesFreed = await this.#turns.track(
        this.#queue.whenDurable().then(() => this.#turns.freeUnneeded()),
      );
      return { bytesFreed };
    }
    const compacted = this.#queue.accept(draftCompaction(this.#accepted, upTo));
    const bytesFreed = await this.#turns.track(compacted.then(() => this.#turns.freeUnneeded()));
    this.#parts.emitter.tell('compacted', { upTo, bytesFreed });
    return { bytesFreed };
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    this.#checkReadable();
    const { environment, options: opened } = this.#parts;
    const { dir, walDir, walDirIsSeparate } = opened;
    const { signal, onProgress } = readVerifyOptions(options);
    return verifyStore({
      environment,
      dir,
      walDir: walDirIsSeparate ? walDir : null,
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  }

  stats(): RaftLogStats {
    const { groups, syncs, frameBytes, zeroFillBytes, rotations, segmentsRecycled, syncMs } =
      this.#log.counters;
    const { endMarksFailed, sparseBytes } = this.#log.counters;
    return {
      ...this.#queue.counts,
      groups,
      syncs,
      frameBytes,
      zeroFillBytes,
      rotations,
      segmentsRecycled,
      segmentsLive: this.#log.segmentCount,
      queuedSaves: this.#accepted.queuedCount,
      queuedBytes: this.#log.queuedBytes,
      syncMs: syncMs.summary(),
      endMarksFailed,
      sparseBytes,
    };
  }

  health(): RaftLogHealth {
    return { oldestCall: this.#parts.watch.oldest, syncMs: this.#log.counters.syncMs.summary() };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * Deletes the snapshots and segments that no durable record needs: at open, those that a crash kept from being
   * deleted (D10). Rejects with what made the log fail, if it did: a log is not opened only to say so.
   */
  async finishDeletions(): Promise<void> {
    await this.#turns.inTurn(() => this.#turns.clean());
    await this.#turns.freeUnneeded();
    if (this.#log.latched !== null) throw this.#log.latched;
  }

  /**
   * Refuses votes until commit has reached `until`, and goes to `term`, which is above the present one, without a
   * vote. Both slots of the superblock first: a crash in front of the term leaves a server that does not vote. The
   * preamble of a new segment last, so that no one file is the only one that knows it.
   */
  async markUnfit(until: number, term: number): Promise<void> {
    this.#checkWritable();
    this.#durable.unfitUntil = Math.max(this.#durable.unfitUntil, until);
    await this.#log.markUnfit(this.#durable.unfitUntil);
    await this.setHardState({ term });
    await this.#log.beginSegment();
  }

  async #close(): Promise<void> {
    await Promise.all([this.#turns.close(), this.#reader.close(), this.#parts.snapshots.close()]);
    await this.#log.close();
    this.#parts.watch.close();
  }

  #checkReadable(): void {
    if (this.#closing !== null) throw closedError(this.#parts.options.dir);
  }

  #checkWritable(): void {
    this.#checkReadable();
    const { dir, readOnly } = this.#parts.options;
    if (readOnly) {
      throw new KeelsonError(
        'KEELSON_READ_ONLY',
        `the log in ${dir} was opened with readOnly; nothing was changed. Open it without.`,
        { path: dir },
      );
    }
    this.#checkNotFailed();
  }

  #checkNotFailed(): void {
    const { latched } = this.#log;
    if (latched !== null) throw failedError(this.#parts.options.dir, latched);
  }

  #acceptedView(): AcceptedView {
    const state = this.#accepted;
    const term = (index: number): number => {
      this.#checkReadable();
      return judgeTerm(state, index);
    };
    const entries = async (from: number, until: number, options?: ReadOptions): Promise<ReadEntry[]> => {
      this.#checkReadable();
      const { bytesMax, signal } = readOptionsOf(options);
      judgeRange(state, from, until);
      return this.#reader.accepted({ from, until, bytesMax, signal });
    };
    return {
      get lastIndex() {
        return state.lastIndex;
      },
      get lastTerm() {
        return state.lastTerm;
      },
      get hardState() {
        return state.hardState;
      },
      term,
      entries,
    };
  }
}

/** Returned bytes belong to the caller. */
function ownMeta(meta: SnapshotMeta): SnapshotMeta {
  return { ...meta, conf: Uint8Array.from(meta.conf) };
}
