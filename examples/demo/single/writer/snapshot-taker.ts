import type { RaftLog } from '../../../../src/index.js';
import type { Random } from '../../../../sim/index.js';
import { announce } from '../announcement.js';
import type { Host } from './host.js';

/** Entries applied since the last snapshot that call for the next one. */
const ENTRIES_BETWEEN = 4_000;
/** Most entries that compaction leaves below the snapshot, for followers that lag a little. */
const LEFT_BELOW_MAX = 1_000;
const CHUNK_BYTES = 16 * 1024;

/** Takes snapshots of the host's state and compacts behind them, one at a time, while saves go on. */
export class SnapshotTaker {
  readonly #log: RaftLog;
  readonly #host: Host;
  readonly #random: Random;
  #running: Promise<void> | null = null;

  constructor(log: RaftLog, host: Host, random: Random) {
    this.#log = log;
    this.#host = host;
    this.#random = random;
  }

  /** Begins a snapshot if it is time for one and none is under way. */
  consider(): void {
    const since = this.#host.appliedIndex - (this.#log.snapshot?.index ?? 0);
    if (this.#running !== null || since < ENTRIES_BETWEEN) return;
    // Nobody awaits it before the end, so a failure ends the process at once and with its message, as it should.
    this.#running = this.#takeAndCompact().then(() => {
      this.#running = null;
    });
  }

  async finish(): Promise<void> {
    await this.#running;
  }

  async #takeAndCompact(): Promise<void> {
    const index = this.#host.appliedIndex;
    const state = this.#host.words.encode();
    announce({ is: 'snapshot-issued', index });
    await this.#log.createSnapshot({ index, conf: Buffer.from('n1 n2 n3'), data: inChunks(state) });
    announce({ is: 'snapshot-acked', index });
    const upTo = index - this.#random.below(LEFT_BELOW_MAX);
    if (upTo < this.#log.firstIndex) return;
    announce({ is: 'compact-issued', upTo });
    await this.#log.compact(upTo);
    announce({ is: 'compact-acked', upTo });
  }
}

async function* inChunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    yield await Promise.resolve(bytes.subarray(from, from + CHUNK_BYTES));
  }
}
