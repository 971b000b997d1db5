import { isNoSpace, isShortage, noSpace, syncFailed, writeFailed } from '../../disk/disk-failure.js';
import type { Environment } from '../../disk/environment.js';
import { isPromise, type DiskFile } from '../../disk/port.js';
import { readFully } from '../../disk/read-fully.js';
import { writeFully } from '../../disk/write-fully.js';
import { isKeelsonError, KeelsonError } from '../../errors/index.js';
import { FRAME_HEADER_BYTES_MAX, putFrameHeader, readFrameHeader } from '../../format/frame-header.js';
import type { DurableMark } from '../../format/position.js';
import type { ActiveSegment, Fill } from './active-segment.js';
import type { EndMarks } from './end-marks.js';
import { FrameArena } from './frame-arena.js';
import { LeftAsItWas } from './left-as-it-was.js';
import type { WalObserver } from './observer.js';
import { frameBytes, type Frame } from './frame.js';
import type { SuperblockFile } from '../store/superblock-file.js';
import type { WalCounters } from './wal-counters.js';
import { WritePace } from './write-pace.js';

/** Most bytes of one write: a group larger than this is written in several, so that no sync takes for ever. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;

const LATCHED = 'The log accepts no more saves; whether this one was kept is decided when it is reopened.';
const REOPEN = { fate: LATCHED, then: 'reopen it' };

/** What the writer needs from the log around it. */
export interface GroupWriterHost {
  readonly environment: Environment;
  readonly superblock: SuperblockFile;
  readonly endMarks: EndMarks | null;
  readonly observer: WalObserver;
  readonly counters: WalCounters;
  /** The segment that takes frames now. */
  active(): ActiveSegment;
  /** Moves to a new segment with room for `frame` (D6); throws if it cannot. */
  rotate(frame: Frame): Promise<void>;
}

/**
 * Group commit (D2): everything accepted in one turn of the event loop, or while a write was under way, is
 * written by one call and made durable by one sync. One writer; frames become durable in the order in which
 * they were accepted, and fail together (D8).
 */
export class GroupWriter {
  readonly #host: GroupWriterHost;
  readonly #pace: WritePace;
  #durable: DurableMark;
  #nextLsn: number;
  #queue: Frame[] = [];
  #arena = new FrameArena();
  #idleArena = new FrameArena();
  #queuedBytes = 0;
  #isScheduled = false;
  #isWriting = false;
  #latched: KeelsonError | null = null;
  #onIdle: (() => void)[] = [];

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

  /** The memory in which the next frame is encoded. */
  get arena(): FrameArena {
    return this.#arena;
  }

