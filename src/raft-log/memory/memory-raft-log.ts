import { EventEmitter } from 'eventemitter3';
import { isKeelsonError, KeelsonError } from '../../errors/index.js';
import { LIMITS } from '../../format/limits.js';
import type { RecoveryReport } from '../../wal/report/recovery-report.js';
import { checkInteger, checkKnownFields, checkRecord, invalidArgument } from '../rules/arguments.js';
import type {
  AcceptedView,
  CreateSnapshotRequest,
  Entry,
  HardState,
  HardStateChange,
  InstallSnapshotRequest,
  LogStatus,
  OpenedSnapshot,
  RaftLog,
  RaftLogOptions,
  ReadEntry,
  ReadOptions,
  SaveRequest,
  SaveResult,
  SnapshotData,
  SnapshotMeta,
} from '../contract.js';
import type { RaftLogEventMap, RaftLogEvents } from '../events.js';
import { judgeCompact, judgeRange, judgeTerm } from '../rules/judge-range.js';
import { judgeSave, type SavePlan } from '../rules/judge-save.js';
import { judgeCreateSnapshot, judgeInstallSnapshot, type SnapshotPlan } from '../rules/judge-snapshot.js';
import { MemoryQueue, type LandedChange, type MemoryMedium } from './memory-queue.js';
import { collectSnapshotData, copyMeta, openHeldSnapshot } from './memory-snapshots.js';
import { heldBytes, holdEntry, MemoryState, type MemoryChange } from './memory-state.js';
import { DEFAULTS } from '../rules/options.js';
import { verifyMemory } from './memory-verify.js';
import { checkReadOptions, checkSnapshotRequest, checkVerifyOptions } from '../rules/requests.js';
import type { RaftLogStats } from '../stats.js';
import { tellListeners } from '../state/tell-listeners.js';
import type { VerifyOptions, VerifyReport } from '../repair/verify-store.js';

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
  checkRecord('options', options);
  checkKnownFields('', options, ['checks', 'batchBytesMax', 'queueBytesMax']);
  const {
    checks = DEFAULTS.checks,
    batchBytesMax = DEFAULTS.batchBytesMax,
    queueBytesMax = DEFAULTS.queueBytesMax,
  } = options;
  if (checks !== 'strict' && checks !== 'off') throw invalidArgument('checks', checks, `'strict' or 'off'`);
  checkInteger('batchBytesMax', batchBytesMax, 1, LIMITS.frameBytesMax);
  checkInteger('queueBytesMax', queueBytesMax, 1, LIMITS.queueBytesMax);
  return { checks, batchBytesMax, queueBytesMax };
}

