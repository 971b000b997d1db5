import { isNoSpace, isShortage, noSpace, syncFailed, writeFailed } from '../../disk/disk-failure.js';
import type { Environment } from '../../disk/environment.js';
import { isPromise, type Awaitable, type CallMode } from '../../disk/port.js';
import { writeFully } from '../../disk/write-fully.js';
import { isKeelsonError, KeelsonError } from '../../errors/index.js';
import { putFrameHeader } from '../../format/frame-header.js';
import type { DurableMark } from '../../format/position.js';
import type { ActiveSegment, Fill } from './active-segment.js';
import type { EndMarks } from './end-marks.js';
import { FollowingSaves } from './following-saves.js';
import { FrameArena } from './frame-arena.js';
import { LeftAsItWas } from './left-as-it-was.js';
import type { WalObserver } from '../report/observer.js';
import type { Frame } from './frame.js';
import { nothingLanded } from './nothing-landed.js';
import type { SuperblockFile } from '../store/superblock-file.js';
import type { WalCounters } from '../report/wal-counters.js';
import { WritePace } from './write-pace.js';

/** Most bytes of one write: a group larger than this is written in several, so that no sync takes for ever. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Reactions behind that of a lone saver after which its next save is looked for no more, but at the end of all: functions
 * of the host that stand between it and the log take so many. Each costs a tenth of what that end costs.
 */
const HOPS = 4;
const settled = Promise.resolve();

const LATCHED = 'The log accepts no more saves; whether this one was kept is decided when it is reopened.';
const REOPEN = { fate: LATCHED, then: 'reopen it' };

/** What the writer needs from the log around it. */
export interface GroupWriterHost {
  readonly environment: Pick<Required<Environment>, 'now' | 'endOfTurn' | 'endOfReactions'>;
  readonly superblock: SuperblockFile;
  readonly endMarks: EndMarks | null;
  readonly observer: WalObserver;
  readonly counters: WalCounters;
  /** The segment that takes frames now. */
  active(): ActiveSegment;
  /** Moves to a new segment with room for `frame` (D6); throws if it cannot. */
  rotate(frame: Frame): Promise<void>;
}

/** Frames `[from, until)` that are written by one call, behind what the segment holds. */
interface Group {
  readonly active: ActiveSegment;
  readonly frames: readonly Frame[];
  readonly from: number;
  readonly until: number;
  readonly bytes: number;
  readonly mode: CallMode;
  readonly startMs: number;
}

/**
 * Group commit (D2): everything accepted in one turn of the event loop, or while a write was under way, is
 * written by one call and made durable by one sync. One writer; frames become durable in the order in which
 * they were accepted, and fail together (D8).
 */
export class GroupWriter {
  readonly #host: GroupWriterHost;
  readonly #pace: WritePace;
  readonly #follow = new FollowingSaves();
  #durable: DurableMark;
  #nextLsn: number;
  #queue: Frame[] = [];
  #arena = new FrameArena();
  /** The other one: idle, or being written from while frames are encoded beside it. */
  #otherArena = new FrameArena();
  /** The one that is being written from. */
  #writtenArena: FrameArena | null = null;
  #queuedBytes = 0;
  #isScheduled = false;
  /** Also until those who were told of a group have gone on: what they save shares the next write. */
  #isWriting = false;
  #latched: KeelsonError | null = null;
  #onIdle: (() => void)[] = [];
  #hopsLeft = 0;

  constructor(host: GroupWriterHost, durable: DurableMark, writeMode: 'auto' | 'inline' | 'background') {
    this.#host = host;
    this.#durable = durable;
    this.#nextLsn = durable.lsn + 1;
    this.#pace = new WritePace(writeMode);
  }

  /** Everything up to here is on stable storage. */
  get durable(): DurableMark {
    return this.#durable;
  }

  get nextLsn(): number {
    return this.#nextLsn;
  }

  /** Why no more frames are taken; null while the log is sound (D5). */
  get latched(): KeelsonError | null {
    return this.#latched;
  }

  /** Bytes of frames that wait for the disk, those being written included. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** The memory in which the next frame is encoded. The same again where it can be: what was just written is in the cache. */
  get arena(): FrameArena {
    if (this.#arena === this.#writtenArena) {
      this.#arena = this.#otherArena;
      this.#otherArena = this.#writtenArena;
    }
    return this.#arena;
  }

  /** Takes a frame whose records stand in {@link arena}; it will be written with its neighbours. */
  enqueue(frame: Frame): void {
    this.#queue.push(frame);
    this.#nextLsn = frame.firstLsn + frame.recordCount;
    this.#queuedBytes += frame.bytes;
    if (!this.#isWriting) this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#host.environment.endOfTurn(this.#onTurn);
  }

  readonly #onTurn = (): void => {
    this.#isScheduled = false;
    this.#follow.noteTurn(this.#queue.length);
    this.#writeQueue();
  };

