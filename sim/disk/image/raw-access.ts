import type { DirectoryNode } from './directory-node.js';
import type { RecordedSync } from './durability-record.js';
import type { FileNode } from './file-node.js';
import type { FileSystem } from './file-system.js';
import { imageKey } from './image-key.js';
import { PAGE_BYTES } from './paged-image.js';
import { diskError, findNode, findPlace, namesOf } from './paths.js';

/**
 * What a test does to a disk behind the store's back. None of it counts as a call, takes time or fails by a
 * fault; every change is at once in the cache and on the platter, and nothing of it can be lost by a crash.
 */
export class RawAccess {
  /** The state of the disk. */
  readonly fs: FileSystem;

  constructor(fs: FileSystem) {
    this.fs = fs;
  }

  /** See {@link imageKey}. */
  get imageKey(): number {
    return imageKey(this.fs);
  }

  /** Paths of all files as they are read now, sorted. */
  list(): string[] {
    return this.#list((directory) => directory.volatile);
  }

  /** Paths of all files whose names are durable, sorted. */
  listDurable(): string[] {
    return this.#list((directory) => directory.durable);
  }

  /** The bytes of a file as a read returns them; null if there is no such name. */
  readVolatile(path: string): Uint8Array | null {
    const node = findNode(this.fs, path, 'open');
    return node?.kind === 'file' ? node.volatile.slice(0, node.volatile.size) : null;
  }

  /** The bytes that a power cut would leave if nothing pending survived; null if the name is not durable. */
  readDurable(path: string): Uint8Array | null {
    const node = this.#findDurable(path);
    return node === null ? null : node.durable.slice(0, node.durable.size);
  }

  /** What the disk itself knows of the successful syncs of a file, oldest first; empty if there is no such name. */
  syncsOf(path: string): readonly RecordedSync[] {
    const node = findNode(this.fs, path, 'open');
    return node === undefined ? [] : this.fs.record.syncsOf(node.ino);
  }

  /** Makes a directory and those above it, where they are missing. */
  makeDirectory(path: string): void {
    const { fs } = this;
    let directory = fs.root;
    for (const name of namesOf(path)) {
      const ino = directory.volatile.get(name);
      const known = ino === undefined ? fs.createDirectory(directory, name) : fs.nodes.get(ino);
      if (known?.kind !== 'directory') throw diskError('ENOTDIR', 'mkdir', path);
      directory.durable.set(name, known.ino);
      directory = known;
    }
    fs.names.operations = fs.names.operations.filter(({ add, isAddDurable }) => !isLanded(add, isAddDurable));
  }

  /** Flips one bit (0..7) of one byte. */
  flipBit(path: string, byte: number, bit: number): void {
    const node = this.#file(path);
    for (const image of [node.volatile, node.durable]) {
      if (byte >= image.size) continue;
      const value = image.slice(byte, byte + 1);
      value[0] = (value[0] ?? 0) ^ (1 << bit);
      image.write(value, byte);
    }
    this.#forget(node, byte, byte + 1);
  }

  /** Writes bytes into a file that is there; it grows if they reach behind its end. */
  overwrite(path: string, position: number, bytes: Uint8Array): void {
    const node = this.#file(path);
    for (const image of [node.volatile, node.durable]) {
      image.write(bytes, position);
      image.size = Math.max(image.size, position + bytes.length);
    }
    this.#forget(node, position, position + bytes.length);
  }

  /** Makes `path` a file of exactly these bytes, new or in place of the old bytes; its inode stays. */
  writeFile(path: string, bytes: Uint8Array): void {
    const { directory, name, node } = findPlace(this.fs, path, 'open');
    if (node?.kind === 'directory') throw diskError('EISDIR', 'open', path);
    const file = node ?? this.fs.createFile(directory, name);
    directory.durable.set(name, file.ino);
    this.#dropPendingNames(directory, name);
    this.resize(path, 0);
    this.overwrite(path, 0, bytes);
    this.resize(path, bytes.length);
  }

