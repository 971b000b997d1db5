import { entryRecordBytes } from '../../format/raft-records.js';
import type { SegmentedLog } from '../../wal/inside.js';
import type { Entry } from '../contract.js';
import { judgeSave } from '../rules/judge-save.js';
import { readSave } from '../rules/requests.js';
import { AcceptedState } from './accepted-state.js';
import type { DurableState } from './durable-state.js';
import { draftSave } from './encode-save.js';
import { FrameQueue } from './frame-queue.js';

/** About how many bytes of entries one frame holds, and at most this share of a segment: a millisecond's work. */
const FRAME_BYTES = 256 * 1024;
const FRAME_SHARE = 1 / 8;

/** Saves what another log held in one that is being built: in order, whole frames at a time, in bounded memory. */
export class Refill {
  readonly accepted: AcceptedState;
  readonly #queue: FrameQueue;
  readonly #frameBytes: number;
  #waiting: Entry[] = [];
  #bytes = 0;

  constructor(log: SegmentedLog, durable: DurableState, frameBytes: number) {
    this.accepted = new AcceptedState(durable, (index) => log.checksumOf(index));
    this.#queue = new FrameQueue(log, durable, this.accepted);
    this.#frameBytes = frameBytes;
  }

  /** Resolved: it is durable. */
  async save(request: object): Promise<void> {
    // The interlocks were those of the log that it comes from: a host that keeps its hard state elsewhere may have had none.
    const plan = judgeSave(this.accepted, readSave(request), { checks: 'off' });
    if (!plan.isEmpty) await this.#queue.accept(draftSave(this.accepted, plan));
  }

  /** Takes an entry. A promise is to be waited for before the next. */
  add(entry: Entry): Promise<void> | undefined {
    const last = this.#waiting[this.#waiting.length - 1];
    if (last !== undefined && entry.index !== last.index + 1) return this.flush().then(() => this.add(entry));
    this.#waiting.push(entry);
    // Empty entries take room too, and memory: a frame of nothing else must end.
    this.#bytes += entryRecordBytes(0, entry.data.length);
    return this.#bytes >= this.#frameBytes ? this.flush() : undefined;
  }

  /** Saves what waits. One whose index is there already replaces it and all behind it, whatever its term. */
  async flush(): Promise<void> {
    const entries = this.#waiting;
    const [first] = entries;
    if (first === undefined) return;
    this.#waiting = [];
    this.#bytes = 0;
    const cut = first.index <= this.accepted.lastIndex ? { truncateFrom: first.index } : {};
    await this.save({ ...cut, entries });
  }
}

/**
 * Saves the entries of an old log again, in the one that is built beside it. Resolved: they are durable. Rejects with what
 * reading or saving them does.
 */
export async function refill(
  log: SegmentedLog,
  durable: DurableState,
  segmentBytes: number,
  chunks: AsyncIterable<readonly Entry[]>,
  frameBytesMax: number = FRAME_BYTES,
): Promise<void> {
  const into = new Refill(log, durable, Math.min(frameBytesMax, segmentBytes * FRAME_SHARE));
  for await (const chunk of chunks) {
    for (const entry of chunk) {
      const saved = into.add(entry);
      if (saved !== undefined) await saved;
    }
  }
  await into.flush();
}
