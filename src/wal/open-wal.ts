import { resolve } from 'node:path';
import { patient } from '../disk/disk-watch.js';
import { checkEnvironment, type Environment } from '../disk/environment.js';
import { holdingNames } from '../disk/held-disk.js';
import { nodeEnvironment } from '../disk/node-environment.js';
import {
  checkDirectory,
  checkInteger,
  invalidArgument,
  isInteger,
  readBytes,
  readFields,
} from '../errors/arguments.js';
import { KeelsonError } from '../errors/index.js';
import { entryChecksum } from '../format/entry-checksum.js';
import { viewOf } from '../format/integers.js';
import { LIMITS } from '../format/limits.js';
import { putRecordHeader, readRecord, RECORD_HEADER_BYTES } from '../format/record.js';
import type { FrameFields } from '../format/frame-header.js';
import { Frame } from './write/frame.js';
import { UNHEARD } from './report/observer.js';
import { openSegmentedLog } from './open-segmented-log.js';
import { PlainLayer } from './plain-layer.js';
import { malformed } from './report/damage.js';
import type { RecoveryReport } from './report/recovery-report.js';
import { closedError, compactedError } from '../errors/log-refusals.js';
import type { SegmentedLog } from './segmented-log.js';
import { StorePaths } from './store/store-directory.js';

/** A record of the plain wal: opaque bytes with a mark of the caller's. */
export interface WalRecord {
  /** 0..127; the rest is reserved. */
  readonly kind: number;
  /** Opaque to the log; copied before `append` returns. Length 0 is valid. */
  readonly data: Uint8Array;
}

/** A record read back. */
export interface ReadWalRecord extends WalRecord {
  /** Its log sequence number: 1 for the first record ever, and one more for each. */
  readonly lsn: number;
  /**
   * Held against the record's own checksum. The caller's own: a view of a buffer that it shares with its neighbours, so copy
   * it before you transfer it, or keep one of many.
   */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** Options of {@link openWal}. An unknown option is refused. */
export interface WalOptions {
  /** Directory of the log; made if it is missing. Its parent must be there. */
  readonly dir: string;
  /** Size of a segment in bytes, 4 KiB..1 GiB. Default 64 MiB. */
  readonly segmentBytes?: number;
  /** Disk, clock, timers and randomness. Default: `nodeEnvironment()`. */
  readonly environment?: Environment;
}

/** A segmented write-ahead log of typed opaque records. */
export interface Wal extends AsyncDisposable {
  /** What the open found. Where it speaks of entries, records are meant. */
  readonly recovery: RecoveryReport;
  /**
   * Appends records as one atom: after a crash all of them are there, or none. Accepted in call order; the bytes
   * are encoded before this returns. Resolved: on stable storage, in the same sync as its neighbours.
   * Rejects: `KEELSON_INVALID_ARGUMENT`, `KEELSON_TOO_LARGE`, `KEELSON_QUEUE_FULL`, `KEELSON_CLOSED` (nothing was
   * appended), `KEELSON_NO_SPACE` (nothing exists), `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`, `KEELSON_FENCED`,
   * `KEELSON_FAILED` (reopening decides).
   */
  append(records: readonly WalRecord[]): Promise<{
    /** LSN of the first of these records. */
    readonly firstLsn: number;
    /** LSN of the last of them. */
    readonly lastLsn: number;
  }>;
  /** Resolves when everything appended before this call is on stable storage; fails if that failed. */
  sync(): Promise<{
    /** Records up to this one are on stable storage. */
    readonly durableLsn: number;
  }>;
  /** The durable records from `fromLsn` (1 and up) on, as far as they reach now. `KEELSON_COMPACTED` below the first kept one. */
  read(fromLsn: number): AsyncIterable<ReadWalRecord>;
  /** Lets records below `lsn` go: whole segments of them are dropped, durably. Resolves to the bytes they held. */
  dropBefore(lsn: number): Promise<{
    /** What the dropped segments held. */
    readonly bytesFreed: number;
  }>;
  /** Waits for what was appended, marks a clean end. Idempotent. */
  close(): Promise<void>;
}

const SEGMENT_BYTES = 67_108_864;
const FRAME_BYTES_MAX = 16_777_216;
const QUEUE_BYTES_MAX = 67_108_864;

/**
 * Opens the segmented log of a directory, making an empty one if there is none.
 *
 * Errors: `KEELSON_INVALID_ARGUMENT`, `KEELSON_NOT_A_LOG`, `KEELSON_LOCKED`, and those of damage and of the disk.
 */
export async function openWal(options: WalOptions): Promise<Wal> {
  const { dir, segmentBytes, environment } = readOptions(options);
  const layer = new PlainLayer();
  let log: SegmentedLog | null = null;
  const observer = { ...UNHEARD, onSync: () => log?.prepareNext() };
  log = await openSegmentedLog({
    // For the calls that a signal cut short: nobody listens to those that hang.
    environment: holdingNames(patient(environment)),
    paths: new StorePaths(dir, null),
    create: 'if-missing',
    segmentBytes,
    frameBytesMax: FRAME_BYTES_MAX,
    queueBytesMax: QUEUE_BYTES_MAX,
    writeMode: 'auto',
    readOnly: false,
    verifyOnOpen: 'tail',
    layer,
    observer,
    older: null,
    signal: undefined,
  });
  return new PlainWal(dir, log, layer);
}

function readOptions(options: unknown): Required<WalOptions> {
  const known = ['dir', 'segmentBytes', 'environment'] as const;
  const { dir, segmentBytes = SEGMENT_BYTES, environment } = readFields('options', options, known, '');
  checkDirectory('dir', dir);
  checkEnvironment('environment', environment);
  checkInteger('segmentBytes', segmentBytes, LIMITS.segmentBytesMin, LIMITS.segmentBytesMax);
  // Absolute: where the process stands later must not decide where the next file goes.
  return { dir: resolve(dir), segmentBytes, environment: environment ?? nodeEnvironment() };
}

/** The frame of the records of one `append`. */
class RecordsFrame extends Frame {
  /** The caller's bytes; none once they are encoded. */
  #given: readonly GivenRecord[];
  readonly onDurable: () => void;
  readonly onFailed: (error: KeelsonError) => void;

