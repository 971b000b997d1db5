import { closeFile } from '../disk/close-file.js';
import { type JudgedSnapshotFile } from './snapshot-file-reader.js';

/**
 * The file of one published snapshot, for all who have it open. It has a descriptor only while someone reads it, one for
 * all readers, and once its name is about to go: so a snapshot that was opened and is never read costs none, and nothing
 * that a reader holds open disappears under it (D10).
 */
export class SharedSnapshotFile {
  readonly #open: () => Promise<JudgedSnapshotFile>;
  readonly #holders = new Set<object>();
  readonly #readers = new Set<object>();
  #isKept = false;
  #judged: Promise<JudgedSnapshotFile> | null = null;

  /** @param open - by its name, judged */
  constructor(open: () => Promise<JudgedSnapshotFile>) {
    this.#open = open;
  }

  get isHeld(): boolean {
    return this.#holders.size > 0;
  }

  /** From now on `holder` may read, whatever becomes of the name, until it lets go. */
  hold(holder: object): void {
    this.#holders.add(holder);
  }

  /** The open file for one who holds it, until {@link pause} or {@link letGo}. */
  async read(holder: object): Promise<JudgedSnapshotFile> {
    this.#readers.add(holder);
    return this.#judgedFile();
  }

  async pause(holder: object): Promise<void> {
    this.#readers.delete(holder);
    await this.#closeIfUnused();
  }

  async letGo(holder: object): Promise<void> {
    this.#holders.delete(holder);
    await this.pause(holder);
  }

  /** To be called before the name goes: from here on the descriptor is all there is of it. */
  keep(): Promise<JudgedSnapshotFile> {
    this.#isKept = true;
    return this.#judgedFile();
  }

  async #judgedFile(): Promise<JudgedSnapshotFile> {
    const judged = (this.#judged ??= this.#open());
    try {
      return await judged;
    } catch (error) {
      // Where descriptors ran out, the next try may find one.
      if (this.#judged === judged) this.#judged = null;
      throw error;
    }
  }

  async #closeIfUnused(): Promise<void> {
    if (this.#judged === null || this.#readers.size > 0 || (this.#isKept && this.isHeld)) return;
    const judged = this.#judged;
    this.#judged = null;
    try {
      await closeFile((await judged).file);
    } catch {
      // It could not be opened: there is nothing to close.
    }
  }
}