  /** Takes a frame whose records stand in {@link arena}; it will be written with its neighbours. */
  enqueue(frame: Frame): void {
    this.#queue.push(frame);
    this.#nextLsn = frame.firstLsn + frame.recordCount;
    this.#queuedBytes += frameBytes(frame);
    if (!this.#isWriting) this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#host.environment.endOfTurn(() => {
      this.#isScheduled = false;
      void this.#writeQueue();
    });
  }

  /** Resolves when nothing is queued or being written. */
  whenIdle(): Promise<void> {
    if (!this.#isWriting && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
    });
  }

  /** Writes all that is queued now; what arrives meanwhile shares the next turn. Never rejects. */
  async #writeQueue(): Promise<void> {
    const frames = this.#queue;
    const arena = this.#arena;
    this.#queue = [];
    this.#arena = this.#idleArena;
    this.#idleArena = arena;
    this.#isWriting = true;
    let written = 0;
    try {
      while (written < frames.length) written = await this.#writeGroup(frames, written);
    } catch (error) {
      this.#fail(frames.slice(written), error);
    }
    arena.reset();
    this.#isWriting = false;
    if (this.#queue.length > 0) this.#schedule();
    else for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  /** Writes frames from `from` on, as many as the segment and one write take; returns where it stopped. */
  async #writeGroup(frames: readonly Frame[], from: number): Promise<number> {
    const first = frames[from] as Frame;
    let active = this.#host.active();
    let fill = active.fill();
    if (!active.takes(fill, first)) {
      await this.#host.rotate(first);
      active = this.#host.active();
      fill = active.fill();
      if (!active.takes(fill, first)) throw new RangeError('a segment made for a frame does not take it');
    }
    let until = from + 1;
    while (until < frames.length && this.#takesOneMore(active, fill, frames[until] as Frame)) until += 1;
    await this.#writeFrames(active, frames.slice(from, until), fill.offset);
    return until;
  }

  #takesOneMore(active: ActiveSegment, fill: Fill, frame: Frame): boolean {
    return fill.offset - active.offset + frameBytes(frame) <= GROUP_BYTES_MAX && active.takes(fill, frame);
  }

  async #writeFrames(active: ActiveSegment, frames: readonly Frame[], until: number): Promise<void> {
    const { environment, superblock, observer, counters } = this.#host;
    const first = frames[0] as Frame;
    const bytes = until - active.offset;
    const mode = this.#pace.modeFor(bytes);
    const chains = this.#putHeaders(active, frames);
    const startMs = environment.now();
    const group = first.arena.bytes.subarray(first.start, first.start + bytes);
    try {
      const writing = writeFully(active.file, group, active.offset, mode);
      if (isPromise(writing)) await writing;
    } catch (error) {
      const failure = await this.#writeFailure(active, bytes, error);
      throw failure;
    }
    try {
      const syncing = active.file.dataSync(mode);
      if (isPromise(syncing)) await syncing;
    } catch (error) {
      throw syncFailed('the log', { path: active.path, offset: active.offset }, error, REOPEN);
    }
    // D11: one that lost its lock must not acknowledge what its successor may not have seen.
    const checking = superblock.checkFence(mode);
    if (isPromise(checking)) await checking;
    const ms = environment.now() - startMs;
    this.#pace.note(mode, bytes, ms);
    counters.groups += 1;
    counters.syncs += 1;
    counters.frameBytes += bytes;
    counters.syncMs.add(ms);
    this.#publish(active, frames, chains);
    observer.onSync({ lsn: this.#durable.lsn, saves: frames.length, bytes, ms });
  }

  /** Writes the headers into the arena: only now are the segment, the chain and the durable mark known. */
  #putHeaders(active: ActiveSegment, frames: readonly Frame[]): number[] {
    const { epoch } = this.#host.superblock.current;
    const chains: number[] = [];
    let { chain } = active;
    for (const frame of frames) {
      const { arena, start, fields, firstLsn } = frame;
      const place = { firstLsn, epoch, chain, durable: this.#durable };
      chain = putFrameHeader(arena.bytes, arena.view, start, active.salt, fields, place, frame);
      chains.push(chain);
    }
    return chains;
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

  #publish(active: ActiveSegment, frames: readonly Frame[], chains: readonly number[]): void {
    frames.forEach((frame, at) => {
      const { fields, firstLsn, recordCount } = frame;
      active.publish(frame, chains[at] as number);
      this.#durable = {
        lsn: firstLsn + recordCount - 1,
        lastIndex: fields.until - 1,
        lastTerm: fields.lastTerm,
      };
      this.#queuedBytes -= frameBytes(frame);
      frame.onDurable();
    });
    this.#host.endMarks?.note(this.#durable);
  }

  /**
   * Fails what was not written, and all that was queued behind it (D8). A failure that leaves the log as it
   * was takes their LSNs back; any other latches (D5).
   */
  #fail(frames: readonly Frame[], error: unknown): void {
    const isUnharmed = error instanceof LeftAsItWas;
    const failure = isUnharmed ? error.error : asKeelsonError(error);
    const all = [...frames, ...this.#queue];
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
    this.#host.observer.onFailed(failure);
  }
}

/**
 * True if not even the header of the first frame can be read where the group was to be: bytes reach the cache from the front,
 * so no frame of it did, and a later one may be written in its place.
 */
async function nothingLanded(file: DiskFile, offset: number, salt: number): Promise<boolean> {
  const found = new Uint8Array(FRAME_HEADER_BYTES_MAX);
  try {
    const count = await readFully(file, found, offset);
    return readFrameHeader(found.subarray(0, count), 0, salt) === null;
  } catch {
    return false;
  }
}

function asKeelsonError(error: unknown): KeelsonError {
  // D11: a look at the fence that fails latches; what the save's own bytes came to is then as unknown as ever.
  if (isKeelsonError(error, 'KEELSON_READ_FAILED'))
    return new KeelsonError('KEELSON_FAILED', `${error.message} ${LATCHED}`, error.details, error);
  if (error instanceof KeelsonError) return error;
  return new KeelsonError('KEELSON_FAILED', `the log failed: ${String(error)}. ${LATCHED}`, {}, error);
}
