import { checkInteger } from '../errors/arguments.js';
import { throwIfAborted } from '../errors/index.js';
import { letGo } from '../snapshot/let-go.js';
import { closedError, failedError, readOnlyError } from '../errors/log-refusals.js';
import type { RecoveryReport } from '../wal/report/recovery-report.js';
import type {
  AcceptedView,
  CreateSnapshotRequest,
  Entry,
  HardState,
  HardStateChange,
  InMemoryOptions,
  InstallSnapshotRequest,
  LogStatus,
  OpenedSnapshot,
  OpenSnapshotOptions,
  RaftLog,
  ReadEntry,
  ReadOptions,
  SaveRequest,
  SaveResult,
  SnapshotMeta,
  StreamOptions,
} from './contract.js';
import type { Checkpoint, CheckpointRequest } from './copies/copies-contract.js';
import { CopiesUnderWay } from './copies/copies-under-way.js';
import type { RaftLogEvents } from './events.js';
import type { FrameStore, LogStore } from './log-store.js';
import { EntryReader, type ReadRange } from './read/entry-reader.js';
import { acceptedView } from './read/accepted-view.js';
import { replaced } from './read/chunks.js';
import { EntryStream } from './read/entry-stream.js';
import { judgeCompact, judgeRange, judgeTerm } from './rules/judge-range.js';
import { judgeSave } from './rules/judge-save.js';
import { judgeCreateSnapshot, judgeInstallSnapshot, type SnapshotPlan } from './rules/judge-snapshot.js';
import type { ResolvedOptions } from './rules/options.js';
import {
  inMemoryOptionsOf,
  openSnapshotOptionsOf,
  readOptionsOf,
  streamOptionsOf,
} from './rules/read-options.js';
import {
  INSTALL_FIELDS,
  readInstall,
  readSave,
  readSnapshot,
  readVerifyOptions,
  SNAPSHOT_FIELDS,
} from './rules/requests.js';
import { takeRequested } from './snapshots/snapshot-request.js';
import { SnapshotTurns, type SnapshotTurn } from './snapshots/snapshot-turns.js';
import { AcceptedState } from './state/accepted-state.js';
import type { DurableState } from './state/durable-state.js';
import { draftCompaction, draftSave, draftUnfit } from './state/encode-save.js';
import { FrameQueue } from './state/frame-queue.js';
import { RecentEntries } from './state/recent-entries.js';
import { shownLog } from './state/shown-log.js';
import { ownMeta, ownValues } from './state/own-copies.js';
import { statsOf } from './state/stats-of.js';
import type { RaftLogHealth, RaftLogStats } from './stats.js';
import type { LogSpace, SealedSegmentFile } from './space-contract.js';
import type { VerifyOptions, VerifyReport } from './verify-report.js';

/** Options that the rules, views and reads of a log depend on. */
export type LogRules = Pick<
  ResolvedOptions,
  'checks' | 'readOnly' | 'snapshotsKept' | 'queueBytesMax' | 'recentBytes'
>;

/** The {@link RaftLog}: rules, views and reads, the same over every {@link LogStore}. */
export class StoredRaftLog implements RaftLog {
  readonly recovery: RecoveryReport;
  readonly accepted: AcceptedView;
  readonly events: RaftLogEvents;
  readonly #store: LogStore;
  readonly #rules: LogRules;
  readonly #frames: FrameStore;
  readonly #durable: DurableState;
  readonly #accepted: AcceptedState;
  readonly #recent: RecentEntries;
  readonly #queue: FrameQueue;
  readonly #reader: EntryReader;
  readonly #turns: SnapshotTurns;
  readonly #snapshotCall: { readonly owner: object; readonly throwIfUnwritable: () => void };
  readonly #copies: CopiesUnderWay;
  #closing: Promise<void> | null = null;

