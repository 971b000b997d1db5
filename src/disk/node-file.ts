import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { releaseKernelLock, tryKernelLock } from './kernel-lock.js';
import type { Awaitable, CallMode, DiskFile, FileKind, FileStat } from './port.js';
import { systemError } from './system-error.js';

const fstatAsync = promisify(fs.fstat);
const ftruncateAsync = promisify(fs.ftruncate);
const closeAsync = promisify(fs.close);

/** How {@link NodeFile} came to be open. */
export interface NodeFileOptions {
  /**
   * Whether each write must be followed by a sync of our own: `dataSync` was asked for, and O_DSYNC does not
   * exist here or stops short of the drive's cache (macOS, Windows; A3).
   */
  readonly syncsAfterWrite: boolean;
}

/**
 * An open file of the operating system.
 *
 * Inline calls are the `Sync` functions of `node:fs`. Background calls go through the callback functions,
 * not `fs.promises`: a small write costs about a tenth less that way, and a file descriptor that garbage
 * collection closes behind our back would drop the lock.
 */
export class NodeFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  readonly #syncsAfterWrite: boolean;
  #callsUnderWay = 0;
  #isLocked = false;
  #allReturned: (() => void) | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(fd: number, path: string, options: NodeFileOptions) {
    this.#fd = fd;
    this.path = path;
    this.#syncsAfterWrite = options.syncsAfterWrite;
  }

  read(into: Uint8Array, position: number, mode: CallMode = 'background'): Awaitable<number> {
    if (mode === 'inline') return fs.readSync(this.#openFd('read'), into, 0, into.length, position);
    return this.#inBackground('read', (fd, done: (error: Error | null, count: number) => void) => {
      fs.read(fd, into, 0, into.length, position, done);
    });
  }

  write(bytes: Uint8Array, position: number, mode: CallMode = 'background'): Awaitable<number> {
    if (mode === 'inline') {
      const count = fs.writeSync(this.#openFd('write'), bytes, 0, bytes.length, position);
      if (this.#syncsAfterWrite) fs.fsyncSync(this.#fd);
      return count;
    }
    const written = this.#inBackground('write', (fd, done: (error: Error | null, count: number) => void) => {
      fs.write(fd, bytes, 0, bytes.length, position, done);
    });
    return this.#syncsAfterWrite ? this.#syncAfter(written) : written;
  }

  truncate(size: number): Promise<void> {
    return this.#counted('ftruncate', (fd) => ftruncateAsync(fd, size));
  }

  dataSync(mode: CallMode = 'background'): Awaitable<void> {
    // A2: the data and the size are on stable storage when it has returned without an error.
    if (mode === 'inline') {
      fs.fdatasyncSync(this.#openFd('fdatasync'));
      return;
    }
    return this.#inBackground('fdatasync', (fd, done: (error: Error | null, nothing: undefined) => void) => {
      fs.fdatasync(fd, (error) => {
        done(error, undefined);
      });
    });
  }

  sync(mode: CallMode = 'background'): Awaitable<void> {
    if (mode === 'inline') {
      fs.fsyncSync(this.#openFd('fsync'));
      return;
    }
    return this.#inBackground('fsync', (fd, done: (error: Error | null, nothing: undefined) => void) => {
      fs.fsync(fd, (error) => {
        done(error, undefined);
      });
    });
  }

  stat(mode: CallMode = 'background'): Awaitable<FileStat> {
    if (mode === 'inline') {
      const fd = this.#openFd('fstat');
      const stats = fs.fstatSync(fd);
      // Nothing was rounded, as a rule: bigints would be made for eighteen facts of which five are told.
      if (Number.isSafeInteger(stats.ino) && Number.isSafeInteger(stats.dev)) return fileStat(stats);
      return fileStat(fs.fstatSync(fd, { bigint: true }));
    }
    return this.#counted('fstat', async (fd) => fileStat(await fstatAsync(fd, { bigint: true })));
  }

  async tryLock(): Promise<boolean> {
    this.#isLocked = await this.#counted('lock', (fd) => tryKernelLock(fd, this.path));
    return this.#isLocked;
  }

  close(mode: CallMode = 'background'): Awaitable<void> {
    if (this.#isClosed) return this.#closing;
    this.#isClosed = true;
    // The kernel gives the descriptor's number to the next file that is opened. A write still waiting for a
    // thread would land in that other file, so the number goes back only when all calls have returned.
    this.#closing =
      this.#callsUnderWay === 0
        ? this.#giveBack(mode)
        : new Promise<void>((resolve) => {
            this.#allReturned = resolve;
          }).then(() => this.#giveBack(mode));
    return this.#closing;
  }

  #giveBack(mode: CallMode): Promise<void> | undefined {
    if (this.#isLocked) releaseKernelLock(this.#fd);
    if (mode !== 'inline') return closeAsync(this.#fd);
    fs.closeSync(this.#fd);
    return undefined;
  }

  async #syncAfter(written: Promise<number>): Promise<number> {
    const count = await written;
    await this.sync('background');
    return count;
  }

  #openFd(syscall: string): number {
    if (this.#isClosed) {
      throw systemError('EBADF', 'the file was closed', { syscall, path: this.path });
    }
    return this.#fd;
  }

  /** Runs one callback function of `node:fs`, counted, as a promise. */
  #inBackground<T>(
    syscall: string,
    call: (fd: number, done: (error: Error | null, value: T) => void) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const fd = this.#openFd(syscall);
      this.#callsUnderWay += 1;
      try {
        call(fd, (error, value) => {
          this.#callReturned();
          if (error === null) resolve(value);
          else reject(error);
        });
      } catch (error) {
        // node:fs refuses a wrong argument by throwing, without calling back.
        this.#callReturned();
        throw error;
      }
    });
  }

  async #counted<T>(syscall: string, call: (fd: number) => Promise<T>): Promise<T> {
    const fd = this.#openFd(syscall);
    this.#callsUnderWay += 1;
    try {
      return await call(fd);
    } finally {
      this.#callReturned();
    }
  }

  #callReturned(): void {
    this.#callsUnderWay -= 1;
    if (this.#callsUnderWay === 0) this.#allReturned?.();
  }
}

/** Facts of `node:fs` as the port tells them (A14). Taken as bigints where an inode number passes 2^53. */
export function fileStat(stats: fs.BigIntStats | fs.Stats): FileStat {
  return {
    kind: fileKind(stats),
    size: Number(stats.size),
    id: `${stats.dev}:${stats.ino}`,
    // In units of 512 bytes on every system, whatever the blocks of the file system are.
    allocatedBytes: Number(stats.blocks) * 512,
  };
}

/** What a name or an open file stands for. */
export function fileKind(of: { isFile(): boolean; isDirectory(): boolean }): FileKind {
  if (of.isFile()) return 'file';
  return of.isDirectory() ? 'directory' : 'other';
}