  constructor(
    fields: FrameFields,
    given: readonly GivenRecord[],
    onDurable: () => void,
    onFailed: (error: KeelsonError) => void,
  ) {
    const payloadBytes = given.reduce((sum, { bytes }) => sum + RECORD_HEADER_BYTES + bytes, 0);
    super({ fields, urgency: 'entries', payloadBytes, recordCount: given.length });
    this.#given = given;
    this.onDurable = onDurable;
    this.onFailed = onFailed;
  }

  encode(bytes: Uint8Array, view: DataView, offset: number): void {
    encodeRecords(this.#given, this.fields.from, bytes, view, offset);
    this.#given = [];
  }
}

class PlainWal implements Wal {
  readonly recovery: RecoveryReport;
  readonly #dir: string;
  readonly #log: SegmentedLog;
  readonly #layer: PlainLayer;
  #isClosed = false;
  /** Ends when the last accepted frame does. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(dir: string, log: SegmentedLog, layer: PlainLayer) {
    this.recovery = log.recovery;
    this.#dir = dir;
    this.#log = log;
    this.#layer = layer;
  }

  async append(records: readonly WalRecord[]): Promise<{ firstLsn: number; lastLsn: number }> {
    this.#checkOpen();
    const given = readRecords(records);
    // A getter of a record may have closed the log.
    this.#checkOpen();
    const firstLsn = this.#log.acceptedLsn + 1;
    const until = firstLsn + given.length;
    const fields = { from: firstLsn, until, lowTerm: 0, highTerm: 0, lastTerm: 0, resets: false };
    const done = new Promise<void>((resolve, reject) => {
      this.#log.accept(new RecordsFrame(fields, given, resolve, reject));
    });
    this.#last = done;
    await this.#settled(done);
    return { firstLsn, lastLsn: until - 1 };
  }

  /** Settles as `done` does. A failure that its own caller has heard of does not fail a later `sync`. */
  async #settled(done: Promise<void>): Promise<void> {
    try {
      await done;
    } finally {
      if (this.#last === done) this.#last = Promise.resolve();
    }
  }

