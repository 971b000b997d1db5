import { KeelsonError } from '../../errors/index.js';
import { viewOf } from '../../format/integers.js';
import { recordBytesAt, recordChecksumAt } from '../../format/record.js';
import type { Frame, RecordRegion } from '../../wal/inside.js';
import { WalCounters } from '../../wal/report/wal-counters.js';
import type { WalObserver } from '../../wal/report/observer.js';
import { checkFrameSize } from '../../errors/log-refusals.js';
import { RecoveryTally } from '../../wal/report/damage.js';
import type { RecoveryReport } from '../../wal/report/recovery-report.js';
import type { FrameStore } from '../log-store.js';
import { DurableState } from '../state/durable-state.js';

/** Entries that one read brings at most: those of a stream are copied ahead of need. */
const READ_ENTRIES = 64;

/** How messages name the place where a log in memory lies. */
export const IN_MEMORY = 'memory';

/** The record of one entry, header and body. */
export interface MemoryRecord {
  readonly number: number;
  readonly checksum: number;
  readonly bytes: Uint8Array;
}

/**
 * What stands in for the disk: what survives the log object, and who may change it. Kept apart from the log so that tests
 * can close, reopen and crash a log in memory.
 */
export class MemoryMedium {
  durable: DurableState = new DurableState(null);
  /** The entries' records, those behind the boundary without a hole; those below it until they are dropped. */
  records: MemoryRecord[] = [];
  readonly snapshots: Map<string, readonly Uint8Array[]> = new Map();
  lastLsn = 0;
  /** Opens so far. */
  epoch = 0;
  /** Whose frames land; another finds itself fenced. */
  owner: MemoryFrames | null = null;

  /** The index of the first record, or what it would be of the next. */
  get firstRecord(): number {
    return this.records[0]?.number ?? this.durable.lastIndex + 1;
  }

  /** Takes the records of a frame that is durable from now on; what it means is the affair of the log. */
  land(frame: Frame): void {
    const { fields, recordCount, lastLsn } = frame;
    const payload = frame.payload();
    const { from, until, resets } = fields;
    this.records.length = resets || this.records.length === 0 ? 0 : from - this.firstRecord;
    const view = viewOf(payload);
    let offset = 0;
    for (let number = until - recordCount; number < until; number += 1) {
      const bytes = payload.subarray(offset, offset + recordBytesAt(view, offset));
      if (number >= from) this.records.push({ number, checksum: recordChecksumAt(view, offset), bytes });
      offset += bytes.length;
    }
    this.lastLsn = lastLsn;
  }
}

/**
 * The frames of a log in memory, those that a disk would be given. Those of one synchronous run land together, in call
 * order, in a later microtask, so that a host's code meets the same order of events as with a disk.
 */
export class MemoryFrames implements FrameStore {
  readonly recovery: RecoveryReport;
  readonly counters: WalCounters = new WalCounters();
  readonly segmentCount = 0;
  latched: KeelsonError | null = null;
  queuedBytes = 0;
  readonly #medium: MemoryMedium;
  readonly #limits: { readonly frameBytesMax: number; readonly queueBytesMax: number };
  readonly #observer: Pick<WalObserver, 'onSync' | 'onFailed'>;
  #waiting: Frame[] = [];
  #acceptedLsn: number;
  #landing: Promise<void> = Promise.resolve();

  /** Opens the medium. Throws `KEELSON_LOCKED` while another has it. */
  constructor(
    medium: MemoryMedium,
    limits: { readonly frameBytesMax: number; readonly queueBytesMax: number },
    observer: Pick<WalObserver, 'onSync' | 'onFailed'>,
  ) {
    if (medium.owner !== null) {
      throw new KeelsonError('KEELSON_LOCKED', 'another log has this memory open. Close it first.');
    }
    this.#medium = medium;
    this.#limits = limits;
    this.#observer = observer;
    this.#acceptedLsn = medium.lastLsn;
    medium.owner = this;
    medium.epoch += 1;
    // A log that had it before goes on showing what it showed last.
    medium.durable = medium.durable.copy();
    this.recovery = reportOf(medium);
  }

