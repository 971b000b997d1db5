import { join } from 'node:path';
import type { Environment, Timer } from '../../disk/environment.js';
import type { Disk, DiskFile } from '../../disk/port.js';
import { readFailed } from '../../disk/disk-failure.js';
import { readFully } from '../../disk/read-fully.js';
import { systemCode } from '../../disk/system-error.js';
import {
  decodeEndMark,
  encodeEndMark,
  END_MARK_BLOCK_BYTES,
  END_MARK_BYTES,
  type EndMark,
} from '../../format/end-mark.js';
import { sameBytes } from '../../format/identity.js';
import { MARKS_NAME } from '../../format/names.js';
import type { DurableMark } from '../../format/position.js';
import { closeFile } from '../../disk/close-file.js';

/**
 * Milliseconds after a durable group until its mark is written: soon when the log falls idle, and well within
 * the 100 ms that D12 allows while it is busy.
 */
const MARK_AFTER_MS = 25;

function marksPath(dir: string): string {
  return join(dir, MARKS_NAME);
}

/** The newest end mark of this store, or null: torn or missing ones are no damage (D12). */
export async function readEndMark(disk: Disk, dir: string, storeId: Uint8Array): Promise<EndMark | null> {
  const path = marksPath(dir);
  let file: DiskFile;
  try {
    file = await disk.open(path, { access: 'read' });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw readFailed('the end marks', { path }, error);
  }
  try {
    return await newestMark(file, storeId);
  } finally {
    await closeFile(file);
  }
}

async function newestMark(file: DiskFile, storeId: Uint8Array): Promise<EndMark | null> {
  const bytes = new Uint8Array(END_MARK_BLOCK_BYTES + END_MARK_BYTES);
  let filled: number;
  try {
    filled = await readFully(file, bytes, 0);
  } catch (error) {
    throw readFailed('the end marks', { path: file.path }, error);
  }
  let newest: EndMark | null = null;
  for (const from of [0, END_MARK_BLOCK_BYTES]) {
    const mark = decodeEndMark(
      bytes.subarray(Math.min(from, filled), Math.min(from + END_MARK_BYTES, filled)),
    );
    if (mark === null || !sameBytes(mark.storeId, storeId)) continue;
    if (newest === null || mark.lsn > newest.lsn) newest = mark;
  }
  return newest;
}

/**
 * False for a mark of an epoch before the present one that speaks of what the present one wrote itself (D11): a repair has
 * begun a new log there, and the platter may bring back marks of the old one, since none is ever synced.
 */
export function isMarkOfRun(
  mark: EndMark,
  { fenceEpoch, fenceLsn }: { readonly fenceEpoch: number; readonly fenceLsn: number },
): boolean {
  return mark.epoch >= fenceEpoch || mark.lsn < fenceLsn;
}

/**
 * Opens the marks of the one writer. They are an extra witness: null, and the log goes on, if the file cannot be made.
 *
 * @param last the newest one that was found, whose block is not the next to be written
 */
export async function openEndMarks(
  environment: Environment,
  dir: string,
  { storeId, epoch }: { readonly storeId: Uint8Array; readonly epoch: number },
  last: EndMark | null,
): Promise<EndMarks | null> {
  try {
    const file = await environment.disk.open(marksPath(dir), { access: 'write', create: 'if-missing' });
    return new EndMarks(environment, file, storeId, epoch, last?.sequence ?? 0);
  } catch {
    return null;
  }
}

/** Writes end marks: lazily, in turn into two blocks, never synced, failures ignored. */
export class EndMarks {
  readonly #environment: Environment;
  readonly #file: DiskFile;
  readonly #storeId: Uint8Array;
  readonly #epoch: number;
  #sequence: number;
  #latest: DurableMark | null = null;
  #timer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    environment: Environment,
    file: DiskFile,
    storeId: Uint8Array,
    epoch: number,
    sequence: number,
  ) {
    this.#environment = environment;
    this.#file = file;
    this.#storeId = storeId;
    this.#epoch = epoch;
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
    const bytes = encodeEndMark({
      ...mark,
      storeId: this.#storeId,
      epoch: this.#epoch,
      sequence: this.#sequence,
    });
    try {
      await this.#file.write(bytes, (this.#sequence % 2) * END_MARK_BLOCK_BYTES);
    } catch {
      // D12: a mark is a witness more, never a need; the frames' own marks stand.
    }
  }
}