  async sync(): Promise<{ durableLsn: number }> {
    this.#checkOpen();
    await this.#last;
    const { latched } = this.#log;
    if (latched !== null) throw latched;
    return { durableLsn: this.#log.durable.lsn };
  }

  async *read(fromLsn: number): AsyncIterable<ReadWalRecord> {
    this.#checkOpen();
    checkInteger('fromLsn', fromLsn, 1);
    const until = this.#log.durable.lsn + 1;
    for (let lsn = fromLsn; lsn < until;) {
      this.#checkOpen();
      const { firstLsn } = this.#log.copies;
      if (lsn < firstLsn) throw compactedError(lsn, firstLsn);
      const { offsets, bytes, fileOffset, path } = await this.#log.read(lsn, until);
      const view = viewOf(bytes);
      for (const offset of offsets) {
        const record = readRecord(bytes, offset - fileOffset, bytes.length, view);
        if (record === null || entryChecksum(lsn, 0, record.kind, record.body) !== record.checksum)
          throw malformed({ path }, offset, lsn);
        yield { lsn, kind: record.kind, data: record.body };
        lsn += 1;
      }
    }
  }

  async dropBefore(lsn: number): Promise<{ bytesFreed: number }> {
    this.#checkOpen();
    const end = this.#log.durable.lsn + 1;
    checkInteger('lsn', lsn, 1);
    if (lsn > end) {
      throw new KeelsonError(
        'KEELSON_UNAVAILABLE',
        `LSN ${lsn} is not durable yet; the log ends before ${end}. Nothing was dropped.`,
        { lsn },
      );
    }
    this.#layer.dropBefore(lsn);
    return { bytesFreed: await this.#log.dropUnneeded() };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#log.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedError(this.#dir);
  }
}

/** A record as it was read; its bytes are the caller's until they are encoded. */
interface GivenRecord extends WalRecord {
  readonly bytes: number;
}

function tooManyRecords(found: number): KeelsonError {
  const expected = LIMITS.frameRecordsMax;
  const message = `records has ${found} records, at most ${expected} fit in one append; nothing was changed. Append fewer at once.`;
  return new KeelsonError('KEELSON_TOO_LARGE', message, { argument: 'records.length', found, expected });
}

/** Reads records, each property once; refuses what could not be read back (D9). */
function readRecords(records: unknown): GivenRecord[] {
  if (!Array.isArray(records)) throw invalidArgument('records', records, 'an array of records');
  const count: unknown = records.length;
  if (count === 0) throw invalidArgument('records', records, 'an array of at least one record');
  // A proxy of an array may say anything; and more would not fit in a frame.
  checkInteger('records.length', count, 1);
  if (count > LIMITS.frameRecordsMax) throw tooManyRecords(count);
  return Array.from({ length: count }, (_, at) => readGiven(`records[${at}]`, records[at]));
}

function readGiven(argument: string, record: unknown): GivenRecord {
  const { kind, data: given } = readFields(argument, record, ['kind', 'data']);
  if (!isInteger(kind, 0, LIMITS.recordKindMax)) {
    const expected = `an integer of 0..${LIMITS.recordKindMax}, since the rest is reserved`;
    throw invalidArgument(`${argument}.kind`, kind, expected);
  }
  const data = readBytes(`${argument}.data`, given);
  return { kind, data, bytes: data.length };
}

function encodeRecords(
  records: readonly GivenRecord[],
  firstLsn: number,
  bytes: Uint8Array,
  view: DataView,
  offset: number,
): void {
  let at = offset;
  records.forEach((record, position) => {
    const { kind, data } = record;
    // A getter of a later record may have given the memory away.
    if (data.length !== record.bytes)
      throw invalidArgument(`records[${position}].data`, data, 'a Uint8Array that was not transferred away');
    const checksum = entryChecksum(firstLsn + position, 0, kind, data);
    at = putRecordHeader(view, at, kind, checksum, data.length);
    bytes.set(data, at);
    at += data.length;
  });
}
