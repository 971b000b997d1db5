import { lackOfEnvironment, type Environment } from '../disk/environment.js';
import { holdingNames } from '../disk/held-disk.js';
import { nodeEnvironment } from '../disk/node-environment.js';
import { KeelsonError } from '../errors/index.js';
import { isDetached } from '../format/detached.js';
import { entryChecksum } from '../format/entry-checksum.js';
import { LIMITS } from '../format/limits.js';
import { putRecordHeader, RECORD_HEADER_BYTES } from '../format/record.js';
import type { WalObserver } from './write/observer.js';
import { openSegmentedLog } from './open-segmented-log.js';
import { PlainLayer } from './plain-layer.js';
import { malformed } from './segment/record-reader.js';
import type { RecoveryReport } from './report/recovery-report.js';
import { closedError, compactedError } from './log-refusals.js';
import type { SegmentedLog } from './segmented-log.js';

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
  /** Held against the record's own checksum, in memory of the caller's own. */
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
const OPTION_NAMES: ReadonlySet<string> = new Set(['dir', 'segmentBytes', 'environment']);

/**
 * Opens the segmented log of a directory, making an empty one if there is none.
 *
 * Errors: `KEELSON_INVALID_ARGUMENT`, `KEELSON_NOT_A_LOG`, `KEELSON_LOCKED`, and those of damage and of the disk.
 */
export async function openWal(options: WalOptions): Promise<Wal> {
  const { dir, segmentBytes, environment } = resolve(options);
  const layer = new PlainLayer();
  let log: SegmentedLog | null = null;
  const observer: WalObserver = {
    onSync: () => log?.prepareNext(),
    onRotate: () => undefined,
    onNoSpace: () => undefined,
    onSpaceBack: () => undefined,
    onFailed: () => undefined,
  };
  log = await openSegmentedLog({
    environment: holdingNames(environment),
    dir,
    walDir: null,
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

function resolve(options: WalOptions): Required<WalOptions> {
  if (typeof options !== 'object' || options === null)
    throw invalid('options', `options is ${String(options)}, expected an object`);
  for (const name of Object.keys(options))
    if (!OPTION_NAMES.has(name)) throw invalid(name, `there is no option '${name}'`);
  const { dir, segmentBytes = SEGMENT_BYTES, environment = nodeEnvironment() } = options;
  if (typeof dir !== 'string' || dir.length === 0 || dir.includes('\0'))
    throw invalid('dir', 'dir must be the path of a directory');
  const lack = lackOfEnvironment(environment);
  if (lack !== null)
    throw invalid('environment', `environment is no Environment${lack && `: see its ${lack}`}`);
  const { segmentBytesMin: least, segmentBytesMax: most } = LIMITS;
  if (!Number.isSafeInteger(segmentBytes) || segmentBytes < least || segmentBytes > most) {
    throw invalid(
      'segmentBytes',
      `segmentBytes is ${segmentBytes}, expected a whole number in ${least}..${most}`,
    );
  }
  return { dir, segmentBytes, environment };
}

function invalid(argument: string, what: string): KeelsonError {
  return new KeelsonError('KEELSON_INVALID_ARGUMENT', `${what}. Nothing was changed.`, { argument });
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
    const payloadBytes = checkRecords(records);
    const firstLsn = this.#log.acceptedLsn + 1;
    const until = firstLsn + records.length;
    const fields = { from: firstLsn, until, lowTerm: 0, highTerm: 0, lastTerm: 0, resets: false };
    const done = new Promise<void>((onDurable, onFailed) => {
      const encode = (bytes: Uint8Array, view: DataView, offset: number): void => {
        encodeRecords(records, firstLsn, bytes, view, offset);
      };
      this.#log.accept({
        fields,
        payloadBytes,
        recordCount: records.length,
        urgency: 'entries',
        encode,
        onDurable,
        onFailed,
      });
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
    if (!Number.isSafeInteger(fromLsn) || fromLsn < 1)
      throw invalid('fromLsn', `fromLsn is ${fromLsn}, expected 1 or more`);
    const until = this.#log.durable.lsn + 1;
    for (let lsn = fromLsn; lsn < until;) {
      this.#checkOpen();
      if (lsn < this.#log.firstLsn) throw compactedError(lsn, this.#log.firstLsn);
      const records = await this.#log.read(lsn, until);
      for (const { record, path, offset } of records) {
        const { kind, body, checksum } = record;
        if (entryChecksum(lsn, 0, kind, body) !== checksum) throw malformed({ path }, offset, lsn);
        yield { lsn, kind, data: body.slice() };
        lsn += 1;
      }
    }
  }

  async dropBefore(lsn: number): Promise<{ bytesFreed: number }> {
    this.#checkOpen();
    const end = this.#log.durable.lsn + 1;
    if (!Number.isSafeInteger(lsn) || lsn < 1) throw invalid('lsn', `lsn is ${lsn}, expected 1 or more`);
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

/** Refuses what could not be read back (D9); returns the size of the encoded records. */
function checkRecords(records: readonly WalRecord[]): number {
  if (!Array.isArray(records) || records.length === 0)
    throw invalid('records', 'records must be a list of at least one record');
  let bytes = 0;
  for (const record of records as readonly (WalRecord | null | undefined)[]) {
    if (record === null || record === undefined) throw invalid('records', `a record is ${record}`);
    const { kind, data } = record;
    if (!Number.isInteger(kind) || kind < 0 || kind > LIMITS.recordKindMax) {
      throw invalid('kind', `kind is ${kind}, expected 0..${LIMITS.recordKindMax}; the rest is reserved`);
    }
    if (!(data instanceof Uint8Array) || isDetached(data))
      throw invalid('data', 'data must be a Uint8Array that was not transferred away');
    bytes += RECORD_HEADER_BYTES + data.length;
  }
  return bytes;
}

function encodeRecords(
  records: readonly WalRecord[],
  firstLsn: number,
  bytes: Uint8Array,
  view: DataView,
  offset: number,
): void {
  let at = offset;
  records.forEach(({ kind, data }, position) => {
    const checksum = entryChecksum(firstLsn + position, 0, kind, data);
    at = putRecordHeader(view, at, kind, checksum, data.length);
    bytes.set(data, at);
    at += data.length;
  });
}
