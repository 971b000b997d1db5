import { nodeEnvironment } from '../../disk/node-environment.js';
import { checkInteger, invalidArgument, readFields } from '../../errors/arguments.js';
import { isKeelsonError, KeelsonError, throwIfAborted } from '../../errors/index.js';
import { frameHeaderBytes } from '../../format/frame-header.js';
import { LIMITS } from '../../format/limits.js';
import { letGo } from '../../snapshot/let-go.js';
import type { SnapshotStream } from '../../snapshot/snapshot-stream.js';
import { checkFrameSize, type RecoveryReport } from '../../wal/inside.js';
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
  RaftLogOptions,
  ReadEntry,
  ReadOptions,
  SaveRequest,
  SaveResult,
  StreamOptions,
} from '../contract.js';
import type { RaftLogEvents } from '../events.js';
import { chunksOf } from '../read/entry-reader.js';
import { judgeCompact, judgeRange, judgeTerm } from '../rules/judge-range.js';
import { judgeSave } from '../rules/judge-save.js';
import { judgeCreateSnapshot, judgeInstallSnapshot, type SnapshotPlan } from '../rules/judge-snapshot.js';
import { MemoryQueue, type LandedChange, type MemoryMedium } from './memory-queue.js';
import { reportOf } from './memory-report.js';
import { MemorySnapshotTurns } from './memory-snapshot-turns.js';
import { copyMeta, openHeldSnapshot } from './memory-snapshots.js';
import { holdEntries, MemoryState, type MemoryChange } from './memory-state.js';
import { DEFAULTS } from '../rules/options.js';
import { verifyMemory } from './memory-verify.js';
import { openSnapshotOptionsOf, readOptionsOf, streamOptionsOf } from '../rules/read-options.js';
import {
  installFieldsOf,
  readInstall,
  readSave,
  readSnapshot,
  readVerifyOptions,
  snapshotFieldsOf,
  type GivenSnapshot,
} from '../rules/requests.js';
import { takeRequested } from '../snapshots/snapshot-request.js';
import { draftCompaction, draftSave, type FrameDraft } from '../state/encode-save.js';
import { NO_DISK, type RaftLogHealth, type RaftLogStats } from '../stats.js';
import { shownLog } from '../state/shown-log.js';
import { LogEmitter } from '../state/log-emitter.js';
import type { OpenedSnapshot, SnapshotMeta } from '../snapshot-contract.js';
import type { VerifyOptions, VerifyReport } from '../verify-report.js';

/** Options of {@link createMemoryRaftLog}: those of `openRaftLog` that mean something without a disk. */
export type MemoryRaftLogOptions = Pick<RaftLogOptions, 'checks' | 'batchBytesMax' | 'queueBytesMax'>;

/** Entries that a stream reads ahead. */
const READ_AHEAD_ENTRIES = 64;

/**
 * A whole {@link RaftLog} in memory, for the tests of hosts: the same checks, errors and order of events as
 * on a disk, and nothing that outlives the process.
 *
 * A save resolves in a later microtask, until then only `accepted` shows it. `recovery.verdict` is `'fresh'`.
 *
 * @throws `KEELSON_INVALID_ARGUMENT` naming an option that is unknown or out of bounds.
 */
export function createMemoryRaftLog(options: MemoryRaftLogOptions = {}): RaftLog {
  return openMemoryRaftLog(options, createMemoryMedium());
}

/** An empty medium. Only tests keep one beyond the log on it. */
export function createMemoryMedium(state: MemoryState = new MemoryState()): MemoryMedium {
  return { state, lastLsn: 0, owner: null, epoch: 0 };
}

/** Opens a log on a medium that may have held one before. Throws `KEELSON_LOCKED` while another has it. */
export function openMemoryRaftLog(options: MemoryRaftLogOptions, medium: MemoryMedium): RaftLog {
  return new MemoryRaftLog(resolveMemoryOptions(options), medium);
}

function resolveMemoryOptions(options: MemoryRaftLogOptions): Required<MemoryRaftLogOptions> {
  const {
    checks = DEFAULTS.checks,
    batchBytesMax = DEFAULTS.batchBytesMax,
    queueBytesMax = DEFAULTS.queueBytesMax,
  } = readFields('options', options, ['checks', 'batchBytesMax', 'queueBytesMax'], '');
  if (checks !== 'strict' && checks !== 'off') throw invalidArgument('checks', checks, `'strict' or 'off'`);
  checkInteger('batchBytesMax', batchBytesMax, 1, LIMITS.frameBytesMax);
  checkInteger('queueBytesMax', queueBytesMax, 1, LIMITS.queueBytesMax);
  return { checks, batchBytesMax, queueBytesMax };
}

