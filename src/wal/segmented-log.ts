import { isKeelsonError, KeelsonError } from '../errors/index.js';
import type { DurableMark } from '../format/position.js';
import { framesFrom } from '../format/segment-header.js';
import { ActiveSegment, segmentBytesFor, segmentBytesHolding } from './write/active-segment.js';
import { closeFile, keeping } from '../disk/close-file.js';
import type { DiskFile } from '../disk/port.js';
import type { EndMarks } from './write/end-marks.js';
import { firstSegmentNow } from './store/first-segment-now.js';
import { GroupWriter } from './write/group-writer.js';
import type { Judgement } from './recover/judge.js';
import type { Fence } from './segment/frame-run.js';
import { lowestOf, type LiveSegment } from './segment/live-segment.js';
import { SegmentList } from './segment/segment-list.js';
import type { StoreLock } from './store/lock-store.js';
import type { LogRequest } from './log-request.js';
import {
  checkFrameSize,
  closedError,
  compactedError,
  failedError,
  readOnlyError,
} from '../errors/log-refusals.js';
import type { Frame } from './write/frame.js';
import { RecordReader, type RecordRegion } from './segment/record-reader.js';
import type { RecoveryReport } from './report/recovery-report.js';
import { LeftAsItWas } from './write/left-as-it-was.js';
import { rotateSegment } from './write/rotation.js';
import { sealProvisionally } from './write/seal-segment.js';
import { SegmentFiles } from './segment/segment-files.js';
import { SpareSegments } from './write/spare-segments.js';
import { removeName } from '../disk/durable-names.js';
import { SegmentsToCopy } from './copy/segments-to-copy.js';
import { type StorePaths } from './store/store-directory.js';
import type { SuperblockFile } from './store/superblock-file.js';
import { WalCounters } from './report/wal-counters.js';

/** What only a writer has. */
interface WriterParts {
  readonly lock: StoreLock;
  readonly superblock: SuperblockFile;
  readonly endMarks: EndMarks | null;
}

interface Writing extends WriterParts {
  readonly writer: GroupWriter;
  readonly spares: SpareSegments;
  active: ActiveSegment;
}

/** Fill of the active segment from which on the next one is prepared. */
const PREPARE_FROM = 0.5;

/** The log under every store: frames, accepted in order, durable in groups, read back by number. It knows no Raft. */
export class SegmentedLog {
  readonly recovery: RecoveryReport;
  readonly counters: WalCounters;
  /** For who makes a copy. */
  readonly copies: SegmentsToCopy;
  readonly #request: LogRequest;
  readonly #paths: StorePaths;
  readonly #files: SegmentFiles;
  readonly #reader: RecordReader;
  readonly #segments: SegmentList;
  readonly #found: { readonly highest: number; readonly fence: Fence };
  #durable: DurableMark;
  #writing: Writing | null = null;
  #closing: Promise<void> | null = null;
  /** Ends when the last dropping of segments has ended, well or not. */
  #dropping: Promise<unknown> = Promise.resolve();

  /** A log that only reads; see {@link SegmentedLog.open}. */
  constructor(
    request: LogRequest,
    judgement: Judgement,
    report: RecoveryReport,
    counters: WalCounters = new WalCounters(),
  ) {
    const { run } = judgement.tail;
    this.recovery = report;
    this.counters = counters;
    this.#request = request;
    this.#paths = request.paths;
    this.#files = new SegmentFiles(request.environment.disk);
    this.#reader = new RecordReader(this.#files);
    this.#segments = new SegmentList(judgement.segments);
    this.#found = { highest: judgement.highestEpoch, fence: judgement.fence };
    this.copies = new SegmentsToCopy(request.environment, this.#segments, request.layer, (path) =>
      this.#writing?.active.path === path ? this.#writing.active.offset : null,
    );
    this.#durable = { lsn: run.lastLsn, ...run.end };
  }

