import type { Environment, Timer } from '../../disk/environment.js';
import type { Awaitable, DiskFile } from '../../disk/port.js';
import { encodeEndMark, END_MARK_BLOCK_BYTES, type EndMark } from '../../format/end-mark.js';
import type { DurableMark } from '../../format/position.js';
import { closeFile } from '../../disk/close-file.js';
import { blockOf, lastSequence, marksPath, type MarksFile } from '../store/marks-file.js';

/**
 * Milliseconds after a durable group until its mark is written: soon when the log falls idle, and well within
 * the 100 ms that D12 allows while it is busy.
 */
const MARK_AFTER_MS = 25;

/** Whose marks they are, and how to see whether they still are (D11): throws once another writer has taken over. */
export interface MarkWriter {
  readonly storeId: Uint8Array;
  readonly epoch: number;
  readonly checkFence: () => Awaitable<void>;
}

/**
 * Opens the marks of the one writer. They are an extra witness: null, and the log goes on, if the file cannot be made.
 *
 * @param found what stood in the file when the store was judged, and `last` the newest there that counts
 */
export async function openEndMarks(
  environment: Environment,
  dir: string,
  writer: MarkWriter,
  found: MarksFile,
  last: EndMark | null,
): Promise<EndMarks | null> {
  try {
    const file = await environment.disk.open(marksPath(dir), { access: 'write', create: 'if-missing' });
    return new EndMarks(environment, file, writer, lastSequence(found, last));
  } catch {
    return null;
  }
}

/** Writes end marks: lazily, in turn into two blocks, never synced, failures ignored. */
export class EndMarks {
  readonly #environment: Environment;
  readonly #file: DiskFile;
  readonly #writer: MarkWriter;
  #sequence: number;
  #latest: DurableMark | null = null;
  #timer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(environment: Environment, file: DiskFile, writer: MarkWriter, sequence: number) {
    this.#environment = environment;
    this.#file = file;
    this.#writer = writer;
    this.#sequence = sequence;
  }

  /** Remembers what is durable now; it will be written within {@link MARK_AFTER_MS}. */
  note(mark: DurableMark): void {
    this.#latest = mark;
    this.#timer ??= this.#environment.setTimer(MARK_AFTER_MS, () => {
      this.#timer = null;
      this.#writing = this.#writing.then(() => this.#write());
    });
  }

  /**
   * Writes what was noted last, and then no more: with a clean end that the superblock alone knows of, damage to both it
   * and the tail would pass for a tear.
   *
   * @param writesLast - false for a log that failed, which writes nothing any more (D5)
   */
  async close(writesLast: boolean): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#writing;
    if (writesLast) await this.#write();
    await closeFile(this.#file);
  }

  async #write(): Promise<void> {
    const mark = this.#latest;
    if (mark === null) return;
    this.#latest = null;
    this.#sequence += 1;
    const { storeId, epoch, checkFence } = this.#writer;
    const bytes = encodeEndMark({ ...mark, storeId, epoch, sequence: this.#sequence });
    try {
      // D11: a timer that comes late, of a process that was paused say, must not put its mark over its successor's.
      await checkFence();
      await this.#file.write(bytes, blockOf(this.#sequence) * END_MARK_BLOCK_BYTES);
    } catch {
      // D12: a mark is a witness more, never a need; the frames' own marks stand.
    }
  }
}