class MemoryRaftLog implements RaftLog {
  readonly recovery: RecoveryReport;
  readonly accepted: AcceptedView;
  readonly events: RaftLogEvents;
  readonly #emitter = new LogEmitter(nodeEnvironment());
  readonly #options: Required<MemoryRaftLogOptions>;
  readonly #medium: MemoryMedium;
  readonly #queue: MemoryQueue;
  /** What the queued changes will make of the durable state. */
  readonly #acceptedState: MemoryState;
  /** The durable state, also after close, when the medium may be another's. */
  #durable: MemoryState;
  #status: LogStatus = 'open';
  #closed: Promise<void> | null = null;
  readonly #turns = new MemorySnapshotTurns();
  readonly #opened = new Set<SnapshotStream>();
  readonly #snapshotCall = {
    owner: this,
    throwIfUnwritable: (): void => {
      this.#checkOpen();
    },
  };
  readonly #counts = { saves: 0, entries: 0, groups: 0, payloadBytes: 0 };

  constructor(options: Required<MemoryRaftLogOptions>, medium: MemoryMedium) {
    if (medium.owner !== null) {
      throw new KeelsonError('KEELSON_LOCKED', 'another log has this memory open. Close it first.');
    }
    this.#options = options;
    this.#medium = medium;
    this.#durable = medium.state;
    this.#acceptedState = medium.state.clone();
    this.#queue = new MemoryQueue(medium, (group) => {
      this.#counts.groups += 1;
      this.#emitter.tell('sync', { ...group, ms: 0 });
    });
    medium.owner = this.#queue;
    medium.epoch += 1;
    this.recovery = reportOf(medium);
    this.events = this.#emitter;
    this.accepted = shownLog(this, null, this.#acceptedView());
    queueMicrotask(() => {
      this.#emitter.tell('recovered', this.recovery);
    });
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
    return copyMeta(this.#durable.snapshot);
  }
  get snapshots(): readonly SnapshotMeta[] {
    return this.#durable.heldSnapshots.map(({ meta }) => copyMeta(meta));
  }
  get unfitUntil(): number {
    const { unfitUntil, hardState } = this.#durable;
    return hardState.commit >= unfitUntil ? 0 : unfitUntil;
  }
  get status(): LogStatus {
    return this.#status;
  }

  async save(request: SaveRequest): Promise<SaveResult> {
    this.#checkOpen();
    const given = readSave(request);
    // A getter of the request may have closed the log.
    this.#checkOpen();
    const plan = judgeSave(this.#acceptedState, given, this.#options);
    const { lastIndex, entries } = plan;
    if (plan.isEmpty) return { lsn: await this.#queue.whenLanded(), lastIndex };
    const draft = draftSave(this.#acceptedState, plan);
    const landed = this.#accept(draft, () => ({ kind: 'save', plan, entries: holdEntries(entries) }));
    return { lsn: (await landed).lsn, lastIndex };
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
    this.#checkOpen();
    // All that waits lands in one go.
    await this.#queue.idle;
    if (this.#status === 'failed') this.#checkOpen();
  }

  term(index: number): number {
    this.#checkOpen();
    return judgeTerm(this.#durable, index);
  }

  async entries(from: number, until: number, options?: ReadOptions): Promise<ReadEntry[]> {
    return this.#read(this.#durable, from, until, options);
  }

  async *stream(
    from: number,
    until: number,
    options?: StreamOptions,
  ): AsyncGenerator<ReadEntry, void, undefined> {
    this.#checkOpen();
    const { signal } = streamOptionsOf(options);
    judgeRange(this.#durable, from, until);
    for await (const chunk of chunksOf(this.#durable, from, until, (at) =>
      this.#read(this.#durable, at, Math.min(at + READ_AHEAD_ENTRIES, until)),
    )) {
      for (const entry of chunk) {
        throwIfAborted('the stream', signal);
        yield entry;
      }
      this.#checkOpen();
    }
  }

  async createSnapshot(request: CreateSnapshotRequest): Promise<SnapshotMeta> {
    const call = { request, fieldsOf: snapshotFieldsOf, read: readSnapshot, ...this.#snapshotCall };
    return takeRequested(call, (given) => {
      const { index } = given;
      const { term } = judgeCreateSnapshot(this.#acceptedState, { index });
      return this.#takeSnapshot(given, false, () =>
        judgeCreateSnapshot(this.#acceptedState, { index, term }),
      );
    });
  }

  async installSnapshot(request: InstallSnapshotRequest): Promise<SnapshotMeta> {
    const call = { request, fieldsOf: installFieldsOf, read: readInstall, ...this.#snapshotCall };
    return takeRequested(call, (given) => {
      const judge = (): SnapshotPlan => judgeInstallSnapshot(this.#acceptedState, given, this.#options);
      // What is held already will be so when its turn comes.
      if (judge().isHeld) letGo(() => given.data);
      return this.#takeSnapshot(given, true, judge);
    });
  }

  async openSnapshot(options?: OpenSnapshotOptions): Promise<OpenedSnapshot | null> {
    this.#checkOpen();
    const { index, signal } = openSnapshotOptionsOf(options);
    throwIfAborted('opening the snapshot', signal);
    const held = this.#durable.heldSnapshots.find(({ meta }) => (index ?? meta.index) === meta.index);
    return held === undefined ? null : openHeldSnapshot(held, signal, this.#opened);
  }

  async compact(upTo: number): Promise<{ readonly bytesFreed: number }> {
    this.#checkOpen();
    const { isEmpty, firstIndex } = judgeCompact(this.#acceptedState, upTo);
    if (isEmpty) {
      await this.#queue.whenLanded();
      return { bytesFreed: 0 };
    }
    const draft = draftCompaction(this.#acceptedState, upTo);
    const { bytesFreed } = await this.#accept(draft, () => ({ kind: 'compact', firstIndex }));
    this.#emitter.tell('compacted', { upTo, bytesFreed });
    return { bytesFreed };
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    this.#checkOpen();
    return verifyMemory(this.#durable, readVerifyOptions(options).signal);
  }

  stats(): RaftLogStats {
    return {
      ...this.#counts,
      ...NO_DISK,
      queuedSaves: this.#queue.length,
      queuedBytes: this.#queue.bytes,
    };
  }

  health(): RaftLogHealth {
    return { oldestCall: null, syncMs: NO_DISK.syncMs };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    if (this.#status === 'open') this.#status = 'closed';
    const turns = this.#turns.close();
    await Promise.all(Array.from(this.#opened, (data) => data.close()));
    await turns;
    await this.#queue.idle;
    if (this.#medium.owner === this.#queue) this.#medium.owner = null;
    // Whoever opens the medium next changes its state; the getters here keep their last values.
    this.#durable = this.#durable.clone();
  }

  #checkOpen(): void {
    if (this.#status === 'closed') {
      throw new KeelsonError('KEELSON_CLOSED', 'this log was closed; nothing was changed. Open it again.');
    }
    if (this.#status === 'failed') {
      throw new KeelsonError('KEELSON_FAILED', 'this log lost its memory to another owner. Open it again.');
    }
  }

  /** The same frame that a disk would be given decides what fits, and what it counts for. */
  async #accept(draft: FrameDraft, change: () => MemoryChange): Promise<LandedChange> {
    const { fields, payloadBytes, dataBytes, controls, entries } = draft;
    const { batchBytesMax: frameBytesMax, queueBytesMax } = this.#options;
    checkFrameSize(fields, payloadBytes, this.#queue.bytes, { frameBytesMax, queueBytesMax });
    const queued = {
      change: change(),
      records: controls.length + entries.count,
      bytes: payloadBytes + frameHeaderBytes(fields),
    };
    this.#acceptedState.apply(queued.change);
    this.#counts.saves += 1;
    this.#counts.entries += entries.count;
    this.#counts.payloadBytes += dataBytes;
    try {
      return await this.#queue.push(queued);
    } catch (error) {
      if (this.#status === 'open' && isKeelsonError(error)) {
        this.#status = 'failed';
        this.#emitter.tell('failed', error);
      }
      throw error;
    }
  }

  async #takeSnapshot(
    request: GivenSnapshot,
    isInstall: boolean,
    judge: () => SnapshotPlan,
  ): Promise<SnapshotMeta> {
    const { meta, isNew } = await this.#turns.take({
      ...this.#snapshotCall,
      request,
      judge,
      heldNow: () => this.#durable.heldSnapshot,
      accept: (draft, change) => this.#accept(draft, () => change),
      whenLanded: () => this.#queue.whenLanded(),
    });
    if (isNew) this.#emitter.tell('snapshot', { meta: copyMeta(meta), installed: isInstall });
    return copyMeta(meta);
  }

  #read(state: MemoryState, from: number, until: number, options?: ReadOptions): ReadEntry[] {
    this.#checkOpen();
    const { bytesMax, signal } = readOptionsOf(options);
    judgeRange(state, from, until);
    throwIfAborted('the read', signal);
    const found: ReadEntry[] = [];
    let bytes = 0;
    for (let at = from; at < until; at += 1) {
      const { index, term, kind, data } = state.at(at);
      bytes += data.length;
      if (found.length > 0 && bytes > bytesMax) break;
      found.push({ index, term, kind, data: data.slice() });
    }
    return found;
  }

  #acceptedView(): AcceptedView {
    const state = this.#acceptedState;
    const term = (index: number): number => {
      this.#checkOpen();
      return judgeTerm(state, index);
    };
    const entries = async (from: number, until: number, options?: ReadOptions): Promise<ReadEntry[]> =>
      this.#read(state, from, until, options);
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
