import { closeFile, keeping } from '../../disk/close-file.js';
import { isOutOfDescriptors } from '../../disk/disk-failure.js';
import type { Disk, DiskFile } from '../../disk/port.js';
import { identityText, sameBytes } from '../../format/identity.js';
import { damagedAt } from '../report/damage.js';
import type { LiveSegment } from './live-segment.js';
import { openSegment, readSegmentHeader } from './read-segment.js';

/** Files kept open for the next read, though nobody reads them now. */
const IDLE_KEPT = 8;
/** Files open at once; reads of others wait for their turn. More would take the host's descriptors for no gain. */
const OPEN_MAX = 16;

interface OpenedSegment {
  readonly number: number;
  readonly file: Promise<DiskFile>;
  readers: number;
  /** Nobody else will read it: to be closed by its last reader. */
  isRetired: boolean;
}

/**
 * The files of segments, opened for reading: shared by all readers, so that retiring one knows whether it is read,
 * and no more of them than a server can spare.
 *
 * Invariant: the map holds what the next reader of a number may share, and nothing is taken from it but the very value
 * that was looked at. Whatever waits, for the disk or for its turn, may find another value of the same number behind it.
 */
export class SegmentFiles {
  readonly #disk: Disk;
  /** By number of the segment, the longest unused first. */
  readonly #opened = new Map<number, OpenedSegment>();
  /** Descriptors in use: of files open, being opened and being closed. */
  #held = 0;
  #heldMax = OPEN_MAX;
  /** Opens that wait for a descriptor, in order; whoever gives one back hands it on. */
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;
  #onNoneHeld: () => void = () => undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /**
   * Runs `read` with the segment's file, which stays usable until `read` ends, whatever happens to its name (D10).
   * Waits while too many others are open. Whoever reads may not wait for the read of another segment.
   */
  async use<T>(segment: LiveSegment, read: (file: DiskFile) => Promise<T>): Promise<T> {
    const opened = this.#acquire(segment);
    try {
      return await read(await opened.file);
    } finally {
      opened.readers -= 1;
      await this.#trim(opened);
    }
  }

  #acquire(segment: LiveSegment): OpenedSegment {
    const { number } = segment.header;
    const opened = this.#opened.get(number) ?? this.#begin(number, segment);
    opened.readers += 1;
    if (opened.isRetired) return opened;
    // Moved to the end: a Map keeps the order of insertion.
    this.#opened.delete(number);
    this.#opened.set(number, opened);
    return opened;
  }

  #begin(number: number, segment: LiveSegment): OpenedSegment {
    const opened = { number, file: this.#open(segment), readers: 0, isRetired: this.#isClosed };
    // A file that could not be opened must be tried anew by the next reader.
    opened.file.catch(() => {
      this.#forget(opened);
    });
    return opened;
  }

  async #open(segment: LiveSegment): Promise<DiskFile> {
    for (;;) {
      await this.#takeDescriptor();
      try {
        return await openThat(this.#disk, segment);
      } catch (error) {
        const others = this.#held - 1;
        // The process has fewer than we took ourselves to have: wait for one of ours, while there is one to wait for.
        const waits = isOutOfDescriptors(error) && others > 0;
        if (waits) this.#heldMax = others;
        this.#giveBack();
        if (!waits) throw error;
      }
    }
  }

  #takeDescriptor(): Promise<void> | undefined {
    if (this.#held < this.#heldMax) {
      this.#held += 1;
      return undefined;
    }
    const [longestUnused] = this.#idle();
    if (longestUnused !== undefined) void this.#close(longestUnused);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  #giveBack(): void {
    this.#held -= 1;
    if (this.#held < this.#heldMax) {
      const next = this.#waiting.shift();
      if (next !== undefined) {
        this.#held += 1;
        next();
      }
    }
    if (this.#waiting.length === 0) this.#heldMax = OPEN_MAX;
    if (this.#held === 0) this.#onNoneHeld();
  }

  #idle(): OpenedSegment[] {
    return [...this.#opened.values()].filter(({ readers }) => readers === 0);
  }

  /** Closes what its last reader has left, as far as it is not kept for the next one. */
  async #trim(left: OpenedSegment): Promise<void> {
    if (left.readers > 0) return;
    if (left.isRetired) {
      await this.#close(left);
      return;
    }
    const idle = this.#idle();
    const kept = this.#waiting.length > 0 ? 0 : IDLE_KEPT;
    await Promise.all(idle.slice(0, Math.max(0, idle.length - kept)).map((opened) => this.#close(opened)));
  }

  #forget(opened: OpenedSegment): void {
    if (this.#opened.get(opened.number) === opened) this.#opened.delete(opened.number);
  }

  /** To be called once nobody reads it. */
  async #close(opened: OpenedSegment): Promise<void> {
    this.#forget(opened);
    let file: DiskFile;
    try {
      file = await opened.file;
    } catch {
      // It was never open: its readers have been told.
      return;
    }
    await closeFile(file);
    this.#giveBack();
  }

  /** The segment leaves the live range. True if nobody reads it, so that its file may be written again. */
  async retire(number: number): Promise<boolean> {
    const opened = this.#opened.get(number);
    if (opened === undefined) return true;
    this.#forget(opened);
    opened.isRetired = true;
    if (opened.readers > 0) return false;
    await this.#close(opened);
    return true;
  }

  /** Closes what nobody reads; a read under way ends undisturbed, and closes its file then. Resolved: none is open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const number of [...this.#opened.keys()]) await this.retire(number);
    if (this.#held === 0) return;
    await new Promise<void>((resolve) => {
      this.#onNoneHeld = resolve;
    });
  }
}

/**
 * A name leads to whatever stands there now, and an entry's own checksum says nothing of its store: a whole header of
 * another segment is refused. One that is damaged is not, since the entries behind it are still proven one by one.
 */
async function openThat(disk: Disk, { path, header }: LiveSegment): Promise<DiskFile> {
  return keeping(await openSegment(disk, path), async (file) => {
    const { verdict } = await readSegmentHeader(file);
    if (verdict.kind !== 'valid' || sameBytes(verdict.header.identity, header.identity)) return file;
    const found = identityText(verdict.header.identity);
    const expected = identityText(header.identity);
    throw damagedAt(path, 0, `it is segment ${found}, expected ${expected}`, { found, expected });
  });
}
