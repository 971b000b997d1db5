import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** The folder of a run and what is in it; whoever made it removes it. */
export class Place {
  /** Images, journals and notes; the recorder shows the images as files of `fuse`. */
  readonly disks: string;
  readonly fuse: string;
  /** Where the file systems of one log at a time are mounted. */
  readonly mounted: string;
  readonly mountedWal: string;
  #next = 0;

  constructor(path: string) {
    this.disks = join(path, 'disks');
    this.fuse = join(path, 'fuse');
    this.mounted = join(path, 'mounted');
    this.mountedWal = join(path, 'mounted-wal');
    for (const folder of [this.disks, this.fuse, this.mounted, this.mountedWal]) mkdirSync(folder);
  }

  /** A name that no disk had. */
  fresh(): string {
    this.#next += 1;
    return `disk-${this.#next}`;
  }
}
