import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { Finding } from '../oracle/finding.js';

/** A sync that takes longer is told of by itself. */
const SLOW_SYNC_MS = 100;

/** What listeners of a log were told since it was opened: who watches a log by its events sees all of it, and nothing twice. */
export class Heard {
  readonly #log: RaftLog;
  readonly #shortages = new WeakSet<Error>();
  /** The last LSN that is told to be durable. */
  lastLsn: number;
  #shortageCount = 0;
  #groups = 0;
  #saves = 0;
  #bytes = 0;
  #slowGroups = 0;
  #slowTold = 0;
  #rotations = 0;
  #recycled = 0;
  #hasFailed = false;
  #isRecovered = false;
  #isUnmarked = false;

  constructor(log: RaftLog) {
    this.#log = log;
    const { events, recovery } = log;
    this.lastLsn = recovery.lastLsn;
    events.on('sync', ({ lsn, saves, bytes, ms }) => {
      this.lastLsn = lsn;
      this.#groups += 1;
      this.#saves += saves;
      this.#bytes += bytes;
      if (ms > SLOW_SYNC_MS) this.#slowGroups += 1;
    });
    events.on('slow-sync', () => {
      this.#slowTold += 1;
    });
    events.on('rotate', ({ recycled }) => {
      this.#rotations += 1;
      if (recycled) this.#recycled += 1;
    });
    events.on('no-space', (error) => {
      this.#shortages.add(error);
      this.#shortageCount += 1;
    });
    events.on('failed', () => {
      this.#hasFailed = true;
    });
    events.on('recovered', () => {
      this.#isRecovered = true;
    });
    events.on('unmarked', () => {
      this.#isUnmarked = true;
    });
  }

  /** Throws if what the log counts, or what became of it, is not what its events say. To be asked while nothing is under way. */
  check(by: string): void {
    const { groups, syncs, frameBytes, rotations, segmentsRecycled, saves, endMarksFailed } =
      this.#log.stats();
    const hasFailed = this.#log.status === 'failed';
    const counted = {
      groups,
      syncs,
      frameBytes,
      rotations,
      segmentsRecycled,
      slow: this.#slowGroups,
      hasFailed,
    };
    const told = {
      groups: this.#groups,
      syncs: this.#groups,
      frameBytes: this.#bytes,
      rotations: this.#rotations,
      segmentsRecycled: this.#recycled,
      slow: this.#slowTold,
      hasFailed: this.#hasFailed,
    };
    const other = (Object.keys(told) as (keyof typeof told)[]).find((name) => told[name] !== counted[name]);
    if (other !== undefined)
      throw silent(`behind ${by} ${other} is ${counted[other]}, and by the events of the log ${told[other]}`);
    if (this.#saves > saves)
      throw silent(
        `behind ${by} ${this.#saves} saves are told to be durable, of ${saves} that were accepted`,
      );
    // What came up in the open is told in the turn behind it, as is the open itself.
    if (this.#isRecovered && endMarksFailed > 0 && !this.#isUnmarked)
      throw silent(`behind ${by} ${endMarksFailed} end marks could not be written, and nobody was told`);
  }

  /** Saves were refused for want of room since this was asked before. */
  takeShortages(): boolean {
    const were = this.#shortageCount > 0;
    this.#shortageCount = 0;
    return were;
  }

  /** Null if whoever listens knows why a save was refused; what is wrong if not. */
  whyUnheard(error: unknown): Finding | null {
    if (!isKeelsonError(error, 'KEELSON_NO_SPACE') || this.#shortages.has(error)) return null;
    return silent(`a save was refused for want of room, and 'no-space' did not tell of it: ${error.message}`);
  }

  /** Throws if the open of this log, which lies some turns back, was not told. */
  checkRecovered(by: string): void {
    if (!this.#isRecovered) throw silent(`by ${by} nobody was told that the log was recovered`);
  }
}

function silent(what: string): Finding {
  return new Finding({ oracle: 'events', what });
}
