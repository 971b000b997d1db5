import { diskError } from '../../sim/disk/image/paths.js';
import type { Environment } from '../../src/disk/environment.js';
import type {
  DirectoryEntry,
  Disk,
  DiskFile,
  FileStat,
  OpenOptions,
  SpaceStat,
} from '../../src/disk/port.js';

/** Files by path. The bytes are never changed: a disk copies them before its first write. */
export type Images = ReadonlyMap<string, Uint8Array>;

interface Inode {
  readonly id: string;
  bytes: Uint8Array;
  /** The bytes are this disk's own, and may be written. */
  isOwn: boolean;
  lockedBy: object | null;
}

const GIB = 2 ** 30;

/**
 * A disk that starts from images and answers every call at once: hundreds of thousands of opens of slightly
 * different stores need no more, since what a crash leaves was settled when the images were taken.
 */
export class ImageDisk implements Disk {
  readonly environment: Environment;
  readonly #files = new Map<string, Inode>();
  readonly #directories = new Set<string>();
  /** The longest that any read asked for. */
  largestReadBytes = 0;
  #nextId = 1;
  #random = 1;

  constructor(images: Images) {
    for (const [path, bytes] of images) this.#add(path, bytes, false);
    this.environment = {
      disk: this,
      now: () => 0,
      // No timer comes due: what a log does when it is idle is none of an open's business.
      setTimer: () => ({ cancel: () => undefined }),
      endOfTurn: queueMicrotask,
      fillRandom: (into) => {
        into.forEach((_, at) => {
          this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
          into[at] = this.#random >>> 24;
        });
      },
    };
  }

  /** What stands on the disk now. */
  images(): Images {
    return new Map([...this.#files].map(([path, { bytes }]) => [path, bytes]));
  }

  bytesOf(path: string): Uint8Array | undefined {
    return this.#files.get(path)?.bytes;
  }

  #add(path: string, bytes: Uint8Array, isOwn: boolean): Inode {
    const inode = { id: String(this.#nextId++), bytes, isOwn, lockedBy: null };
    this.#files.set(path, inode);
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
      this.#directories.add(path.slice(0, at));
    return inode;
  }

  open(path: string, { create = 'never' }: OpenOptions): DiskFile {
    let inode = this.#files.get(path);
    if (inode !== undefined && create === 'exclusive') throw diskError('EEXIST', 'open', path);
    if (inode === undefined && create === 'never') throw diskError('ENOENT', 'open', path);
    inode ??= this.#add(path, new Uint8Array(0), true);
    return new ImageFile(path, inode, (bytes) => {
      this.largestReadBytes = Math.max(this.largestReadBytes, bytes);
    });
  }

  mkdir(path: string): void {
    if (this.#directories.has(path)) throw diskError('EEXIST', 'mkdir', path);
    this.#directories.add(path);
  }

  readdir(path: string): readonly DirectoryEntry[] {
    if (!this.#directories.has(path))
      throw diskError(this.#files.has(path) ? 'ENOTDIR' : 'ENOENT', 'scandir', path);
    const entries: DirectoryEntry[] = [];
    const above = `${path}/`;
    const isIn = (other: string): boolean => other.startsWith(above) && !other.includes('/', above.length);
    for (const other of this.#files.keys())
      if (isIn(other)) entries.push({ name: other.slice(above.length), kind: 'file' });
    for (const other of this.#directories)
      if (isIn(other)) entries.push({ name: other.slice(above.length), kind: 'directory' });
    return entries;
  }

  stat(path: string): FileStat | null {
    const inode = this.#files.get(path);
    if (inode !== undefined) return statOf(inode);
    return this.#directories.has(path) ? { kind: 'directory', size: 0, id: path } : null;
  }

  statfs(): SpaceStat {
    return { freeBytes: GIB, totalBytes: GIB };
  }

  rename(from: string, to: string): void {
    const inode = this.#files.get(from);
    if (inode !== undefined) {
      this.#files.delete(from);
      this.#files.set(to, inode);
      return;
    }
    if (!this.#directories.has(from)) throw diskError('ENOENT', 'rename', from);
    for (const other of [...this.#files.keys()])
      if (other.startsWith(`${from}/`)) this.rename(other, to + other.slice(from.length));
    this.#directories.delete(from);
    this.#directories.add(to);
  }

  unlink(path: string): void {
    if (!this.#files.delete(path)) throw diskError('ENOENT', 'unlink', path);
  }

  link(from: string, to: string): void {
    const inode = this.#files.get(from);
    if (inode === undefined) throw diskError('ENOENT', 'link', from);
    if (this.#files.has(to)) throw diskError('EEXIST', 'link', to);
    this.#files.set(to, inode);
  }

  syncDirectory(path: string): void {
    if (!this.#directories.has(path) && path !== '/') throw diskError('ENOENT', 'open', path);
  }
}

class ImageFile implements DiskFile {
  readonly path: string;
  readonly #inode: Inode;
  readonly #onRead: (bytes: number) => void;

  constructor(path: string, inode: Inode, onRead: (bytes: number) => void) {
    this.path = path;
    this.#inode = inode;
    this.#onRead = onRead;
  }

  read(into: Uint8Array, position: number): number {
    this.#onRead(into.length);
    const { bytes } = this.#inode;
    const count = Math.max(0, Math.min(into.length, bytes.length - position));
    into.set(bytes.subarray(position, position + count));
    return count;
  }

  write(bytes: Uint8Array, position: number): number {
    this.#own(Math.max(this.#inode.bytes.length, position + bytes.length)).set(bytes, position);
    return bytes.length;
  }

  truncate(size: number): void {
    this.#own(size);
  }

  #own(size: number): Uint8Array {
    const inode = this.#inode;
    if (inode.isOwn && inode.bytes.length === size) return inode.bytes;
    const bytes = new Uint8Array(size);
    bytes.set(inode.bytes.subarray(0, size));
    inode.bytes = bytes;
    inode.isOwn = true;
    return bytes;
  }

  dataSync(): void {
    // What is written is there.
  }

  sync(): void {
    // What is written is there.
  }

  stat(): FileStat {
    return statOf(this.#inode);
  }

  tryLock(): boolean {
    if (this.#inode.lockedBy !== null && this.#inode.lockedBy !== this) return false;
    this.#inode.lockedBy = this;
    return true;
  }

  close(): void {
    if (this.#inode.lockedBy === this) this.#inode.lockedBy = null;
  }
}

function statOf({ id, bytes }: Inode): FileStat {
  return { kind: 'file', size: bytes.length, id };
}
