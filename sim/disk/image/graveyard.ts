import type { Random } from '../../world/random.js';
import type { PagedImage } from './paged-image.js';

/** Enough to make freed bytes come back; each is a list of shared pages. */
const IMAGES_KEPT = 8;

/**
 * Bytes of files that were removed, replaced or cut. A file system hands their blocks to other files, and
 * what was extended but never written may show them after a power cut, at the same offset.
 */
export class Graveyard {
  #images: PagedImage[] = [];

  /** Keeps a copy of what the image holds now. */
  bury(image: PagedImage): void {
    if (image.allocatedPages === 0) return;
    this.#images.push(image.clone());
    if (this.#images.length > IMAGES_KEPT) this.#images.shift();
  }

  /** Stale bytes for `[from, until)`, which lies in one page; null if no freed file had bytes there. */
  exhume(from: number, until: number, random: Random): Uint8Array | null {
    const images = this.#images.filter((image) => image.isAllocated(from));
    return images.length === 0 ? null : random.pick(images).slice(from, until);
  }

  clone(): Graveyard {
    const copy = new Graveyard();
    copy.#images = this.#images.slice();
    return copy;
  }
}
