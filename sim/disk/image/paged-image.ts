import { Fingerprint } from './fingerprint.js';

/** Bytes of a page: the largest sector, so that no sector lies in two pages. */
export const PAGE_BYTES = 4096;

interface Page {
  readonly bytes: Uint8Array;
  /** Held by more than one image: whoever writes makes a copy first. */
  isShared: boolean;
  /** Of its bytes, if somebody asked since they were last written. */
  fingerprint: number | null;
}

const ZEROS = new Uint8Array(PAGE_BYTES);

const ZEROS_FINGERPRINT = new Fingerprint().addBytes(ZEROS).value;

const SHARED_ZEROS = new Uint8Array(16 * PAGE_BYTES);

/** The page that all images share for what was written as zeros: zero-filling a segment costs no memory. */
const ZERO_PAGE: Page = { bytes: new Uint8Array(PAGE_BYTES), isShared: true, fingerprint: null };

/**
 * The bytes of a file: sparse, in pages that copies share until one of them is written (a copy costs as
 * much as its list of pages). A page that was never written reads as zeros and takes no room.
 *
 * Content and `size` are apart, since a crash may keep one without the other. Whoever lowers the size also
 * calls {@link clearFrom}, so that bytes behind the size are zeros.
 */
export class PagedImage {
  size = 0;
  #pages: (Page | undefined)[] = [];
  #allocated = 0;

  /** Pages that take room on the disk. */
  get allocatedPages(): number {
    return this.#allocated;
  }

  /** How many pages a write of this range would take that are not taken yet. */
  pagesMissing(from: number, until: number): number {
    let missing = 0;
    const last = Math.ceil(until / PAGE_BYTES);
    for (let i = Math.floor(from / PAGE_BYTES); i < last; i++) if (this.#pages[i] === undefined) missing += 1;
    return missing;
  }

  /** Copies what lies at `position`, up to the size, into `into`; returns the count. */
  read(into: Uint8Array, position: number): number {
    const count = Math.min(into.length, this.size - position);
    if (count <= 0) return 0;
    this.#copyOut(into, position, count);
    return count;
  }

  /** The bytes `[from, until)`, whatever the size is. */
  slice(from: number, until: number): Uint8Array {
    const bytes = newBytes(until - from);
    this.#copyOut(bytes, from, bytes.length);
    return bytes;
  }

  /**
   * As {@link slice}, but not to be written: where all is zeros, every caller gets the same bytes, so that
   * zero-filling a segment costs no memory.
   */
  view(from: number, until: number): Uint8Array {
    if (until - from <= SHARED_ZEROS.length && this.#isZeros(from, until)) {
      return SHARED_ZEROS.subarray(0, until - from);
    }
    return this.slice(from, until);
  }

  /** Puts bytes at `position`; the size stays. */
  write(bytes: Uint8Array, position: number): void {
    let done = 0;
    while (done < bytes.length) {
      const at = position + done;
      const index = Math.floor(at / PAGE_BYTES);
      const within = at - index * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - within, bytes.length - done);
      const piece = bytes.subarray(done, done + count);
      if (count === PAGE_BYTES && Buffer.compare(piece, ZEROS) === 0) this.#set(index, ZERO_PAGE);
      else this.#own(index, count === PAGE_BYTES).set(piece, within);
      done += count;
    }
  }

