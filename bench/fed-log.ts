import { openRaftLog, type Entry, type RaftLog } from '../src/index.js';

const TERM = 1;

/** Fills each entry with bytes that no disk compresses and no check takes for zeros. */
export function payload(bytes: number): Uint8Array {
  const data = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at++) data[at] = (at * 167 + (at >> 3) * 29 + 1) & 0xff;
  return data;
}

/** A log to which entries of one size are fed. */
export class FedLog {
  readonly log: RaftLog;
  readonly #data: Uint8Array;
  #nextIndex: number;

  private constructor(log: RaftLog, entryBytes: number) {
    this.log = log;
    this.#data = payload(entryBytes);
    this.#nextIndex = log.lastIndex + 1;
  }

  static async open(dir: string, entryBytes: number, segmentBytes?: number): Promise<FedLog> {
    const log = await openRaftLog({ dir, ...(segmentBytes === undefined ? {} : { segmentBytes }) });
    return FedLog.over(log, entryBytes);
  }

  /** Of a log that is open, here or elsewhere. */
  static async over(log: RaftLog, entryBytes: number): Promise<FedLog> {
    if (log.hardState.term < TERM) await log.setHardState({ term: TERM });
    return new FedLog(log, entryBytes);
  }

  /** Saves the next `count` entries in one frame. */
  async save(count: number): Promise<void> {
    const entries: Entry[] = [];
    for (let n = 0; n < count; n++) entries.push({ index: this.#nextIndex++, term: TERM, data: this.#data });
    await this.log.save({ entries });
  }

  /** Saves batches one after the other until the moment; returns how many entries. */
  async saveUntil(untilMs: number, batch: number): Promise<number> {
    let saved = 0;
    while (performance.now() < untilMs) {
      await this.save(batch);
      saved += batch;
    }
    return saved;
  }

  /** As many at once as there are savers, each one entry after the other, until the moment. */
  async saveTogether(untilMs: number, savers: number, batch = 1): Promise<number> {
    const each = Array.from({ length: savers }, () => this.saveUntil(untilMs, batch));
    return (await Promise.all(each)).reduce((sum, saved) => sum + saved, 0);
  }

  /** Forgets all entries but the newest, so that segments are used again and the disk does not fill. */
  async forget(): Promise<void> {
    const index = this.log.lastIndex;
    if (index <= (this.log.snapshot?.index ?? 0)) return;
    await this.log.setHardState({ commit: index });
    await this.log.createSnapshot({ index, conf: new Uint8Array(0), data: new Uint8Array(1) });
    await this.log.compact(index);
  }
}
