import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of a run and what is in it; whoever made it removes it. */
export class Place {
  /** Images, journals and notes; the recorder shows the images as files of `fuse`. */
  readonly disks: string;
  readonly fuse: string;
  /** Where file systems are mounted, one at a time. */
  readonly mounted: string;
  #next = 0;

  constructor(path: string) {
    this.disks = join(path, 'disks');
    this.fuse = join(path, 'fuse');
    this.mounted = join(path, 'mounted');
    for (const folder of [this.disks, this.fuse, this.mounted]) mkdirSync(folder);
  }

  /** A name that no disk had. */
  fresh(): string {
    this.#next += 1;
    return `disk-${this.#next}`;
  }
}