  /** @param store - the log's own from now on: it closes it */
  constructor(store: LogStore, rules: LogRules) {
    const { frames, durable } = store;
    this.#store = store;
    this.#rules = rules;
    this.#frames = frames;
    this.#durable = durable;
    this.#accepted = new AcceptedState(durable, (index) => frames.checksumOf(index));
    this.#recent = new RecentEntries(rules.recentBytes);
    this.#queue = new FrameQueue(frames, durable, this.#accepted, this.#recent);
    this.#reader = new EntryReader(frames, durable, store.dir);
    this.#turns = new SnapshotTurns(store, this.#queue, rules.snapshotsKept);
    this.#copies = new CopiesUnderWay(store, this.#queue, this.#turns, rules.readOnly);
    this.#snapshotCall = {
      owner: store.snapshots,
      throwIfUnwritable: () => this.#checkWritable(),
    };
    this.recovery = frames.recovery;
    this.events = store.emitter;
    const accepted = acceptedView(this.#accepted, this.#recent, this.#reader, () => this.#checkReadable());
    this.accepted = shownLog(this, store.dir, accepted);
  }

  get hardState(): HardState {
    return this.#durable.hardState;
  }
  get stable(): ReadonlyMap<string, Uint8Array<ArrayBuffer>> {
    return ownValues(this.#durable.stable);
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
    if (this.#frames.latched !== null) return 'failed';
    if (this.#closing !== null) return 'closed';
    return this.#rules.readOnly ? 'read-only' : 'open';
  }

  // Not async, and the frame's own promise: one more for each save would cost more than the judgement.
  save(request: SaveRequest): Promise<SaveResult> {
    try {
      this.#checkWritable();
      const given = readSave(request);
      // A getter of the request may have closed the log.
      this.#checkWritable();
      const plan = judgeSave(this.#accepted, given, this.#rules);
      if (plan.isEmpty) return this.#queue.whenDurable();
      return this.#queue.accept(draftSave(this.#accepted, plan));
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
    await this.#queue.whenRoom(this.#rules.queueBytesMax / 2);
    this.#checkNotFailed();
  }

  term(index: number): number {
    this.#checkReadable();
    return judgeTerm(this.#durable, index);
  }

  async entries(from: number, until: number, options?: ReadOptions): Promise<ReadEntry[]> {
    return this.#reader.durable(this.#range(from, until, options, readOptionsOf));
  }

  stream(from: number, until: number, options?: StreamOptions): AsyncIterable<ReadEntry> {
    return new EntryStream(() => {
      const { signal } = streamOptionsOf(options);
      const { cuts } = this.#durable;
      let cutsBefore = cuts.count;
      return {
        chunks: this.#chunks(from, until, signal),
        onChunk: () => {
          cutsBefore = cuts.count;
        },
        // How far a stream reads ahead must not decide how much of a replaced log it shows.
        check: (index) => {
          throwIfAborted('the stream', signal);
          if (cuts.lowestSince(cutsBefore) <= index) throw replaced(index);
        },
      };
    });
  }

  async *streamChunks(
    from: number,
    until: number,
    options?: StreamOptions,
  ): AsyncGenerator<ReadEntry[], void, undefined> {
    yield* this.#chunks(from, until, streamOptionsOf(options).signal);
  }

  #chunks(
    from: number,
    until: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<ReadEntry[], void, undefined> {
    this.#checkReadable();
    judgeRange(this.#durable, from, until);
    return this.#reader.chunks({ from, until, bytesMax: Infinity, signal });
  }

  entriesInMemory(from: number, until: number, options?: InMemoryOptions): ReadEntry[] | null {
    const { bytesMax } = this.#range(from, until, options, inMemoryOptionsOf);
    return this.#recent.read(from, until, bytesMax);
  }

  async createSnapshot(request: CreateSnapshotRequest): Promise<SnapshotMeta> {
    const call = { request, known: SNAPSHOT_FIELDS, read: readSnapshot, ...this.#snapshotCall };
    return takeRequested(call, (given) => {
      const { index } = given;
      const { term } = judgeCreateSnapshot(this.#accepted, { index });
      const judge = (): SnapshotPlan => judgeCreateSnapshot(this.#accepted, { index, term });
      const { conf, data, bytes, signal } = given;
      return this.#takeSnapshot({ index, term, conf, data, bytes, signal, judge, isInstall: false });
    });
  }

  async installSnapshot(request: InstallSnapshotRequest): Promise<SnapshotMeta> {
    const call = { request, known: INSTALL_FIELDS, read: readInstall, ...this.#snapshotCall };
    return takeRequested(call, (given) => {
      const judge = (): SnapshotPlan => judgeInstallSnapshot(this.#accepted, given, this.#rules);
      // What is held already will be so when its turn comes.
      if (judge().isHeld) letGo(() => given.data);
      return this.#takeSnapshot({ ...given, judge, isInstall: true });
    });
  }

  async #takeSnapshot(turn: SnapshotTurn): Promise<SnapshotMeta> {
    const { meta, isNew } = await this.#turns.take(turn, this.#snapshotCall.throwIfUnwritable);
    if (isNew) this.#store.emitter.tell('snapshot', { meta: ownMeta(meta), installed: turn.isInstall });
    return ownMeta(meta);
  }

  async openSnapshot(options?: OpenSnapshotOptions): Promise<OpenedSnapshot | null> {
    this.#checkReadable();
    const { index, signal } = openSnapshotOptionsOf(options);
    const kept = this.#durable.snapshots.find(({ ref }) => index === undefined || ref.index === index);
    if (kept === undefined) return null;
    const data = await this.#store.openSnapshot(kept.ref, signal);
    const close = (): Promise<void> => data.close();
    return { meta: ownMeta(kept.meta), data, close, [Symbol.asyncDispose]: close };
  }

  async compact(upTo: number): Promise<{ readonly bytesFreed: number }> {
    this.#checkWritable();
    const drops = judgeCompact(this.#accepted, upTo);
    const durable = drops
      ? this.#queue.accept(draftCompaction(this.#accepted, upTo))
      : this.#queue.whenDurable();
    // Where it drops nothing, what a full disk kept from being freed the last time may be freed now.
    const bytesFreed = await this.#turns.track(durable.then(() => this.#turns.freeUnneeded()));
    if (drops) this.#store.emitter.tell('compacted', { upTo, bytesFreed });
    return { bytesFreed };
  }

  checkpoint(request: CheckpointRequest): Promise<Checkpoint> {
    return this.#copies.checkpoint(request);
  }

  async space(): Promise<LogSpace> {
    this.#checkReadable();
    return this.#store.space();
  }

  async *segmentsSince(lsn: number): AsyncGenerator<SealedSegmentFile, void, undefined> {
    this.#checkReadable();
    checkInteger('lsn', lsn, 0);
    for await (const segment of this.#store.segmentsSince(lsn)) {
      this.#checkReadable();
      yield segment;
    }
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    this.#checkReadable();
    return this.#store.verify(readVerifyOptions(options));
  }

  stats(): RaftLogStats {
    return statsOf(this.#frames, this.#queue.counts, this.#accepted.queuedCount);
  }

  health(): RaftLogHealth {
    return { oldestCall: this.#store.oldestCall(), syncMs: this.#frames.counters.syncMs.summary() };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** In one atom: the term, without a vote if it rises, and that votes are refused until commit has reached the index. */
  async markUnfit(term: number, unfitUntil: number): Promise<void> {
    this.#checkWritable();
    const { hardState } = judgeSave(this.#accepted, readSave({ hardState: { term } }), this.#rules);
    await this.#queue.accept(draftUnfit(this.#accepted, hardState, unfitUntil));
  }

  /**
   * Deletes the snapshots and segments that no durable record needs: at open, those that a crash kept from being
   * deleted (D10). Rejects with what made the log fail, if it did: a log is not opened only to say so.
   */
  async finishDeletions(): Promise<void> {
    await this.#turns.inTurn(() => this.#turns.clean());
    await this.#turns.freeUnneeded();
    if (this.#frames.latched !== null) throw this.#frames.latched;
  }

  async #close(): Promise<void> {
    await Promise.all([
      this.#copies.close(),
      this.#turns.close(),
      this.#reader.close(),
      this.#store.snapshots.close(),
    ]);
    await this.#store.close();
  }

  #checkReadable(): void {
    if (this.#closing !== null) throw closedError(this.#store.dir);
  }

  #checkWritable(): void {
    this.#checkReadable();
    if (this.#rules.readOnly) throw readOnlyError(this.#store.dir);
    this.#checkNotFailed();
  }

  #checkNotFailed(): void {
    const { latched } = this.#frames;
    if (latched !== null) throw failedError(this.#store.dir, latched);
  }

  #range(
    from: number,
    until: number,
    options: unknown,
    read: (options: unknown) => Pick<ReadRange, 'bytesMax' | 'signal'>,
  ): ReadRange {
    this.#checkReadable();
    const { bytesMax, signal } = read(options);
    judgeRange(this.#durable, from, until);
    return { from, until, bytesMax, signal };
  }
}
