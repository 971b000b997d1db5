import { isKeelsonError, type RaftLog } from '../../../src/index.js';
import type { KeyValueState } from '../state/key-value-state.js';

/** When the state is written down, and how much of the log is kept behind that. */
export interface CompactionPolicy {
  /** A snapshot is taken each time that so many entries have been applied since the last. */
  readonly snapshotEveryEntries: number;
  /** So many entries below the snapshot stay, for followers that lag only a little. */
  readonly keepEntries: number;
}

/** Takes snapshots and compacts, beside the loop: saves go on meanwhile. */
export class Compaction {
  readonly #log: RaftLog;
  readonly #state: KeyValueState;
  readonly #policy: CompactionPolicy;
  #isRunning = false;
  /** After a failure, no further try before this index: a full disk is not asked again at every entry. */
  #notBefore = 0;

  constructor(log: RaftLog, state: KeyValueState, policy: CompactionPolicy) {
    this.#log = log;
    this.#state = state;
    this.#policy = policy;
  }

  /**
   * Resolves when nothing is left to do, or it could not be done; `onFailed` is then told why. `conf` is what the engine calls
   * its configuration, as of what is applied.
   */
  async run(
    when: 'if-due' | 'now',
    conf: () => Uint8Array,
    onFailed: (error: unknown) => void,
  ): Promise<void> {
    const { snapshotEveryEntries, keepEntries } = this.#policy;
    const index = this.#state.applied;
    const everyEntries = when === 'now' ? 1 : snapshotEveryEntries;
    const dueAt = Math.max(this.#notBefore, (this.#log.snapshot?.index ?? 0) + everyEntries);
    if (this.#isRunning || index < dueAt) return;
    this.#isRunning = true;
    try {
      await this.#log.createSnapshot({ index, conf: conf(), data: this.#state.snapshot() });
      await this.#log.compact(Math.max(0, index - keepEntries));
    } catch (error) {
      this.#notBefore = index + snapshotEveryEntries;
      // A leader's snapshot came first: then this one is not needed.
      if (!isKeelsonError(error, 'KEELSON_SNAPSHOT_OUT_OF_DATE')) onFailed(error);
    } finally {
      this.#isRunning = false;
    }
  }
}