  /** The log of the one writer; once it is open it owns the parts, `tail` among them, the last segment open for writing. */
  static async open(
    request: LogRequest,
    judgement: Judgement,
    report: RecoveryReport,
    counters: WalCounters,
    { tail: file, lock, superblock, endMarks }: WriterParts & { readonly tail: DiskFile },
  ): Promise<SegmentedLog> {
    const log = new SegmentedLog(request, judgement, report, counters);
    const { environment, paths, segmentBytes, observer, writeMode } = request;
    const { last: tail } = judgement;
    const runs = request.layer.termRuns(tail.lowest, tail.until).length / 2;
    const { run, frameCount, resets, front } = judgement.tail;
    const last = { chain: run.chain, frameCount, resets, runs, front };
    const { epoch } = superblock.current;
    const spares = new SpareSegments(environment, paths.walDir, request, epoch, counters);
    const host = {
      environment,
      superblock,
      endMarks,
      observer: spares.watchedBy(observer),
      counters,
      active: () => log.#writingParts().active,
      rotate: (frame: Frame) => log.#rotate(segmentBytesFor(frame, segmentBytes, log.#headerBytes())),
    };
    const writer = new GroupWriter(host, log.#durable, writeMode);
    // A log whose directory was moved away must not go on: it would acknowledge what no open finds.
    environment.disk.onLost = (error) => {
      writer.latch(error);
    };
    await environment.disk.hold(tail.path, file);
    const active = new ActiveSegment(tail, file, last, segmentBytes);
    log.#writing = { lock, superblock, endMarks, writer, spares, active };
    return log;
  }

  #writingParts(): Writing {
    if (this.#writing !== null) return this.#writing;
    throw readOnlyError(this.#paths.dir);
  }

  /** A snapshot found no room: `onSpaceBack` is owed. */
  noteRefusal(): void {
    this.#writing?.spares.noteRefusal();
  }

  /** Everything up to here is on stable storage. */
  get durable(): DurableMark {
    return this.#writing?.writer.durable ?? this.#durable;
  }

  /** LSN of the last accepted record. */
  get acceptedLsn(): number {
    return this.#writing === null ? this.#durable.lsn : this.#writing.writer.nextLsn - 1;
  }

  /** Why the log takes no more frames; null while it does. */
  get latched(): KeelsonError | null {
    return this.#writing?.writer.latched ?? null;
  }

  get queuedBytes(): number {
    return this.#writing?.writer.queuedBytes ?? 0;
  }

  get segmentCount(): number {
    return this.#segments.count;
  }

  get lineage(): Uint8Array {
    return this.#segments.first.header.lineage;
  }

  /** The epoch of this writer, or the highest that a log which only reads has met; and where the last one began (D11). */
  get epochs(): { readonly highest: number; readonly fence: Fence } {
    if (this.#writing === null) return this.#found;
    const { epoch, fenceEpoch, fenceLsn } = this.#writing.superblock.current;
    return { highest: epoch, fence: { epoch: fenceEpoch, lsn: fenceLsn } };
  }

  /** Who writes the frame. Throws what keeps it from being accepted; nothing has changed then. */
  #writerTaking(frame: Frame): GroupWriter {
    const { writer } = this.#writingParts();
    if (this.#closing !== null) throw closedError(this.#paths.dir);
    if (writer.latched !== null) throw failedError(this.#paths.dir, writer.latched);
    checkFrameSize(frame, writer.queuedBytes, this.#request);
    return writer;
  }

  /** Takes a frame: its records are encoded before this returns, and become durable in order (D1, D2). */
  accept(frame: Frame): void {
    const writer = this.#writerTaking(frame);
    const { arena } = writer;
    const start = arena.reserve(frame.bytes);
    try {
      frame.encode(arena.bytes, arena.view, start + frame.headerBytes);
    } catch (error) {
      arena.giveBack(start);
      throw error;
    }
    frame.accepted(arena, start, writer.nextLsn);
    writer.enqueue(frame);
  }

  /** Of the header that a new segment gets now. */
  #headerBytes(): number {
    return framesFrom(this.#request.layer.preambleState().length);
  }

  async #rotate(bytes: number): Promise<void> {
    const writing = this.#writingParts();
    const { environment, layer, segmentBytes, observer } = this.#request;
    const rotated = await rotateSegment({
      environment,
      layer,
      paths: this.#paths,
      superblock: writing.superblock,
      spares: writing.spares,
      active: writing.active,
      durable: writing.writer.durable,
      segmentBytes: bytes,
      usualBytes: segmentBytes,
    }).catch((error: unknown) => {
      throw writing.writer.latched ?? error;
    });
    const { path } = rotated.active;
    await keeping(rotated.active.file, (file) => environment.disk.hold(path, file));
    this.#segments.rotate(rotated.sealed, rotated.segment);
    environment.disk.release(writing.active.path);
    writing.active = rotated.active;
    this.counters.rotations += 1;
    this.counters.sparseBytes = 0;
    if (rotated.recycled) this.counters.segmentsRecycled += 1;
    observer.onRotate({ path, number: rotated.segment.header.number, recycled: rotated.recycled });
  }

  /**
   * Goes on in a new segment, whose preamble holds the state as of now; not where there is no room for one. To be called while
   * nothing is queued.
   */
  beginSegment(): Promise<void> {
    const bytes = segmentBytesHolding(this.#headerBytes(), this.#request.segmentBytes);
    return this.#orLatch(() => this.#rotate(bytes)).catch((error: unknown) => {
      if (!(error instanceof LeftAsItWas)) throw error;
    });
  }

  /** To be called after each durable group: prepares the next segment in time. */
  prepareNext(): void {
    if (this.#writing === null || this.#closing !== null) return;
    const { active, spares } = this.#writing;
    if (active.offset >= active.header.segmentBytes * PREPARE_FROM) spares.prepare();
  }

  /** Latches the log for a failure outside the writer (D5). */
  latch(error: KeelsonError): void {
    this.#writingParts().writer.latch(error);
  }

  /** D11: throws, and latches, if another writer has taken over. To be called before any name is changed. */
  checkFence(): Promise<void> {
    return this.#orLatch(({ superblock }) => superblock.checkFence('background'));
  }

  /** R10: a reader beside us shows nothing above P. To be called before what only an older state needs is deleted. */
  witnessDurable(): Promise<void> {
    return this.#orLatch(({ superblock, writer }) => superblock.witness(writer.durable));
  }

  async #orLatch<T>(work: (writing: Writing) => Promise<T> | T): Promise<T> {
    const writing = this.#writingParts();
    try {
      return await work(writing);
    } catch (error) {
      // For want of room nothing was changed.
      const isHarmless = isKeelsonError(error, 'KEELSON_NO_SPACE');
      if (error instanceof KeelsonError && !isHarmless) writing.writer.latch(error);
      throw error;
    }
  }

  /** Checksum of a durable numbered record; undefined where it is not in memory. */
  checksumOf(number: number): number | undefined {
    return this.#segments.tail.index?.checksumOf(number);
  }

  /**
   * The durable records numbered `[from, until)`, in order: at least one if the range is not empty, and fewer than
   * asked for where they stand far apart; call again from behind the last. `bytesMax` bounds, about, what is read.
   * `KEELSON_COMPACTED` if `from` was dropped meanwhile.
   */
  async read(from: number, until: number, bytesMax: number = Infinity): Promise<RecordRegion> {
    const { segment, until: replacedFrom } = this.#segments.owner(from);
    // Of the oldest one that is there, say: a later one may have replaced entries from below it on.
    if (from < lowestOf(segment)) throw compactedError(from, lowestOf(segment));
    const end = Math.min(until, Math.max(replacedFrom, from));
    try {
      return await this.#reader.read(
        segment,
        from,
        Math.min(end, segment.index?.until ?? segment.until),
        bytesMax,
      );
    } catch (error) {
      // Its file was gone before it could be opened: the read waited for its turn, and the log went on.
      const { first } = this.#segments;
      if (segment.header.number < first.header.number) throw compactedError(from, lowestOf(first), error);
      // Where the directory was moved away, another's file stands under the name: that is no damage of ours.
      await this.#request.environment.disk.check();
      throw error;
    }
  }

  /** R10: true if what holds `number` was dropped by the writer beside this log, which only reads. */
  async wasDropped(number: number): Promise<boolean> {
    if (this.#writing !== null) return false;
    const { segment } = this.#segments.owner(number);
    return segment.header.number < (await firstSegmentNow(this.#request.environment.disk, this.#paths));
  }

  /**
   * Drops the leading segments that hold nothing above the layer's boundary (D10): first the superblock stops
   * naming them, durably, then their files go, or become spares. Resolves to the bytes they held.
   */
  dropUnneeded(): Promise<number> {
    const dropped = this.#dropping.then(() => this.#dropUnneeded());
    this.#dropping = dropped.catch(() => undefined);
    return dropped;
  }

  async #dropUnneeded(): Promise<number> {
    const { superblock, writer } = this.#writingParts();
    if (writer.latched !== null) throw failedError(this.#paths.dir, writer.latched);
    const { number: needed } = this.#segments.firstNeeded(this.#request.layer.boundary()).header;
    const { observer, pinnedBytesQuiet = Infinity } = this.#request;
    const first = this.copies.pins.firstKept(needed, pinnedBytesQuiet, (holding) => {
      observer.onPinned(holding);
    });
    const dropped = this.#segments.before(first);
    if (dropped.length === 0) return 0;
    return this.#orLatch(async () => {
      // R10: a reader beside us shows nothing above P, so P must reach what made these unneeded.
      await superblock.writeBoth({ firstSegment: first, proven: writer.durable });
      // A rotation may have added a segment meanwhile.
      this.#segments.dropBefore(first);
      let bytesFreed = 0;
      for (const segment of dropped) bytesFreed += await this.#retire(segment);
      return bytesFreed;
    });
  }

  /** The file goes, or becomes a spare. Returns the bytes that it held; 0 if it stays where it is. */
  async #retire(segment: LiveSegment): Promise<number> {
    const { number, segmentBytes } = segment.header;
    const { spares, superblock } = this.#writingParts();
    this.#reader.forget(segment);
    const isUnread = await this.#files.retire(number);
    await superblock.checkFence('background');
    try {
      if (isUnread && spares.wants(segmentBytes)) await spares.recycle(segment.path);
      else await removeName(this.#request.environment.disk, segment.path);
    } catch (error) {
      if (isKeelsonError(error, 'KEELSON_FENCED')) throw error;
      // A leftover that the superblock no longer names; the next open removes it.
      return 0;
    }
    return segmentBytes;
  }

  /** Waits for what was accepted, marks a clean end, frees the store. Idempotent; never rejects. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const writing = this.#writing;
    if (writing !== null) {
      await writing.writer.whenIdle();
      await this.#dropping;
      await writing.spares.close(writing.writer.latched === null);
      await writing.endMarks?.close();
      await this.#markCleanEnd(writing);
      await closeFile(writing.active.file);
      const { disk } = this.#request.environment;
      for (const { path } of [writing.active, ...writing.lock.files]) disk.release(path);
      await writing.lock.release();
    }
    await this.#files.close();
  }

  /** A log that failed leaves no clean mark: its tail has to be proven again. */
  async #markCleanEnd({ writer, superblock, active }: Writing): Promise<void> {
    const { durable, latched } = writer;
    if (latched !== null) return;
    await this.#orLatch(async () => {
      const { environment, layer } = this.#request;
      await sealProvisionally({ environment, active, durable, layer, superblock });
      await superblock.write({ isCleanEnd: true, proven: durable });
    }).catch(() => undefined);
  }
}
