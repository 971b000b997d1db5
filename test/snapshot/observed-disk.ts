import type { Awaitable, CallMode, Disk, DiskFile, FileStat, OpenOptions } from '../../src/disk/index.js';
import { systemError } from '../../src/disk/index.js';

/** One call of the port, as told to {@link ObservedDisk} before it reaches the disk below. */
export interface ObservedCall {
  readonly name: keyof Disk | keyof DiskFile;
  readonly path: string;
  /** Bytes to be moved by a read or a write. */
  readonly bytes: number;
}

/** Told of each call before it is made; what it throws, the call throws instead. */
export type Observer = (call: ObservedCall) => void;

/** A disk that passes every call on, after it told an observer, who may refuse it. */
export class ObservedDisk implements Disk {
  readonly #below: Disk;
  readonly #observe: Observer;
  /** Files that were opened and not closed yet. */
  openFiles = 0;

  constructor(below: Disk, observe: Observer) {
    this.#below = below;
    this.#observe = observe;
  }

  async open(path: string, options: OpenOptions): Promise<DiskFile> {
    this.#observe({ name: 'open', path, bytes: 0 });
    const file = await this.#below.open(path, options);
    this.openFiles += 1;
    return new ObservedFile(file, this.#observe, () => {
      this.openFiles -= 1;
    });
  }
  async mkdir(path: string): Promise<void> {
    this.#observe({ name: 'mkdir', path, bytes: 0 });
    await this.#below.mkdir(path);
  }
  readdir(path: string): ReturnType<Disk['readdir']> {
    this.#observe({ name: 'readdir', path, bytes: 0 });
    return this.#below.readdir(path);
  }
  stat(path: string): ReturnType<Disk['stat']> {
    this.#observe({ name: 'stat', path, bytes: 0 });
    return this.#below.stat(path);
  }
  statfs(path: string): ReturnType<Disk['statfs']> {
    return this.#below.statfs(path);
  }
  async rename(from: string, to: string): Promise<void> {
    this.#observe({ name: 'rename', path: to, bytes: 0 });
    await this.#below.rename(from, to);
  }
  async unlink(path: string): Promise<void> {
    this.#observe({ name: 'unlink', path, bytes: 0 });
    await this.#below.unlink(path);
  }
  async link(from: string, to: string): Promise<void> {
    this.#observe({ name: 'link', path: to, bytes: 0 });
    await this.#below.link(from, to);
  }
  async syncDirectory(path: string): Promise<void> {
    this.#observe({ name: 'syncDirectory', path, bytes: 0 });
    await this.#below.syncDirectory(path);
  }
}

class ObservedFile implements DiskFile {
  readonly path: string;
  readonly #below: DiskFile;
  readonly #observe: Observer;
  readonly #onClose: () => void;
  #isClosed = false;

  constructor(below: DiskFile, observe: Observer, onClose: () => void) {
    this.path = below.path;
    this.#below = below;
    this.#observe = observe;
    this.#onClose = onClose;
  }

  read(into: Uint8Array, position: number, mode?: CallMode): Awaitable<number> {
    this.#observe({ name: 'read', path: this.path, bytes: into.length });
    return this.#below.read(into, position, mode);
  }
  write(bytes: Uint8Array, position: number, mode?: CallMode): Awaitable<number> {
    this.#observe({ name: 'write', path: this.path, bytes: bytes.length });
    return this.#below.write(bytes, position, mode);
  }
  truncate(size: number): Awaitable<void> {
    this.#observe({ name: 'truncate', path: this.path, bytes: 0 });
    return this.#below.truncate(size);
  }
  dataSync(mode?: CallMode): Awaitable<void> {
    this.#observe({ name: 'dataSync', path: this.path, bytes: 0 });
    return this.#below.dataSync(mode);
  }
  sync(mode?: CallMode): Awaitable<void> {
    this.#observe({ name: 'sync', path: this.path, bytes: 0 });
    return this.#below.sync(mode);
  }
  stat(mode?: CallMode): Awaitable<FileStat> {
    this.#observe({ name: 'stat', path: this.path, bytes: 0 });
    return this.#below.stat(mode);
  }
  tryLock(): Awaitable<boolean> {
    return this.#below.tryLock();
  }
  async close(): Promise<void> {
    if (!this.#isClosed) this.#onClose();
    this.#isClosed = true;
    // The descriptor goes back whatever the observer says, as close(2) does it.
    await this.#below.close();
    this.#observe({ name: 'close', path: this.path, bytes: 0 });
  }
}

/** A failure of the system, as the port throws it. */
export function failing(code: string, call: ObservedCall): Error {
  return systemError(code, 'injected', { syscall: call.name, path: call.path });
}