  get durable(): { readonly lsn: number } {
    return { lsn: this.#medium.lastLsn };
  }

  accept(frame: Frame): void {
    const { headerBytes, payloadBytes, recordCount } = frame;
    checkFrameSize(frame, this.queuedBytes, this.#limits);
    const bytes = new Uint8Array(payloadBytes);
    const view = viewOf(bytes);
    frame.encode(bytes, view, 0);
    // No header is ever written in front of it.
    frame.accepted({ bytes, view }, -headerBytes, this.#acceptedLsn + 1);
    this.#acceptedLsn += recordCount;
    this.queuedBytes += frame.bytes;
    if (this.#waiting.push(frame) === 1) this.#landing = Promise.resolve().then(() => this.#land());
  }

  #land(): void {
    const group = this.#waiting;
    this.#waiting = [];
    if (this.#medium.owner !== this) {
      this.#fail(group);
      return;
    }
    const bytes = this.queuedBytes;
    for (const frame of group) {
      this.#medium.land(frame);
      this.queuedBytes -= frame.bytes;
      frame.onDurable();
    }
    this.counters.groups += 1;
    this.#observer.onSync({ lsn: this.#medium.lastLsn, saves: group.length, bytes, ms: 0 });
  }

  #fail(group: readonly Frame[]): void {
    const error = fenced();
    this.queuedBytes = 0;
    this.latched = error;
    this.#observer.onFailed(error);
    for (const frame of group) frame.onFailed(error);
  }

  checksumOf(index: number): number | undefined {
    return this.#medium.records[index - this.#medium.firstRecord]?.checksum;
  }

  read(from: number, until: number, bytesMax: number = Infinity): Promise<RecordRegion> {
    const { records, firstRecord } = this.#medium;
    const at = from - firstRecord;
    let [end, length] = [at, 0];
    while (end < Math.min(until - firstRecord, at + READ_ENTRIES) && length <= bytesMax) {
      length += records[end]?.bytes.length ?? 0;
      end += 1;
    }
    const offsets = new Uint32Array(end - at);
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (const [count, record] of records.slice(at, end).entries()) {
      offsets[count] = offset;
      bytes.set(record.bytes, offset);
      offset += record.bytes.length;
    }
    return Promise.resolve({ from, offsets, bytes, fileOffset: 0, path: IN_MEMORY });
  }

  dropUnneeded(): Promise<number> {
    const { records, firstRecord, durable } = this.#medium;
    const dropped = records.splice(0, durable.firstIndex - firstRecord);
    return Promise.resolve(dropped.reduce((sum, { bytes }) => sum + bytes.length, 0));
  }

  /** Waits for what was accepted, and lets the medium go. */
  async close(): Promise<void> {
    await this.#landing;
    if (this.#medium.owner === this) this.#medium.owner = null;
  }

  // What only a disk can do, or refuse.
  latch(): void {}
  noteRefusal(): void {}
  wasDropped(): Promise<boolean> {
    return Promise.resolve(false);
  }
  checkFence(): Promise<void> {
    return Promise.resolve();
  }
  witnessDurable(): Promise<void> {
    return Promise.resolve();
  }
}

/** What an open of memory finds: nothing can be amiss. */
function reportOf({ epoch, lastLsn }: MemoryMedium): RecoveryReport {
  const tally = new RecoveryTally(() => 0);
  Object.assign(tally, { epoch, lastLsn });
  return tally.report(epoch === 1 ? 'fresh' : 'clean');
}

function fenced(): KeelsonError {
  return new KeelsonError(
    'KEELSON_FENCED',
    'this log in memory has another owner by now, so the fate of its last saves is unknown. Open it again.',
  );
}
