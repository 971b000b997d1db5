import type { Environment } from '../../src/disk/environment.js';
import { isKeelsonError, type KeelsonError } from '../../src/errors/index.js';
import { openWal, type Wal } from '../../src/wal/index.js';
import type { CrashSubject } from '../crash/crash-everywhere.js';
import { WalMemory } from './wal-memory.js';

export const DIR = '/data/store';

/** Opens the wal of {@link DIR}. */
export function open(environment: Environment, segmentBytes = 4096): Promise<Wal> {
  return openWal({ dir: DIR, segmentBytes, environment });
}

/** Lives of a wal in which everything happens that touches its disk; small, since each is run thousands of times. */
export function walSubject(segmentBytes: number): CrashSubject<WalMemory> {
  return {
    begin: () => new WalMemory(),
    copy: (memory) => memory.clone(),
    lives: [
      (environment, memory) => new Life(() => open(environment, segmentBytes), memory, segmentBytes).first(),
      (environment, memory) => new Life(() => open(environment, segmentBytes), memory, segmentBytes).second(),
    ],
    recover: async (environment, memory, goesOn) => {
      const wal = await open(environment, segmentBytes);
      await memory.judge(wal);
      if (!goesOn) return;
      await memory.append(wal, [10]);
      await Promise.all([memory.append(wal, [300, 0]), memory.append(wal, [segmentBytes / 4])]);
      await memory.checkReads(wal);
      // A recovery that does not end cleanly leaves more to the next one.
      if (memory.promisedLsn % 2 === 0) await wal.close();
    },
  };
}

/** What one process does with a wal. The same steps are run where calls fail: then it reopens and goes on. */
class Life {
  readonly #open: () => Promise<Wal>;
  readonly #memory: WalMemory;
  readonly #third: number;
  #wal: Promise<Wal> | null = null;

  constructor(openWal: () => Promise<Wal>, memory: WalMemory, segmentBytes: number) {
    this.#open = openWal;
    this.#memory = memory;
    this.#third = segmentBytes / 3;
  }

  /** Single records, groups, a frame larger than a segment, rotations; a clean end. */
  async first(): Promise<void> {
    await this.#append([0]);
    await this.#append([100, 20]);
    await Promise.all([40, 500, 3, 700].map((size) => this.#append([size, size])));
    await this.#append([this.#third]);
    await this.#append([3 * this.#third + 100, 5]);
    await this.#append([60]);
    await this.#close();
  }

  /** Drops, recycled segments, writes while dropping; ends without a close. */
  async second(): Promise<void> {
    for (let count = 0; count < 3; count += 1) await this.#append([this.#third, 9]);
    await this.#drop();
    await this.#checkReads();
    for (let count = 0; count < 3; count += 1) await this.#append([this.#third]);
    await Promise.all([this.#drop(), this.#append([this.#third]), this.#append([8])]);
    for (let count = 0; count < 3; count += 1) await this.#append([this.#third, 70]);
    await this.#checkReads();
  }

  #append(sizes: readonly number[]): Promise<void> {
    return this.#step((wal) => this.#memory.append(wal, sizes));
  }

  #drop(): Promise<void> {
    return this.#step(async (wal) => {
      await this.#memory.dropBefore(wal, this.#memory.promisedLsn);
    });
  }

  #checkReads(): Promise<void> {
    return this.#step((wal) => this.#memory.checkReads(wal));
  }

  async #close(): Promise<void> {
    const opened = this.#wal;
    this.#wal = null;
    await (await opened)?.close();
  }

  /** One step; where a call of the disk fails, the next ones find a log that goes on, or open it again. */
  async #step(run: (wal: Wal) => Promise<void>): Promise<void> {
    const opened = (this.#wal ??= this.#opened(null));
    try {
      await run(await opened);
    } catch (error) {
      // Another step, beside this one, may have heard first of a failure, and closed the log.
      if (isKeelsonError(error, 'KEELSON_CLOSED') && this.#wal !== opened) return;
      if (!isKeelsonError(error) || error.family !== 'environment') throw error;
      await this.#goOn(error);
    }
  }

  /** A log that latched is opened again, once, by whichever step hears of it first. */
  async #goOn(error: KeelsonError): Promise<void> {
    const failed = this.#wal;
    const wal = await failed?.catch(() => null);
    if (this.#wal !== failed) return;
    if (wal === null) this.#wal = null;
    else if (wal !== undefined && error.code === 'KEELSON_FAILED') this.#reopen(wal);
  }

  #reopen(failed: Wal): void {
    this.#wal = this.#opened(failed);
    // Whoever takes the next step hears of it.
    this.#wal.catch(() => undefined);
  }

  async #opened(failed: Wal | null): Promise<Wal> {
    // Reads of what was durable go on, until it is closed (D5).
    if (failed !== null) await this.#memory.checkReads(failed);
    await failed?.close();
    const wal = await this.#open();
    await this.#memory.judge(wal);
    return wal;
  }
}
