import { isPromise, type Awaitable, type DiskFile } from '../../disk/port.js';
import { readFailed } from '../../disk/disk-failure.js';
import { readFully } from '../../disk/read-fully.js';
import { viewOf } from '../../format/integers.js';

/** Bytes read ahead: large enough that a scan is one long sequential read. */
const WINDOW_BYTES = 1024 * 1024;

/** How a file is read. */
export interface WindowOptions {
  /** Called before each read of the file; what it throws ends the reading. */
  readonly beforeRead?: (() => void) | undefined;
  /** Read ahead at once, and gone over in one turn of the event loop. Default 1 MiB. */
  readonly windowBytes?: number | undefined;
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
  #buffer: Uint8Array;
  /** The part of the buffer that holds bytes of the file, and where they begin there. */
  #held: Uint8Array;
  #view: DataView;
  #from = 0;
  /** Bytes read from the disk so far. */
  readBytes = 0;

  constructor(file: DiskFile, fileBytes: number, options: WindowOptions = {}) {
    const { beforeRead, windowBytes = WINDOW_BYTES } = options;
    this.#file = file;
    this.#beforeRead = beforeRead;
    this.#windowBytes = windowBytes;
    this.#fileBytes = fileBytes;
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

  async #load(offset: number, length: number): Promise<void> {
    const wanted = Math.max(0, Math.min(Math.max(length, this.#windowBytes), this.#fileBytes - offset));
    if (wanted > this.#buffer.length) this.#buffer = new Uint8Array(wanted);
    this.#keep(offset, 0);
    this.#beforeRead?.();
    let filled: number;
    try {
      filled = await readFully(this.#file, this.#buffer.subarray(0, wanted), offset);
    } catch (error) {
      throw readFailed('a segment', { path: this.#file.path, offset }, error);
    }
    this.#keep(offset, filled);
    this.readBytes += filled;
  }

  #keep(from: number, count: number): void {
    this.#from = from;
    this.#held = this.#buffer.subarray(0, count);
    this.#view = viewOf(this.#held);
  }
}
