import type { FileStat } from '../../../src/disk/port.js';
import { Action } from './action.js';
import type { FileNode } from '../image/file-node.js';
import type { FileSystem } from '../image/file-system.js';
import type { OpenFile } from '../image/open-file.js';
import { PAGE_BYTES } from '../image/paged-image.js';
import { diskError } from '../image/paths.js';

export class FileStatAction extends Action<FileStat> {
  readonly kind = 'fstat';
  readonly #file: OpenFile;

  constructor(file: OpenFile) {
    super(file.path);
    this.#file = file;
  }

  run(): FileStat {
    if (this.#file.isClosed) throw diskError('EBADF', 'fstat', this.path);
    return statOf(this.#file.node);
  }
}

export class TryLockAction extends Action<boolean> {
  readonly kind = 'tryLock';
  readonly #file: OpenFile;

  constructor(file: OpenFile) {
    super(file.path);
    this.#file = file;
  }

  run(fs: FileSystem): boolean {
    const node = fileOf(this.#file, 'lock');
    // An exclusive lock asks for a file that is open for writing, as the kernel's locks do.
    if (!this.#file.isWritable) throw diskError('EBADF', 'lock', this.path);
    if (node.lockedBy !== null && node.lockedBy !== this.#file && !fs.sharesLocks) return false;
    node.lockedBy = this.#file;
    return true;
  }
}

export class CloseAction extends Action<void> {
  readonly kind = 'close';
  readonly #file: OpenFile;

  constructor(file: OpenFile) {
    super(file.path);
    this.#file = file;
  }

  run(fs: FileSystem): void {
    giveBack(fs, this.#file);
  }

  /** A descriptor whose close failed is gone all the same. */
  override fail(fs: FileSystem): void {
    giveBack(fs, this.#file);
  }
}

/** Closes a file and releases its lock, once. */
export function giveBack(fs: FileSystem, file: OpenFile): void {
  if (file.isClosed) return;
  file.isClosed = true;
  file.onClosed();
  if (file.node.kind !== 'file') return;
  if (file.node.lockedBy === file) file.node.lockedBy = null;
  fs.closed(file.node);
}

export function statOf(node: OpenFile['node']): FileStat {
  const id = `sim:${node.ino}`;
  if (node.kind !== 'file') return { kind: node.kind, size: 0, id };
  const { size, allocatedPages } = node.volatile;
  return { kind: node.kind, size, id, allocatedBytes: allocatedPages * PAGE_BYTES };
}

/** The file behind a handle; `EBADF` once it was closed, `EISDIR` if it is a directory. */
export function fileOf(file: OpenFile, syscall: string): FileNode {
  if (file.isClosed) throw diskError('EBADF', syscall, file.path);
  if (file.node.kind !== 'file') throw diskError('EISDIR', syscall, file.path);
  return file.node;
}