  /** Makes `[from, until)` zeros; pages wholly inside give their room back. */
  clear(from: number, until: number): void {
    let at = from;
    while (at < until) {
      const index = Math.floor(at / PAGE_BYTES);
      const within = at - index * PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - within, until - at);
      if (this.#pages[index] !== undefined) {
        if (count === PAGE_BYTES) this.#set(index, undefined);
        else this.#own(index, false).fill(0, within, within + count);
      }
      at += count;
    }
  }

  /** Makes all from `position` on zeros; the size stays. */
  clearFrom(position: number): void {
    this.clear(position, Math.max(position, this.#pages.length * PAGE_BYTES));
    this.#pages.length = Math.min(this.#pages.length, Math.ceil(position / PAGE_BYTES));
  }

  /** End of the last page that was ever written, in bytes. */
  get extentBytes(): number {
    return this.#pages.length * PAGE_BYTES;
  }

  /** Whether any byte of the page that holds `position` was written. */
  isAllocated(position: number): boolean {
    return this.#pages[Math.floor(position / PAGE_BYTES)] !== undefined;
  }

  /** Takes one page as it is in `other`. */
  takePage(other: PagedImage, index: number): void {
    const page = other.#pages[index];
    if (page !== undefined) page.isShared = true;
    this.#set(index, page);
  }

  /** Whether page `index` is one and the same in both; cheap, and false at times for equal bytes. */
  sharesPage(other: PagedImage, index: number): boolean {
    return this.#pages[index] === other.#pages[index];
  }

  /** Adds size, room and bytes; of pages that were not written since the last time, no byte is read again. */
  addTo(print: Fingerprint): void {
    print.add(this.size).add(this.#allocated);
    for (const [index, page] of this.#pages.entries()) {
      if (page === undefined) continue;
      page.fingerprint ??= new Fingerprint().addBytes(page.bytes).value;
      // Zeros that were written read as those that were not.
      if (page.fingerprint !== ZEROS_FINGERPRINT) print.add(index).add(page.fingerprint);
    }
  }

  clone(): PagedImage {
    const copy = new PagedImage();
    copy.size = this.size;
    for (const page of this.#pages) if (page !== undefined) page.isShared = true;
    copy.#pages = this.#pages.slice();
    copy.#allocated = this.#allocated;
    return copy;
  }

  #isZeros(from: number, until: number): boolean {
    const last = Math.ceil(until / PAGE_BYTES);
    for (let index = Math.floor(from / PAGE_BYTES); index < last; index++) {
      const page = this.#pages[index];
      if (page !== undefined && page !== ZERO_PAGE) return false;
    }
    return true;
  }

  #copyOut(into: Uint8Array, position: number, count: number): void {
    let done = 0;
    while (done < count) {
      const at = position + done;
      const index = Math.floor(at / PAGE_BYTES);
      const within = at - index * PAGE_BYTES;
      const length = Math.min(PAGE_BYTES - within, count - done);
      const page = this.#pages[index];
      if (page === undefined || page === ZERO_PAGE) into.fill(0, done, done + length);
      else into.set(page.bytes.subarray(within, within + length), done);
      done += length;
    }
  }

  #set(index: number, page: Page | undefined): void {
    while (this.#pages.length < index) this.#pages.push(undefined);
    const before = this.#pages[index];
    this.#pages[index] = page;
    this.#allocated += (page === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
  }

  /** The page's bytes, ready to be written: of this image alone. */
  #own(index: number, isOverwritten: boolean): Uint8Array {
    const page = this.#pages[index];
    if (page !== undefined && !page.isShared) {
      page.fingerprint = null;
      return page.bytes;
    }
    const bytes = page === undefined || isOverwritten ? newBytes(PAGE_BYTES) : copyOf(page.bytes);
    this.#set(index, { bytes, isShared: false, fingerprint: null });
    return bytes;
  }
}

/** Cut into pieces, each given out once: memory of its own costs more than all else that is done with a few bytes. */
const POOL_BYTES = 64 * 1024;
let pool = new Uint8Array(POOL_BYTES);
let poolFrom = 0;

/** So many zeros. */
function newBytes(count: number): Uint8Array {
  if (count > POOL_BYTES / 8) return new Uint8Array(count);
  if (poolFrom + count > POOL_BYTES) {
    pool = new Uint8Array(POOL_BYTES);
    poolFrom = 0;
  }
  const bytes = pool.subarray(poolFrom, poolFrom + count);
  // The next piece begins at a whole word.
  poolFrom += (count + 7) & ~7;
  return bytes;
}

function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = newBytes(bytes.length);
  copy.set(bytes);
  return copy;
}
