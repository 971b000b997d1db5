import { command, CommandError } from './command.js';
import type { FileSystem } from './file-systems.js';

/** A file system mounted from a disk of the recorder, through a loop device that passes each request on. */
export class MountedDisk implements Disposable {
  readonly path: string;
  readonly #device: string;
  #isMounted = true;

  /** Mounts, with the kernel's own recovery. Throws {@link CommandError} where the kernel refuses. */
  constructor(fileSystem: FileSystem, file: string, at: string) {
    this.path = at;
    this.#device = command('losetup', '--find', '--show', '--direct-io=on', file);
    try {
      // It remembers devices that are gone, and takes a copy of one for the one.
      if (fileSystem.type === 'btrfs') command('btrfs', 'device', 'scan', '--forget');
      command('mount', '-t', fileSystem.type, '-o', fileSystem.mountOptions, this.#device, at);
    } finally {
      // In use it is only marked to go with its last user: the mount, or nobody.
      command('losetup', '--detach', this.#device);
    }
  }

  [Symbol.dispose](): void {
    if (!this.#isMounted) return;
    this.#isMounted = false;
    try {
      command('umount', this.path);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      command('umount', '--lazy', this.path);
      throw error;
    }
  }
}