  /** Cuts or extends a file. */
  resize(path: string, size: number): void {
    const node = this.#file(path);
    this.#forget(node, Math.min(size, node.durable.size), Math.max(size, node.durable.extentBytes));
    for (const image of [node.volatile, node.durable]) {
      image.clearFrom(size);
      image.size = size;
    }
    node.pending = [];
    node.firmSize = size;
  }

  /** Makes holes of the pages of a file that are all zeros, as a copy does that leaves zeros out. */
  makeSparse(path: string): void {
    const node = this.#file(path);
    for (const image of [node.volatile, node.durable]) {
      for (let at = 0; at < image.size; at += PAGE_BYTES) {
        const isZeros = image.slice(at, at + PAGE_BYTES).every((byte) => byte === 0);
        if (isZeros) image.clear(at, at + PAGE_BYTES);
      }
    }
    this.fs.recount();
  }

  /** Takes a name away, for good. */
  remove(path: string): void {
    const { directory, name } = findPlace(this.fs, path, 'unlink');
    directory.volatile.delete(name);
    directory.durable.delete(name);
    this.#dropPendingNames(directory, name);
    this.fs.recount();
    // Of directories that went with it nothing can become durable any more.
    const { names, nodes } = this.fs;
    const isThere = (slot: { readonly directory: DirectoryNode } | null): boolean =>
      slot === null || nodes.has(slot.directory.ino);
    names.operations = names.operations.filter(({ add, remove }) => isThere(add) && isThere(remove));
  }

  /** Moves a file or a directory with all that is below, for good; what has it open goes on in it. */
  move(from: string, to: string): void {
    const { directory, name, node } = findPlace(this.fs, from, 'rename');
    if (node === undefined) throw diskError('ENOENT', 'rename', from);
    const target = findPlace(this.fs, to, 'rename');
    if (target.node !== undefined) throw diskError('EEXIST', 'rename', to);
    for (const names of [directory.volatile, directory.durable]) names.delete(name);
    for (const names of [target.directory.volatile, target.directory.durable])
      names.set(target.name, node.ino);
    this.#dropPendingNames(directory, name);
    this.#dropPendingNames(target.directory, target.name);
    this.fs.recount();
  }

  /** Makes one sector fail to be read until it is overwritten. */
  makeUnreadable(path: string, position: number): void {
    this.#file(path).unreadable.add(Math.floor(position / this.fs.profile.sectorBytes));
    this.fs.count('sector-made-unreadable');
  }

  #file(path: string): FileNode {
    const node = findNode(this.fs, path, 'open');
    if (node === undefined) throw diskError('ENOENT', 'open', path);
    if (node.kind !== 'file') throw diskError('EISDIR', 'open', path);
    return node;
  }

  #forget(node: FileNode, from: number, until: number): void {
    this.fs.record.forgotten(node.ino, [{ from, until, issuedAt: 0 }]);
    this.fs.recount();
  }

  #findDurable(path: string): FileNode | null {
    let directory: DirectoryNode = this.fs.root;
    const names = namesOf(path);
    for (const [index, name] of names.entries()) {
      const node = this.fs.nodes.get(directory.durable.get(name) ?? -1);
      if (node?.kind === 'file') return index === names.length - 1 ? node : null;
      if (node === undefined) return null;
      directory = node;
    }
    return null;
  }

  #dropPendingNames(directory: DirectoryNode, name: string): void {
    const { names } = this.fs;
    names.operations = names.operations.filter(
      ({ add, remove }) =>
        !(add?.directory === directory && add.name === name) &&
        !(remove?.directory === directory && remove.name === name),
    );
  }

  #list(namesIn: (directory: DirectoryNode) => ReadonlyMap<string, number>): string[] {
    const paths: string[] = [];
    const visit = (directory: DirectoryNode, above: string): void => {
      for (const [name, ino] of namesIn(directory)) {
        const node = this.fs.nodes.get(ino);
        if (node?.kind === 'file') paths.push(`${above}/${name}`);
        else if (node !== undefined) visit(node, `${above}/${name}`);
      }
    };
    visit(this.fs.root, '');
    return paths.sort();
  }
}

function isLanded(
  add: { directory: DirectoryNode; name: string; ino: number } | null,
  isDurable: boolean,
): boolean {
  return !isDurable && add !== null && add.directory.durable.get(add.name) === add.ino;
}
