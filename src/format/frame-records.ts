import { viewOf } from './integers.js';
import { RECORD_HEADER_BYTES, type RawRecord } from './record.js';

const NOTHING = new Uint8Array(0);
const NOTHING_VIEW = viewOf(NOTHING);

/**
 * The records of one frame, one after the other: a place that moves over its payload. A frame may hold millions of
 * records, and who reads it makes no object of each: what was accepted must open with the heap that wrote it (D9).
 *
 * Its fields are those of the record that it stands at, and views of the payload: valid until it is set upon another.
 */
export class FrameRecords implements Iterable<RawRecord> {
  /** How many there are. */
  count = 0;
  #bytes: Uint8Array = NOTHING;
  #view: DataView = NOTHING_VIEW;
  #from = 0;
  #fileOffset = 0;
  #at = 0;
  #next = 0;
  #passed = 0;

  /**
   * Sets it upon the payload `bytes[from, until)`, in front of the first of `count` records. False, and no record, if
   * they do not fill it exactly.
   *
   * @param view over `bytes`
   * @param fileOffset where `bytes` begins in its file
   */
  set(
    bytes: Uint8Array,
    view: DataView,
    from: number,
    until: number,
    count: number,
    fileOffset: number,
  ): boolean {
    this.#bytes = bytes;
    this.#view = view;
    this.#from = from;
    this.#fileOffset = fileOffset;
    const isWhole = fillsExactly(view, from, until, count);
    this.count = isWhole ? count : 0;
    this.rewind();
    return isWhole;
  }

  /** In front of the first one again. */
  rewind(): this {
    this.#next = this.#from;
    this.#passed = 0;
    return this;
  }

  /** Moves on to the next; false behind the last. */
  next(): boolean {
    if (this.#passed === this.count) return false;
    this.#at = this.#next;
    this.#next = this.#at + RECORD_HEADER_BYTES + this.bodyBytes;
    this.#passed += 1;
    return true;
  }

  /** Where its header stands in the file. */
  get offset(): number {
    return this.#fileOffset + this.#at;
  }

  get bodyBytes(): number {
    return this.#view.getUint32(this.#at, true);
  }

  get kind(): number {
    return this.#view.getUint8(this.#at + 4);
  }

  get checksum(): number {
    return this.#view.getUint32(this.#at + 5, true);
  }

  /** Bytes in which its body lies, from {@link bodyFrom} to {@link bodyUntil}: for who reads a field and needs no view. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get bodyFrom(): number {
    return this.#at + RECORD_HEADER_BYTES;
  }

  get bodyUntil(): number {
    return this.#next;
  }

  get body(): Uint8Array {
    return this.#bytes.subarray(this.bodyFrom, this.#next);
  }

  /** All of them, from the first on, each as the record that this stands at. */
  *[Symbol.iterator](): Generator<RawRecord, void, undefined> {
    this.rewind();
    while (this.next()) yield this;
  }
}

/** D9: every length is held against the payload before anybody follows it. */
function fillsExactly(view: DataView, from: number, until: number, count: number): boolean {
  let at = from;
  for (let passed = 0; passed < count; passed += 1) {
    if (until - at < RECORD_HEADER_BYTES) return false;
    at += RECORD_HEADER_BYTES + view.getUint32(at, true);
  }
  return at === until;
}
