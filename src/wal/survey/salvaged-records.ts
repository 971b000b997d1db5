import { closeFile } from '../../disk/close-file.js';
import type { Disk } from '../../disk/port.js';
import type { FrameHeader } from '../../format/frame-header.js';
import type { FrameRecords } from '../../format/frame-records.js';
import { viewOf } from '../../format/integers.js';
import { recordBytesAt, RECORD_HEADER_BYTES } from '../../format/record.js';
import { openSegment, readAt } from '../segment/read-segment.js';
import { RecordIndex } from '../segment/record-index.js';
import type { RecordRegion } from '../segment/record-reader.js';
import { RecordLedger } from './record-ledger.js';
import type { LostFrame, UnreadableRun } from './walk-lost-frame.js';

/** The numbered records of a segment with holes in it, as its frames come in order: where each stands, and which are lost. */
export class SalvagedRecords {
  /** 0: it cannot be read. */
  readonly #places: RecordIndex;
  readonly #ledger: RecordLedger;

  /** @param from one above the last number before them */
  constructor(from: number) {
    this.#places = new RecordIndex(from);
    this.#ledger = new RecordLedger(from);
  }

  get lowest(): number {
    return this.#places.lowest;
  }

  get unreadable(): readonly UnreadableRun[] {
    return this.#ledger.unreadable;
  }

  takeFrame(header: FrameHeader, records: FrameRecords): void {
    this.#places.truncateFrom(header.from, header.resets);
    this.#places.append(records, header.until - header.from);
    this.#ledger.frame(header, [], 0);
  }

  takeLost({ header, unreadable, offsets }: LostFrame): void {
    this.#places.truncateFrom(header.from, false);
    for (let at = 0; at < header.until - header.from; at += 1) this.#places.push(offsets[at] ?? 0, 0);
    this.#ledger.frame(header, unreadable, 0);
  }

  /** The log is known to end there. */
  endAt(until: number): void {
    this.#places.truncateFrom(until, false);
    this.#ledger.frame({ from: until, until, resets: false }, [], 0);
  }

  /**
   * Records `[from, until)` out of the segment at `path`, each by its own place and in a region of its own. Whether one is
   * what was written there is for who decodes it.
   */
  async *read(
    disk: Disk,
    path: string,
    from: number,
    until: number,
  ): AsyncGenerator<RecordRegion, void, undefined> {
    const file = await openSegment(disk, path);
    try {
      for (let number = from; number < until; number += 1) {
        const offset = this.#places.offsetOf(number) ?? 0;
        const head = viewOf(await readAt(file, offset, RECORD_HEADER_BYTES));
        const bytes = await readAt(file, offset, recordBytesAt(head, 0));
        yield { from: number, offsets: Uint32Array.of(offset), bytes, fileOffset: offset, path };
      }
    } finally {
      await closeFile(file);
    }
  }
}