  /** Resolves when nothing is queued or being written. */
  whenIdle(): Promise<void> {
    if (!this.#isWriting && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
    });
  }

  /** Writes all that is queued now; what arrives meanwhile shares the next write. */
  #writeQueue(): void {
    const frames = this.#queue;
    this.#queue = [];
    this.#writtenArena = this.#arena;
    this.#isWriting = true;
    this.#writeFrom(frames, 0);
  }

  /** Writes the frames from `from` on, group by group: without a promise where the disk answers at once. Never throws. */
  #writeFrom(frames: readonly Frame[], from: number): void {
    let written = from;
    try {
      while (written < frames.length) {
        const until = this.#writeGroup(frames, written);
        if (isPromise(until)) {
          this.#goOnWith(frames, written, until);
          return;
        }
        written = until;
      }
    } catch (error) {
      this.#fail(frames, written, error);
    }
    this.#written();
  }

  #goOnWith(frames: readonly Frame[], from: number, until: Promise<number>): void {
    until.then(
      (written) => {
        this.#writeFrom(frames, written);
      },
      (error: unknown) => {
        this.#fail(frames, from, error);
        this.#written();
      },
    );
  }

  /** Nothing is being written; what those who were told save next need not wait for a turn, see {@link FollowingSaves}. */
  #written(): void {
    this.#writtenArena?.reset();
    this.#writtenArena = null;
    if (!this.#follow.isAwaited) this.#rest();
    else if (this.#follow.isAlone) {
      this.#hopsLeft = HOPS;
      void settled.then(this.#onHop);
    } else this.#host.environment.endOfReactions(this.#onReactions);
  }

  readonly #onHop = (): void => {
    this.#hopsLeft -= 1;
    if (this.#queue.length > 0) this.#onReactions();
    else if (this.#hopsLeft > 0) void settled.then(this.#onHop);
    else this.#host.environment.endOfReactions(this.#onReactions);
  };

  readonly #onReactions = (): void => {
    if (this.#queue.length > 0 && this.#follow.mayFollow) this.#writeQueue();
    else this.#rest();
  };

  #rest(): void {
    this.#isWriting = false;
    this.#follow.noteWaiting(this.#queue.length);
    if (this.#queue.length > 0) this.#schedule();
    else if (this.#onIdle.length > 0) for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Writes frames from `from` on, as many as the segment and one write take; returns where it stopped. */
  #writeGroup(frames: readonly Frame[], from: number): Awaitable<number> {
    const first = frames[from] as Frame;
    const active = this.#host.active();
    const fill = active.fill();
    if (active.takes(fill, first)) return this.#writeInto(active, fill, frames, from);
    this.#throwIfLatched();
    return this.#host.rotate(first).then(() => {
      const made = this.#host.active();
      const empty = made.fill();
      if (!made.takes(empty, first)) throw new RangeError('a segment made for a frame does not take it');
      return this.#writeInto(made, empty, frames, from);
    });
  }

  /** @param fill - what the first one fills */
  #writeInto(active: ActiveSegment, fill: Fill, frames: readonly Frame[], from: number): Awaitable<number> {
    this.#throwIfLatched();
    let until = from + 1;
    while (until < frames.length && this.#takesOneMore(active, fill, frames[until] as Frame)) until += 1;
    const bytes = fill.offset - active.offset;
    const mode = this.#pace.modeFor(bytes);
    const group = { active, frames, from, until, bytes, mode, startMs: this.#host.environment.now() };
    this.#putHeaders(group);
    return this.#write(group);
  }

  /** D5: also where another than this writer failed, while these frames waited. */
  #throwIfLatched(): void {
    if (this.#latched !== null) throw this.#latched;
  }

  #takesOneMore(active: ActiveSegment, fill: Fill, frame: Frame): boolean {
    return fill.offset - active.offset + frame.bytes <= GROUP_BYTES_MAX && active.takes(fill, frame);
  }

  // From here to the publication each step calls the next, and only one that has to wait makes functions and promises of
  // it: behind a sync all that is touched once more comes from memory.

  #write(group: Group): Awaitable<number> {
    const { active, frames, from, bytes, mode } = group;
    const run = (this.#writtenArena as FrameArena).run((frames[from] as Frame).start, bytes);
    let written: Awaitable<void>;
    try {
      written = writeFully(active.file, run, active.offset, mode);
    } catch (error) {
      return this.#throwUnwritten(group, error);
    }
    return isPromise(written) ? this.#syncBehind(group, written) : this.#sync(group);
  }

  #syncBehind(group: Group, written: Promise<void>): Promise<number> {
    return written.then(
      () => this.#sync(group),
      (error: unknown) => this.#throwUnwritten(group, error),
    );
  }

  async #throwUnwritten({ active, bytes }: Group, error: unknown): Promise<never> {
    throw await this.#writeFailure(active, bytes, error);
  }

  #sync(group: Group): Awaitable<number> {
    let synced: Awaitable<void>;
    try {
      synced = group.active.file.dataSync(group.mode);
    } catch (error) {
      throw groupUnsynced(group, error);
    }
    return isPromise(synced) ? this.#acknowledgeBehind(group, synced) : this.#acknowledge(group);
  }

  #acknowledgeBehind(group: Group, synced: Promise<void>): Promise<number> {
    return synced.then(
      () => this.#acknowledge(group),
      (error: unknown) => {
        throw groupUnsynced(group, error);
      },
    );
  }

  /** D11: one that lost its lock must not acknowledge what its successor may not have seen. */
  #acknowledge(group: Group): Awaitable<number> {
    // Inline whatever the mode: what is read with every group stands in the cache, and a turn of a thread would cost more.
    const looked = this.#host.superblock.checkFence('inline');
    return isPromise(looked) ? looked.then(() => this.#publish(group)) : this.#publish(group);
  }

  /** Writes the headers into the arena: only now are the segment, the chain and the durable mark known. */
  #putHeaders({ active, frames, from, until }: Group): void {
    const { epoch } = this.#host.superblock.current;
    const place = { firstLsn: 0, epoch, chain: active.chain, durable: this.#durable };
    for (let at = from; at < until; at += 1) {
      const frame = frames[at] as Frame;
      const { arena, start, fields, firstLsn } = frame;
      place.firstLsn = firstLsn;
      place.chain = putFrameHeader(arena.bytes, arena.view, start, active.salt, fields, place, frame);
      frame.headerChecksum = place.chain;
    }
  }

  /** D4: only 'no space' is survived, and only if the range is zero again on stable storage. */
  async #writeFailure(
    active: ActiveSegment,
    bytes: number,
    error: unknown,
  ): Promise<KeelsonError | LeftAsItWas> {
    const place = { path: active.path, offset: active.offset };
    if (!isNoSpace(error)) return writeFailed('the log', place, error, REOPEN);
    // Looked at before zeros may hide the first of several frames.
    const isUntouched = await nothingLanded(active.file, active.offset, active.salt);
    try {
      await writeFully(active.file, new Uint8Array(bytes), active.offset);
    } catch (again) {
      // Where every overwrite needs room, and in the holes of a sparse copy, zeros find no more of it than the frame did.
      if (!isUntouched || !isNoSpace(again)) return writeFailed('the log', place, again, REOPEN);
    }
    try {
      await active.file.dataSync();
    } catch (unsynced) {
      // D5: also for want of room. This file holds acknowledged frames, and what the sync has lost nobody can say.
      return syncFailed('the log', place, unsynced, REOPEN);
    }
    return new LeftAsItWas(noSpace('this save', place, error));
  }

  /** Returns where the next group begins. */
  #publish({ active, frames, from, until, bytes, mode, startMs }: Group): number {
    const { environment, observer, counters, endMarks } = this.#host;
    const ms = environment.now() - startMs;
    this.#pace.note(mode, bytes, ms);
    this.#follow.noteGroup(mode, until - from, startMs, ms);
    counters.groups += 1;
    counters.syncs += 1;
    counters.frameBytes += bytes;
    counters.syncMs.add(ms);
    for (let at = from; at < until; at += 1) {
      const frame = frames[at] as Frame;
      const { fields } = frame;
      active.publish(frame);
      this.#durable = { lsn: frame.lastLsn, lastIndex: fields.until - 1, lastTerm: fields.lastTerm };
      this.#queuedBytes -= frame.bytes;
      frame.onDurable();
    }
    endMarks?.note(this.#durable);
    observer.onSync({ lsn: this.#durable.lsn, saves: until - from, bytes, ms });
    return until;
  }

  /**
   * Fails the frames from `from` on, which were not written, and all that was queued behind them (D8). A failure that
   * leaves the log as it was takes their LSNs back; any other latches (D5).
   */
  #fail(frames: readonly Frame[], from: number, error: unknown): void {
    const isUnharmed = error instanceof LeftAsItWas;
    const failure = isUnharmed ? error.error : asKeelsonError(error);
    const all = [...frames.slice(from), ...this.#queue];
    this.#queue = [];
    this.#arena.reset();
    this.#queuedBytes = 0;
    if (isUnharmed) this.#nextLsn = this.#durable.lsn + 1;
    else this.latch(failure);
    for (const frame of all) frame.onFailed(failure);
    if (isShortage(failure)) this.#host.observer.onShortage(failure);
  }

  /** Takes no more frames; only reopening clears it (D5). */
  latch(failure: KeelsonError): void {
    if (this.#latched !== null) return;
    this.#latched = failure;
    this.#host.superblock.latch(failure);
    this.#host.endMarks?.stop();
    this.#host.observer.onFailed(failure);
  }
}

function groupUnsynced({ active }: Group, error: unknown): KeelsonError {
  return syncFailed('the log', { path: active.path, offset: active.offset }, error, REOPEN);
}

function asKeelsonError(error: unknown): KeelsonError {
  // D11: a look at the fence that fails latches; what the save's own bytes came to is then as unknown as ever.
  if (isKeelsonError(error, 'KEELSON_READ_FAILED'))
    return new KeelsonError('KEELSON_FAILED', `${error.message} ${LATCHED}`, error.details, error);
  if (error instanceof KeelsonError) return error;
  return new KeelsonError('KEELSON_FAILED', `the log failed: ${String(error)}. ${LATCHED}`, {}, error);
}
