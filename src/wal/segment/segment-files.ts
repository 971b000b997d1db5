import type { Disk, DiskFile } from '../../disk/port.js';
import { closeFile } from '../../disk/close-file.js';
import type { LiveSegment } from './live-segment.js';
import { openSegment } from './read-segment.js';

/** Files kept open for the next read, though nobody reads them now. */
const IDLE_KEPT = 8;

interface OpenedSegment {
  readonly file: Promise<DiskFile>;
  readers: number;
  isRetired: boolean;
}

/** The files of segments, opened for reading: shared by all readers, so that retiring one knows whether it is read. */
export class SegmentFiles {
  readonly #disk: Disk;
  readonly #opened = new Map<number, OpenedSegment>();
  #isClosed = false;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Runs `read` with the segment's file, which stays usable until `read` ends, whatever happens to its name (D10). */
  async use<T>(segment: LiveSegment, read: (file: DiskFile) => Promise<T>): Promise<T> {
    const opened = this.#acquire(segment);
    try {
      return await read(await opened.file);
    } catch (error) {
      // A file that could not be opened must be tried anew by the next reader.
      await opened.file.catch(() => this.#opened.delete(segment.header.number));
      throw error;
    } finally {
      opened.readers -= 1;
      await this.#trim();
    }
  }

  #acquire(segment: LiveSegment): OpenedSegment {
    const { number } = segment.header;
    let opened = this.#opened.get(number);
    if (opened === undefined)
      opened = { file: openSegment(this.#disk, segment.path), readers: 0, isRetired: this.#isClosed };
    // Moved to the end: a Map keeps the order of insertion, so the front is the longest unused.
    this.#opened.delete(number);
    this.#opened.set(number, opened);
    opened.readers += 1;
    return opened;
  }

  async #trim(): Promise<void> {
    let idle = 0;
    for (const [number, opened] of [...this.#opened].reverse()) {
      if (opened.readers > 0) continue;
      idle += 1;
      if (idle > IDLE_KEPT || opened.isRetired) await this.#close(number, opened);
    }
  }

  async #close(number: number, opened: OpenedSegment): Promise<void> {
    this.#opened.delete(number);
    await opened.file.then(closeFile, () => undefined);
  }

  /** The segment leaves the live range. True if nobody reads it, so that its file may be written again. */
  async retire(number: number): Promise<boolean> {
    const opened = this.#opened.get(number);
    if (opened === undefined) return true;
    opened.isRetired = true;
    if (opened.readers > 0) return false;
    await this.#close(number, opened);
    return true;
  }

  /** Closes what nobody reads; a read under way ends undisturbed, and closes its file then. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const number of [...this.#opened.keys()]) await this.retire(number);
  }
}
