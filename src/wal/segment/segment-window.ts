import { isPromise, type Awaitable, type DiskFile } from '../../disk/port.js';
import { readFully } from '../../disk/read-fully.js';
import { checksum } from '../../format/checksum.js';
import { viewOf } from '../../format/integers.js';
import { fillFrom } from './read-segment.js';

/** Bytes read ahead: large enough that a scan is one long sequential read. */
const WINDOW_BYTES = 1024 * 1024;

/** How a file is read. */
export interface WindowOptions {
  /** Called before each read of the file; what it throws ends the reading. */
  readonly beforeRead?: (() => void) | undefined;
  /** Read ahead at once, and gone over in one turn of the event loop. Default 1 MiB. */
  readonly windowBytes?: number | undefined;
  /** The next window is read while one is gone over; {@link SegmentWindow.settle} is to be called before the file is closed. */
  readonly readsAhead?: boolean | undefined;
  /** The checksum that what is gone over is added to: see {@link SegmentWindow.checksumThrough}. */
  readonly checksum?: number | undefined;
}

/** In front of what is read ahead: room for the frame that begins in the window before it. */
const CARRY_BYTES = 64 * 1024;

/** A read that was begun before anybody asked for it. */
interface Ahead {
  readonly buffer: Uint8Array;
  /** Where it begins in the file. */
  readonly from: number;
  /** Bytes that were read; null where that failed: who needs them reads again. */
  readonly filled: Promise<number | null>;
}

/**
 * A sliding window over a file, for reading it once from front to back in bounded memory. A frame larger
 * than the window widens it, but never past the end of the file (D9).
 */
export class SegmentWindow {
  readonly #file: DiskFile;
  readonly #fileBytes: number;
  readonly #beforeRead: (() => void) | undefined;
  readonly #windowBytes: number;
  readonly #readsAhead: boolean;
  #ahead: Ahead | null = null;
  /** For the next read ahead. */
  #idle: Uint8Array | null = null;
  #buffer: Uint8Array;
  /** The part of the buffer that holds bytes of the file, and where they begin there. */
  #held: Uint8Array;
  #view: DataView;
  #from = 0;
  #checksum: number | undefined;
  /** What stands before it is in the checksum; null before the first read. */
  #summedUntil: number | null = null;
  /** Bytes read from the disk so far. */
  readBytes = 0;

  constructor(file: DiskFile, fileBytes: number, options: WindowOptions = {}) {
    const { beforeRead, windowBytes = WINDOW_BYTES, readsAhead = false } = options;
    this.#file = file;
    this.#beforeRead = beforeRead;
    this.#windowBytes = windowBytes;
    this.#readsAhead = readsAhead;
    this.#fileBytes = fileBytes;
    this.#checksum = options.checksum;
    this.#buffer = new Uint8Array(Math.min(windowBytes, Math.max(fileBytes, 1)));
    this.#held = this.#buffer.subarray(0, 0);
    this.#view = viewOf(this.#held);
  }

  /** What is held, valid until the next {@link hold} or {@link view} that has to read. */
  get bytes(): Uint8Array {
    return this.#held;
  }

  /** Over {@link bytes}. */
  get dataView(): DataView {
    return this.#view;
  }

  /** Where {@link bytes} begins in the file. */
  get from(): number {
    return this.#from;
  }

  /**
   * Holds the bytes `[offset, offset + length)`, fewer where the file ends, and returns where in {@link bytes} they
   * begin. Only what has to read makes a promise: a scan waits once a window, and not twice a frame.
   */
  hold(offset: number, length: number): Awaitable<number> {
    const until = Math.min(offset + length, this.#fileBytes);
    if (offset >= this.#from && until <= this.#from + this.#held.length) return offset - this.#from;
    return this.#load(offset, until - offset).then(() => 0);
  }

  /** The same bytes as a view, valid until the next call. */
  view(offset: number, length: number): Awaitable<Uint8Array> {
    const at = this.hold(offset, length);
    return isPromise(at)
      ? at.then((from) => this.#held.subarray(from, from + length))
      : this.#held.subarray(at, at + length);
  }

  /**
   * The checksum with all added that was held from the first offset asked for up to this one, in the very bytes that were
   * looked at. Offsets rise, as do those of {@link hold} then, and what is between two of them was held.
   */
  checksumThrough(offset: number): number {
    if (this.#checksum === undefined) throw new RangeError('this window sums nothing');
    const from = this.#summedUntil ?? offset;
    this.#summedUntil = offset;
    if (from < offset)
      this.#checksum = checksum(this.#held.subarray(from - this.#from, offset - this.#from), this.#checksum);
    return this.#checksum;
  }

  /** Resolves when no read of the file is under way. */
  async settle(): Promise<void> {
    await this.#ahead?.filled;
  }

  async #load(offset: number, length: number): Promise<void> {
    this.#beforeRead?.();
    if (this.#checksum !== undefined) this.checksumThrough(offset);
    const ahead = this.#ahead;
    this.#ahead = null;
    const isAhead = ahead !== null && (await this.#takeAhead(ahead, offset, length));
    if (!isAhead) await this.#read(offset, length);
    if (this.#readsAhead) this.#readAhead();
  }

  async #read(offset: number, length: number): Promise<void> {
    const wanted = Math.max(0, Math.min(Math.max(length, this.#windowBytes), this.#fileBytes - offset));
    if (wanted > this.#buffer.length) this.#buffer = new Uint8Array(wanted);
    this.#keep(this.#buffer, offset, 0, 0);
    const filled = await fillFrom(this.#file, this.#buffer.subarray(0, wanted), offset);
    this.#keep(this.#buffer, offset, 0, filled);
    this.readBytes += filled;
  }

  #readAhead(): void {
    const from = this.#from + this.#held.length;
    const wanted = Math.min(this.#windowBytes, this.#fileBytes - from);
    if (wanted <= 0 || this.#held.length === 0) return;
    const buffer = this.#idle ?? new Uint8Array(CARRY_BYTES + this.#windowBytes);
    this.#idle = null;
    const into = buffer.subarray(CARRY_BYTES, CARRY_BYTES + wanted);
    this.#ahead = { buffer, from, filled: this.#filled(into, from) };
  }

  async #filled(into: Uint8Array, from: number): Promise<number | null> {
    try {
      return await readFully(this.#file, into, from);
    } catch {
      return null;
    }
  }

  /** Puts what is left of the window in front of what was read ahead. False, and nothing changed, if that is not what is asked for. */
  async #takeAhead({ buffer, from, filled }: Ahead, offset: number, length: number): Promise<boolean> {
    const count = await filled;
    const carried = from - offset;
    if (
      count === null ||
      carried < 0 ||
      carried > CARRY_BYTES ||
      offset < this.#from ||
      length > carried + count
    )
      return false;
    buffer.set(this.#held.subarray(offset - this.#from), CARRY_BYTES - carried);
    // What the window was read into is used again, unless it is of another size.
    if (this.#buffer.length === buffer.length) this.#idle = this.#buffer;
    this.#buffer = buffer;
    this.#keep(buffer, offset, CARRY_BYTES - carried, carried + count);
    this.readBytes += count;
    return true;
  }

  #keep(buffer: Uint8Array, from: number, at: number, count: number): void {
    this.#from = from;
    this.#held = buffer.subarray(at, at + count);
    this.#view = viewOf(this.#held);
  }
}
