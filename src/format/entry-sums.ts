import { checksum } from './checksum.js';
import { entryChecksum, scalarsChecksum } from './entry-checksum.js';
import { recordChecksumAt } from './record.js';

/**
 * The checksums of many entries, held at once against the bytes in which they stand.
 *
 * CRC is affine: the checksum of a stretch follows from those of its parts, `sum(a b) = shift(sum(a), |b|) ^ sum(b)`, where
 * `shift` stands for zeros that follow. So what the checksum of a whole stretch must be, if each entry in it fits its own, is
 * worked out from the few bytes between the entries, and one call sums the stretch itself: at 256 bytes an entry that takes
 * a third of the time of one call each. One damaged entry always shows, since `shift` is a bijection; of several the damage
 * would have to cancel, which has the odds of any CRC-32. Which entry it is, whoever finds one asks each.
 */

/** Entries from here on are summed one by one: for them the call is cheap. */
const LARGE_BYTES = 4096;
/** Powers of two of bytes that a shift is made of. */
const SHIFTS = Math.log2(LARGE_BYTES);
/** A table for each byte of a sum. */
const SHIFT_WORDS = 4 * 256;
const BY_FOUR = 2 * SHIFT_WORDS;

/** For each power of two: what each value of each byte of a sum becomes when so many zeros follow it. Filled for the first who sums. */
const shifts = new Int32Array(SHIFTS * SHIFT_WORDS);

function fillShifts(tables: Int32Array): void {
  for (let bit = 0; bit < 32; bit += 1) {
    const [place, value] = [(bit >>> 3) * 256, 1 << (bit & 7)];
    let shifted = 1 << bit;
    for (let step = 0; step < 8; step += 1) shifted = (shifted >>> 1) ^ (-(shifted & 1) & 0xedb8_8320);
    setBit(tables, place, value, shifted);
  }
  for (let from = 0; from + SHIFT_WORDS < tables.length; from += SHIFT_WORDS)
    for (let bit = 0; bit < 32; bit += 1) {
      const [place, value] = [(bit >>> 3) * 256, 1 << (bit & 7)];
      // Twice the zeros is the same shift once more.
      const once = tables[from + place + value] as number;
      setBit(tables, from + SHIFT_WORDS + place, value, shiftedBy(tables, from, once));
    }
}

/** Values with that highest bit: the shift of a sum is the XOR of those of its bits. */
function setBit(tables: Int32Array, place: number, value: number, shifted: number): void {
  for (let low = 0; low < value; low += 1)
    tables[place + value + low] = (tables[place + low] as number) ^ shifted;
}

function shiftedBy(tables: Int32Array, from: number, sum: number): number {
  return (
    (tables[from + (sum & 255)] as number) ^
    (tables[from + 256 + ((sum >>> 8) & 255)] as number) ^
    (tables[from + 512 + ((sum >>> 16) & 255)] as number) ^
    (tables[from + 768 + (sum >>> 24)] as number)
  );
}

/** The shift of `sum` by `bytes`, below {@link LARGE_BYTES}. */
function shift(sum: number, bytes: number): number {
  let shifted = sum;
  for (let left = bytes, from = 0; left !== 0; left >>>= 1, from += SHIFT_WORDS)
    if ((left & 1) !== 0) shifted = shiftedBy(shifts, from, shifted);
  return shifted;
}

/** The entries of one buffer, told in the order in which they stand. */
export class EntrySums {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** The stretch whose sum is worked out: `#sum` is that of `[#from, #until)`. */
  #from: number;
  #until: number;
  #sum = 0;
  #fit = true;

  /**
   * @param view over `bytes`
   * @param from where the first record begins
   */
  constructor(bytes: Uint8Array, view: DataView, from: number) {
    if (shifts[1] === 0) fillShifts(shifts);
    this.#bytes = bytes;
    this.#view = view;
    this.#from = from;
    this.#until = from;
  }

  /** The entry whose record begins at `at`, and whose data are `[dataFrom, until)`. */
  add(at: number, dataFrom: number, until: number, index: number, term: number, kind: number): void {
    const expected = recordChecksumAt(this.#view, at);
    // A length that lies: it reaches into this one.
    if (at < this.#until) this.#fit = false;
    if (until - dataFrom < LARGE_BYTES) {
      const before = this.#through(dataFrom) ^ scalarsChecksum(index, term, kind);
      this.#sum = shift(before, until - dataFrom) ^ expected;
      this.#until = until;
      return;
    }
    this.#settle();
    const data = this.#bytes.subarray(dataFrom, until);
    if (entryChecksum(index, term, kind, data) !== expected) this.#fit = false;
    this.#from = until;
    this.#until = until;
    this.#sum = 0;
  }

  /** True if every entry fits its checksum. To be asked once, behind the last one. */
  fit(): boolean {
    this.#settle();
    return this.#fit;
  }

  #settle(): void {
    const found = checksum(this.#bytes.subarray(this.#from, this.#until));
    if (found !== this.#sum >>> 0) this.#fit = false;
  }

  /** The sum of the stretch with the bytes up to `until` as they are: the header of a record, and of a frame before it. */
  #through(until: number): number {
    const bytes = this.#bytes;
    let rest = ~this.#sum;
    let at = this.#until;
    for (; at + 4 <= until; at += 4) rest = shiftedBy(shifts, BY_FOUR, rest ^ this.#view.getInt32(at, true));
    for (; at < until; at += 1)
      rest = (shifts[(rest ^ (bytes[at] as number)) & 255] as number) ^ (rest >>> 8);
    return ~rest;
  }
}
