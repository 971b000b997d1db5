import type { DiskFile } from '../../disk/port.js';
import { readFailed } from '../../disk/disk-failure.js';
import { readFully } from '../../disk/read-fully.js';

/** Bytes read ahead: large enough that a scan is one long sequential read. */
const WINDOW_BYTES = 1024 * 1024;

/**
 * A sliding window over a file, for reading it once from front to back in bounded memory. A frame larger
 * than the window widens it, but never past the end of the file (D9).
 */
export class SegmentWindow {
  readonly #file: DiskFile;
  readonly #fileBytes: number;
  #bytes: Uint8Array;
  #from = 0;
  #filled = 0;
  /** Bytes read from the disk so far. */
  readBytes = 0;

  constructor(file: DiskFile, fileBytes: number) {
    this.#file = file;
    this.#fileBytes = fileBytes;
    this.#bytes = new Uint8Array(Math.min(WINDOW_BYTES, Math.max(fileBytes, 1)));
  }

  /** Bytes `[offset, offset + length)`, fewer where the file ends. A view, valid until the next call. */
  async view(offset: number, length: number): Promise<Uint8Array> {
    const until = Math.min(offset + length, this.#fileBytes);
    if (offset < this.#from || until > this.#from + this.#filled) await this.#load(offset, until - offset);
    const at = offset - this.#from;
    return this.#bytes.subarray(at, Math.max(at, Math.min(until - this.#from, this.#filled)));
  }

  async #load(offset: number, length: number): Promise<void> {
    const wanted = Math.min(Math.max(length, WINDOW_BYTES), this.#fileBytes - offset);
    if (wanted > this.#bytes.length) this.#bytes = new Uint8Array(wanted);
    const into = this.#bytes.subarray(0, wanted);
    this.#filled = 0;
    try {
      this.#filled = await readFully(this.#file, into, offset);
    } catch (error) {
      throw readFailed('a segment', { path: this.#file.path, offset }, error);
    }
    this.#from = offset;
    this.readBytes += this.#filled;
  }
}
