import type { Disk, DiskFile } from '../disk/port.js';
import { closeFile } from './close-file.js';
import { segmentPath } from './live-segment.js';
import { openSegment } from './read-segment.js';

/** Segments opened before they are asked for. */
const AHEAD = 4;

type Opened = { readonly file: DiskFile } | { readonly error: unknown };

/**
 * Opens the segments that recovery looks at, one after the other, a few ahead: to wait for an open and a close
 * costs many times the two small reads between them, and open time must hardly grow with the log.
 */
export class OpenAhead {
  readonly #disk: Disk;
  readonly #walDir: string;
  readonly #present: ReadonlySet<number>;
  /** The newest segment that is sure to be asked for. */
  readonly #newest: number;
  readonly #ahead = new Map<number, Promise<Opened>>();
  readonly #taken = new Set<DiskFile>();
  readonly #closing = new Set<Promise<void>>();

  constructor(disk: Disk, walDir: string, present: ReadonlySet<number>, newest: number) {
    this.#disk = disk;
    this.#walDir = walDir;
    this.#present = present;
    this.#newest = newest;
  }

  /** The segment of that number, open for reading until it is given back; throws as {@link openSegment} does. */
  async take(number: number): Promise<DiskFile> {
    const opening = this.#ahead.get(number) ?? this.#open(number);
    this.#ahead.delete(number);
    for (let next = number + 1; next <= Math.min(number + AHEAD, this.#newest); next += 1) {
      if (this.#present.has(next) && !this.#ahead.has(next)) this.#ahead.set(next, this.#open(next));
    }
    const opened = await opening;
    if ('error' in opened) throw opened.error;
    this.#taken.add(opened.file);
    return opened.file;
  }

  /** Never rejects: who does not ask for the segment does not hear that it could not be opened. */
  async #open(number: number): Promise<Opened> {
    try {
      return { file: await openSegment(this.#disk, segmentPath(this.#walDir, number)) };
    } catch (error) {
      return { error };
    }
  }

  /** Takes a segment back; it is closed meanwhile. */
  giveBack(file: DiskFile): void {
    if (!this.#taken.delete(file)) return;
    const closing = closeFile(file).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  /** Resolves when all that was opened is closed. */
  async close(): Promise<void> {
    for (const file of this.#taken) this.giveBack(file);
    for (const opening of this.#ahead.values()) {
      const opened = await opening;
      if ('file' in opened) await closeFile(opened.file);
    }
    this.#ahead.clear();
    await Promise.all(this.#closing);
  }
}