class MemoryRaftLog implements RaftLog {
  readonly recovery: RecoveryReport;
  readonly accepted: AcceptedView;
  readonly events: RaftLogEvents;
  readonly #emitter = new EventEmitter<RaftLogEventMap>();
  readonly #options: Required<MemoryRaftLogOptions>;
  readonly #medium: MemoryMedium;
  readonly #queue: MemoryQueue;
  /** What the queued changes will make of the durable state. */
  readonly #acceptedState: MemoryState;
  /** The durable state, also after close, when the medium may be another's. */
  #durable: MemoryState;
  #status: LogStatus = 'open';
  #closed: Promise<void> | null = null;
  #snapshotTurn: Promise<unknown> = Promise.resolve();
  readonly #closing = new AbortController();
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
      tellListeners(this.#emitter, 'sync', { ...group, ms: 0 });
    });
    medium.owner = this.#queue;
    medium.epoch += 1;
    this.recovery = reportOf(medium);
    this.events = this.#emitter;
    this.accepted = this.#acceptedView();
    queueMicrotask(() => {
      tellListeners(this.#emitter, 'recovered', this.recovery);
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
  get unfitUntil(): number {
    const { unfitUntil, hardState } = this.#durable;
    return hardState.commit >= unfitUntil ? 0 : unfitUntil;
  }
  get status(): LogStatus {
    return this.#status;
  }

  async save(request: SaveRequest): Promise<SaveResult> {
    this.#checkOpen();
    const plan = judgeSave(this.#acceptedState, request, this.#options);
    const bytes = this.#judgeSize(plan);
    const records = recordsOf(plan, this.#acceptedState);
    const entries = plan.entries.map(holdEntry);
    this.#counts.saves += 1;
    this.#counts.entries += entries.length;
    this.#counts.payloadBytes += entries.reduce((sum, entry) => sum + entry.data.length, 0);
    const change: MemoryChange = plan.isEmpty ? { kind: 'nothing' } : { kind: 'save', plan, entries };
    const { lsn } = await this.#accept(change, records, bytes);
    return { lsn, lastIndex: plan.lastIndex };
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

  term(index: number): number {
    this.#checkOpen();
    return judgeTerm(this.#durable, index);
  }

  async entries(from: number, until: number, options?: ReadOptions): Promise<ReadEntry[]> {
    return this.#read(this.#durable, from, until, options);
  }

  async *stream(from: number, until: number): AsyncGenerator<ReadEntry, void, undefined> {
    this.#checkOpen();
    judgeRange(this.#durable, from, until);
    for (let at = from; at < until; at += READ_AHEAD_ENTRIES) {
      yield* this.#read(this.#durable, at, Math.min(at + READ_AHEAD_ENTRIES, until));
    }
  }

  async createSnapshot(request: CreateSnapshotRequest): Promise<SnapshotMeta> {
    this.#checkOpen();
    checkSnapshotRequest(request, ['index', 'conf', 'data']);
    const { index, conf } = request;
    const { term } = judgeCreateSnapshot(this.#acceptedState, { index, conf });
    return this.#takeSnapshot(request, false, (ownConf) =>
      judgeCreateSnapshot(this.#acceptedState, { index, conf: ownConf, term }),
    );
  }

  async installSnapshot(request: InstallSnapshotRequest): Promise<SnapshotMeta> {
    this.#checkOpen();
    checkSnapshotRequest(request, ['index', 'term', 'conf', 'data', 'hardState']);
    const { index, term, hardState } = request;
    judgeInstallSnapshot(this.#acceptedState, request, this.#options);
    const change = hardState === undefined ? {} : { hardState: { ...hardState } };
    return this.#takeSnapshot(request, true, (conf) =>
      judgeInstallSnapshot(this.#acceptedState, { index, term, conf, ...change }, this.#options),
    );
  }

  async openSnapshot(): Promise<OpenedSnapshot | null> {
    this.#checkOpen();
    const held = this.#durable.heldSnapshot;
    return held === null ? null : openHeldSnapshot(held);
  }

  async compact(upTo: number): Promise<{ readonly bytesFreed: number }> {
    this.#checkOpen();
    const { isEmpty, firstIndex } = judgeCompact(this.#acceptedState, upTo);
    if (isEmpty) {
      await this.#accept({ kind: 'nothing' }, 0, 0);
      return { bytesFreed: 0 };
    }
    const { bytesFreed } = await this.#accept({ kind: 'compact', firstIndex }, 1, 0);
    tellListeners(this.#emitter, 'compacted', { upTo, bytesFreed });
    return { bytesFreed };
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    this.#checkOpen();
    checkVerifyOptions(options);
    return verifyMemory(this.#durable, options.signal);
  }

  stats(): RaftLogStats {
    return {
      ...this.#counts,
      // Nothing is written and nothing synced.
      syncs: 0,
      frameBytes: 0,
      zeroFillBytes: 0,
      rotations: 0,
      segmentsRecycled: 0,
      segmentsLive: 0,
      queuedSaves: this.#queue.length,
      queuedBytes: this.#queue.bytes,
      syncMs: { count: 0, p50: 0, p99: 0, max: 0 },
    };
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
    this.#closing.abort();
    await this.#snapshotTurn;
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

  /** Limits on size; returns the bytes the save counts for. */
  #judgeSize(plan: SavePlan): number {
    const { batchBytesMax, queueBytesMax } = this.#options;
    const bytes = plan.entries.reduce((sum, entry) => sum + heldBytes(entry), 0);
    if (bytes > batchBytesMax) {
      throw new KeelsonError(
        'KEELSON_TOO_LARGE',
        `the save takes ${bytes} bytes, at most ${batchBytesMax} fit in one (batchBytesMax); nothing was changed. Split it.`,
        { argument: 'entries', found: bytes, expected: batchBytesMax },
      );
    }
    // A save larger than the queue must still get through, alone.
    if (this.#queue.bytes > 0 && this.#queue.bytes + bytes > queueBytesMax) {
      throw new KeelsonError(
        'KEELSON_QUEUE_FULL',
        `${this.#queue.bytes} bytes wait already and ${bytes} more pass ${queueBytesMax} (queueBytesMax); nothing was changed. Wait for earlier saves.`,
        { found: this.#queue.bytes + bytes, expected: queueBytesMax },
      );
    }
    return bytes;
  }

  async #accept(change: MemoryChange, records: number, bytes: number): Promise<LandedChange> {
    this.#acceptedState.apply(change);
    try {
      return await this.#queue.push({ change, records, bytes });
    } catch (error) {
      if (this.#status === 'open' && isKeelsonError(error)) {
        this.#status = 'failed';
        tellListeners(this.#emitter, 'failed', error);
      }
      throw error;
    }
  }

  /** Snapshot operations run one at a time; each is judged again when its data is here. */
  async #takeSnapshot(
    request: { readonly conf: Uint8Array; readonly data: SnapshotData },
    isInstall: boolean,
    judgeAgain: (conf: Uint8Array) => SnapshotPlan,
  ): Promise<SnapshotMeta> {
    const conf = Uint8Array.from(request.conf);
    const before = this.#snapshotTurn;
    const run = async (): Promise<SnapshotMeta> => {
      await before;
      this.#checkOpen();
      const chunks = await collectSnapshotData(request.data, this.#closing.signal).finally(() => {
        this.#checkOpen();
      });
      const plan = judgeAgain(conf);
      const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      const meta: SnapshotMeta = { index: plan.index, term: plan.term, conf, bytes };
      await this.#accept({ kind: 'snapshot', plan, held: { meta, chunks } }, 1, 0);
      tellListeners(this.#emitter, 'snapshot', {
        meta: { ...meta, conf: Uint8Array.from(conf) },
        installed: isInstall,
      });
      return { ...meta, conf: Uint8Array.from(conf) };
    };
    const result = run();
    this.#snapshotTurn = result.catch(() => undefined);
    return result;
  }

  #read(state: MemoryState, from: number, until: number, options?: ReadOptions): ReadEntry[] {
    this.#checkOpen();
    const bytesMax = checkReadOptions(options);
    judgeRange(state, from, until);
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

/** Records that a save would take in a log on a disk, so that LSNs move as they do there. */
function recordsOf(plan: SavePlan, before: MemoryState): number {
  const truncations = plan.keepUntil <= before.lastIndex ? 1 : 0;
  return truncations + plan.entries.length + (plan.hardStateChanged ? 1 : 0);
}

function reportOf(medium: MemoryMedium): RecoveryReport {
  return Object.freeze({
    verdict: medium.epoch === 1 ? 'fresh' : 'clean',
    segments: 0,
    batches: 0,
    entries: 0,
    lastLsn: medium.lastLsn,
    epoch: medium.epoch,
    cut: null,
    damage: null,
    rebuilt: [],
    snapshotFallback: null,
    quarantined: [],
    strays: [],
    readBytes: 0,
    ms: 0,
  });
}
