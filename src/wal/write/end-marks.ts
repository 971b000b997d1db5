import type { Environment, Timer } from '../../disk/environment.js';
import type { DiskFile } from '../../disk/port.js';
import { changeFailed, writeFailed, type NextStep } from '../../disk/disk-failure.js';
import { systemCode } from '../../disk/system-error.js';
import { writeFully } from '../../disk/write-fully.js';
import type { KeelsonError } from '../../errors/index.js';
import type { WalCounters } from '../report/wal-counters.js';
import { encodeEndMark, END_MARK_BLOCK_BYTES } from '../../format/end-mark.js';
import type { DurableMark } from '../../format/position.js';
import { closeFile } from '../../disk/close-file.js';
import { blockOf } from '../store/marks-file.js';
import type { SuperblockFile } from '../store/superblock-file.js';

/**
 * Milliseconds after a durable group until its mark is written: soon when the log falls idle, and well within
 * the 100 ms that D12 allows while it is busy.
 */
const MARK_AFTER_MS = 25;

const NEXT: NextStep = {
  fate: 'The log goes on, with one witness less of what it acknowledged.',
  then: 'the next mark tries again',
};

/** What is told of a mark that could not be written, and counted. */
export interface UnmarkedHost {
  readonly counters: WalCounters;
  readonly onUnmarked: (error: KeelsonError) => void;
}

/** What the disk may refuse a moment and grant the next. Anything else is as it will be at every later try. */
const PASSING: ReadonlySet<string | undefined> = new Set(['EIO', 'ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE']);

/** Writes end marks: lazily, in turn into two blocks, never synced; failures are told and harm nothing. */
export class EndMarks {
  readonly #environment: Environment;
  readonly #path: string;
  /** Says whose marks they are, and whether they still are (D11). */
  readonly #superblock: SuperblockFile;
  readonly #host: UnmarkedHost;
  #file: DiskFile | null = null;
  #sequence: number;
  #latest: DurableMark | null = null;
  #timer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();
  /** The last try failed, and that was told. */
  #isUnmarked = false;
  #isStopped = false;

  /** @param sequence behind which it goes on */
  constructor(
    environment: Environment,
    path: string,
    superblock: SuperblockFile,
    sequence: number,
    host: UnmarkedHost,
  ) {
    this.#environment = environment;
    this.#path = path;
    this.#superblock = superblock;
    this.#sequence = sequence;
    this.#host = host;
  }

  /**
   * Opens the file. Marks are an extra witness: if it cannot be opened for what may pass, a full disk say, the log goes on, says
   * so, and tries again with the first mark. A file that is not ours to write, as what root has left behind, fails the open:
   * D12 would be broken for good, and nobody would look.
   */
  async begin(): Promise<void> {
    try {
      await this.#open();
    } catch (error) {
      if (!PASSING.has(systemCode(error)))
        throw writeFailed('the end marks', { path: this.#path }, error, { then: 'open again' });
      this.#noteFailed(error);
    }
  }

  async #open(): Promise<DiskFile> {
    this.#file ??= await this.#environment.disk.open(this.#path, { access: 'write', create: 'if-missing' });
    return this.#file;
  }

  /** D12: a mark is a witness more, never a need; but that there is none must not stay unsaid. */
  #noteFailed(error: unknown): void {
    this.#host.counters.endMarksFailed += 1;
    if (this.#isUnmarked) return;
    this.#isUnmarked = true;
    this.#host.onUnmarked(changeFailed('an end mark', { path: this.#path }, error, NEXT));
  }

  /** Remembers what is durable now; it will be written within {@link MARK_AFTER_MS}. */
  note(mark: DurableMark): void {
    this.#latest = mark;
    this.#timer ??= this.#environment.setTimer(MARK_AFTER_MS, () => {
      this.#timer = null;
      this.#writing = this.#writing.then(() => this.#write());
    });
  }

  /** D5: the log has failed, and nothing is written any more, not even what was noted before. */
  stop(): void {
    this.#isStopped = true;
  }

  /**
   * Writes what was noted last, and then no more: with a clean end that the superblock alone knows of, damage to both it
   * and the tail would pass for a tear.
   */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#writing;
    await this.#write();
    if (this.#file !== null) await closeFile(this.#file);
  }

  async #write(): Promise<void> {
    const mark = this.#latest;
    if (mark === null || this.#isStopped) return;
    this.#latest = null;
    this.#sequence += 1;
    const { lineage, epoch } = this.#superblock.current;
    const bytes = encodeEndMark({
      lsn: mark.lsn,
      lastIndex: mark.lastIndex,
      lastTerm: mark.lastTerm,
      lineage,
      epoch,
      sequence: this.#sequence,
    });
    try {
      // D11: a timer that comes late, of a process that was paused say, must not put its mark over its successor's.
      await this.#superblock.checkFence('background');
      const file = await this.#open();
      if (this.#isStopped) return;
      await writeFully(file, bytes, blockOf(this.#sequence) * END_MARK_BLOCK_BYTES);
      this.#isUnmarked = false;
    } catch (error) {
      this.#noteFailed(error);
    }
  }
}
