import type { FrameRecords } from '../../format/frame-records.js';

/**
 * Where the numbered records of one segment stand, and their checksums: 8 bytes a record. Kept in memory for
 * the unsealed tail only, so that memory does not grow with the log.
 *
 * A segment owns a contiguous range: a frame that writes `[from, until)` replaces all that was numbered `from`
 * or above, so what the segment holds from its lowest number on is whole.
 */
export class RecordIndex {
  #lowest: number;
  #count = 0;
  #offsets: Uint32Array = new Uint32Array(64);
  #checksums: Uint32Array = new Uint32Array(64);

  /** @param from one above the last number before the segment */
  constructor(from: number) {
    this.#lowest = from;
  }

  /** Of records that stand one behind the other. The arrays are its own from now on. */
  static of(lowest: number, offsets: Uint32Array, checksums: Uint32Array): RecordIndex {
    const index = new RecordIndex(lowest);
    index.#count = offsets.length;
    index.#offsets = offsets;
    index.#checksums = checksums;
    return index;
  }

  get lowest(): number {
    return this.#lowest;
  }

  get until(): number {
    return this.#lowest + this.#count;
  }

  /** Drops all numbered `from` and above; with `resets`, all there is. */
  truncateFrom(from: number, resets: boolean): void {
    if (resets || from < this.#lowest) {
      this.#lowest = from;
      this.#count = 0;
    } else {
      this.#count = Math.min(this.#count, from - this.#lowest);
    }
  }

  /** Adds the next number. `offset` is that of the record's header in the file. */
  push(offset: number, checksum: number): void {
    if (this.#count === this.#offsets.length) this.#grow();
    this.#offsets[this.#count] = offset;
    this.#checksums[this.#count] = checksum;
    this.#count += 1;
  }

  /** Adds the records that numbers stand for: the last `count` of these. */
  append(records: FrameRecords, count: number): void {
    while (this.#count + count > this.#offsets.length) this.#grow();
    const [offsets, checksums] = [this.#offsets, this.#checksums];
    const until = this.#count + count;
    // Those that no number stands for come first.
    let at = until - records.count;
    for (records.rewind(); records.next(); at += 1) {
      if (at < this.#count) continue;
      offsets[at] = records.offset;
      checksums[at] = records.checksum;
    }
    this.#count = until;
  }

  #grow(): void {
    const length = Math.max(64, this.#offsets.length * 2);
    const offsets = new Uint32Array(length);
    const checksums = new Uint32Array(length);
    offsets.set(this.#offsets);
    checksums.set(this.#checksums);
    this.#offsets = offsets;
    this.#checksums = checksums;
  }

  /** Offset of the record numbered `number`; undefined if the segment does not own it. */
  offsetOf(number: number): number | undefined {
    return number < this.#lowest || number >= this.until ? undefined : this.#offsets[number - this.#lowest];
  }

  checksumOf(number: number): number | undefined {
    return number < this.#lowest || number >= this.until ? undefined : this.#checksums[number - this.#lowest];
  }

  /** All checksums, from `lowest` on; a view, valid until the next change. */
  checksums(): Uint32Array {
    return this.#checksums.subarray(0, this.#count);
  }

  /** All offsets, from `lowest` on; a view, valid until the next change. */
  offsets(): Uint32Array {
    return this.#offsets.subarray(0, this.#count);
  }
}
