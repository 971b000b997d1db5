import { join } from 'node:path';
import type { FileSystem } from '../file-system/file-systems.js';
import { MountedDisk } from '../file-system/mounted-disk.js';
import { LARGE_SEGMENTS, SMALL_SEGMENTS, type LogPlace } from '../log-options.js';
import { HALF } from '../recorder/fuse-server.js';
import type { Place } from './place.js';

/** On what a log lies. */
export interface Layout {
  readonly fileSystem: FileSystem;
  /** The segments are on a second disk, which loses power at the same moment. */
  readonly twoDisks: boolean;
  /** Segments are as large as they are without options. */
  readonly large: boolean;
}

/** The file systems of a log, mounted. Throws a CommandError where the kernel refuses one. */
export class MountedLog implements Disposable {
  readonly log: LogPlace;
  readonly #disks: MountedDisk[] = [];

  constructor({ fileSystem, twoDisks, large }: Layout, { fuse, mounted, mountedWal }: Place, disk: string) {
    const parts = twoDisks ? [`${disk}${HALF}0`, `${disk}${HALF}1`] : [disk];
    try {
      for (const [at, part] of parts.entries())
        this.#disks.push(new MountedDisk(fileSystem, join(fuse, part), at === 0 ? mounted : mountedWal));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
    this.log = {
      dir: join(mounted, 'log'),
      walDir: twoDisks ? join(mountedWal, 'wal') : null,
      segmentKiB: large ? LARGE_SEGMENTS : SMALL_SEGMENTS,
    };
  }

  [Symbol.dispose](): void {
    for (const disk of this.#disks) disk[Symbol.dispose]();
  }
}
