import type { Entry } from '../../../src/raft-log/contract.js';
import { ENTRY_KIND } from '../replicate/entries.js';

/**
 * What has been handed to the state machine and what it has taken. One batch is out at a time: a slow state machine
 * slows the handing out and not the memory.
 */
export class Applying {
  #applied: number;
  #handed: number;
  /** Changes of the configuration in the batch that is out. */
  #changes: Entry[] = [];
  /** The next batch, read from disk. */
  #fromDisk: readonly Entry[] = [];
  /** Whether entries have been asked of the disk: `'failed'` waits for the next tick. */
  diskRead: 'none' | 'asked' | 'failed' = 'none';

  constructor(appliedIndex: number) {
    this.#applied = appliedIndex;
    this.#handed = appliedIndex;
  }

  get applied(): number {
    return this.#applied;
  }

  /** First index not yet handed out. */
  get next(): number {
    return this.#handed + 1;
  }

  get isBatchOut(): boolean {
    return this.#handed > this.#applied;
  }

  get fromDisk(): readonly Entry[] {
    return this.#fromDisk;
  }

  keepFromDisk(entries: readonly Entry[]): void {
    this.diskRead = 'none';
    if (entries[0]?.index === this.next) this.#fromDisk = entries;
  }

  handOut(entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    this.#handed = last.index;
    this.#fromDisk = [];
    for (const entry of entries) if (entry.kind === ENTRY_KIND.configuration) this.#changes.push(entry);
  }

  /** The state machine has taken everything up to `index`. Returns the changes of the configuration among it. */
  take(index: number): readonly Entry[] {
    this.#applied = Math.max(this.#applied, Math.min(index, this.#handed));
    const taken = this.#changes.filter((entry) => entry.index <= this.#applied);
    this.#changes = this.#changes.filter((entry) => entry.index > this.#applied);
    return taken;
  }

  /** The state machine was replaced by a snapshot as of `index`. */
  jumpTo(index: number): void {
    this.#applied = index;
    this.#handed = index;
    this.#changes = [];
    this.#fromDisk = [];
    this.diskRead = 'none';
  }
}
