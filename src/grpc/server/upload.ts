import { invalidArgument } from '../../errors/arguments.js';
import { orAborted } from '../../errors/index.js';
import { checksum } from '../../format/checksum.js';
import type { SnapshotMeta } from '../../raft-log/contract.js';
import { Bell } from '../bell.js';
import { Incoming } from '../message-stream.js';
import type { SnapshotPiece } from '../generated/keelson/v1/raft_log.js';
import { PIECE_BYTES_MAX } from '../limits.js';
import { superseded } from './refusals.js';

/** Takes the data of a snapshot into the log; abandoned by its signal. */
export type TakeSnapshot = (data: AsyncIterable<Uint8Array>, signal: AbortSignal) => Promise<SnapshotMeta>;

/**
 * A snapshot on its way into the log, which pulls its data at the pace of the disk. The stream that brings it may break and
 * another go on behind the last byte that is here; the data ends when it is told to, so that until then nothing counts.
 */
export class Upload {
  /** What it comes to. */
  readonly taken: Promise<SnapshotMeta>;
  receivedBytes = 0;
  readonly #abandoning = new AbortController();
  readonly #refusing = new AbortController();
  /** The log took it without its data: it has it already. */
  readonly #settled = new AbortController();
  /** What the log pulls. */
  readonly #data: Incoming<Uint8Array>;
  /** The log asks for more: what it has had it has copied. */
  readonly #asked = new Bell();
  /** Streams so far: only the newest may write. */
  #stream = 0;

  constructor(take: TakeSnapshot) {
    this.#data = new Incoming(() => this.#asked.ring());
    this.taken = take(this.#data, this.#abandoning.signal);
    this.taken.then(
      () => this.#settled.abort(),
      (error: unknown) => this.#refusing.abort(error),
    );
  }

  /** Aborts when the log refuses it, or it is given up; its reason is the error. */
  get refusal(): AbortSignal {
    return this.#refusing.signal;
  }

  throwIfRefused(): void {
    if (this.refusal.aborted) throw this.refusal.reason;
  }

  /**
   * Resolved: the log takes it, and has all that was brought, or has it without. Rejects with what the log refused it for, or
   * where a newer stream goes on with it.
   */
  async accepted(): Promise<void> {
    const stream = this.#stream;
    await this.#untilAsked(stream);
    if (stream !== this.#stream) throw superseded('upload');
  }

  async #untilAsked(stream: number): Promise<void> {
    while (!this.#data.isWanted && !this.#settled.signal.aborted && stream === this.#stream)
      await this.#unlessOver(this.#asked.next());
  }

  /** A stream that goes on with it, at `offset`; one before it writes no more. */
  resume(offset: number): number {
    if (offset !== this.receivedBytes)
      throw invalidArgument('upload.offset', offset, `${this.receivedBytes}, which is what the server has`);
    this.#stream += 1;
    this.#asked.ring();
    return this.#stream;
  }

  /** Resolved: the log has the piece. Rejects with what the log refused the snapshot for. */
  async write(stream: number, { data, checksum: expected }: SnapshotPiece): Promise<void> {
    if (stream !== this.#stream) throw superseded('upload');
    if (data.length === 0 || data.length > PIECE_BYTES_MAX)
      throw invalidArgument('piece.data', data.length, `1..${PIECE_BYTES_MAX} bytes`);
    const found = checksum(data);
    if (found !== expected) throw invalidArgument('piece.checksum', expected, String(found));
    await this.#untilAsked(stream);
    // What the log did not come for comes again, by the stream that goes on.
    if (stream !== this.#stream || !this.#data.isWanted) return;
    // It is the log's from here on, however long the disk takes: a stream that goes on meanwhile goes on behind it.
    this.receivedBytes += data.length;
    this.#data.take(data);
    await this.#untilAsked(stream);
  }

  /** The log may be done with it at any time: it refuses it, or finds that it has it. */
  async #unlessOver(work: Promise<void>): Promise<void> {
    try {
      await orAborted('the upload', this.refusal, orAborted('the upload', this.#settled.signal, work));
    } catch {
      this.throwIfRefused();
    }
  }

  /** Refuses an end that is not where the data ends. */
  checkEnd(bytes: number): void {
    if (bytes === this.receivedBytes || this.#settled.signal.aborted) return;
    throw invalidArgument('end.bytes', bytes, `${this.receivedBytes}, which is what the server has`);
  }

  /** All the data is here. */
  async whole(): Promise<SnapshotMeta> {
    this.#data.end(null);
    return this.taken;
  }

  /** Gives it up, unless it counts already. */
  abandon(): void {
    this.#abandoning.abort();
  }
}
