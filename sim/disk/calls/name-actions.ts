import type { DirectoryEntry, DiskFile, FileStat, OpenOptions, SpaceStat } from '../../../src/disk/port.js';
import { systemCode } from '../../../src/disk/system-error.js';
import { type Random, subSeed } from '../../world/random.js';
import { Action } from './action.js';
import { DirectoryNode } from '../image/directory-node.js';
import { failDirectorySync } from '../harm/failed-sync.js';
import { statOf } from './handle-actions.js';
import type { DiskNode, FileSystem } from '../image/file-system.js';
import { landAdd, landRemove } from '../image/name-journal.js';
import { diskError, findNamed, findNode, findPlace, namesOf } from '../image/paths.js';

/** A call that makes, takes or moves a name: half way it has happened or not. */
abstract class NameAction<T> extends Action<T> {
  override changes(_fs: FileSystem): boolean {
    return true;
  }

  override tear(fs: FileSystem, random: Random): void {
    if (random.chance(0.5)) unlessRefused(() => this.run(fs));
  }

  /** A process that lost its lock may not move or take what a successor has written. */
  protected refuseStale(fs: FileSystem, node: DiskNode | undefined): void {
    if (!fs.isFencing || this.caller?.hasLostLock !== true) return;
    if (node?.kind !== 'file' || node.successorRanges.length === 0) return;
    fs.count('write-fenced-by-successor');
    throw diskError('EIO', this.kind, this.path);
  }
}

/** A call that would have failed by itself changes nothing. */
function unlessRefused(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
  }
}

/** A name stands at `path` for nothing. */
function isFree(fs: FileSystem, path: string): boolean {
  return namesOf(path).length > 0 && findNode(fs, path, 'stat') === undefined;
}

/** The process that asks for a file to be opened. */
export interface Opener {
  /** Throws `EMFILE` if it may open no more. */
  admit(path: string): void;
  /** Makes its handle. */
  wrap(path: string, options: OpenOptions, node: DiskNode): DiskFile;
}

export class OpenAction extends Action<DiskFile> {
  readonly kind = 'open';
  readonly #options: OpenOptions;
  readonly #opener: Opener;

  constructor(path: string, options: OpenOptions, opener: Opener) {
    super(path);
    this.#options = options;
    this.#opener = opener;
  }

  run(fs: FileSystem): DiskFile {
    this.#opener.admit(this.path);
    return this.#opener.wrap(this.path, this.#options, this.#open(fs));
  }

  override changes(fs: FileSystem): boolean {
    return this.#options.create !== undefined && this.#options.create !== 'never' && isFree(fs, this.path);
  }

  /** The file may have been made, and nobody holds it. */
  override tear(fs: FileSystem, random: Random): void {
    if (random.chance(0.5)) unlessRefused(() => this.#open(fs));
  }

  #open(fs: FileSystem): DiskNode {
    const { create = 'never' } = this.#options;
    if (namesOf(this.path).length === 0) return this.#directory(fs.root);
    const { directory, name, node } = findPlace(fs, this.path, 'open');
    if (node === undefined) {
      if (create === 'never') throw diskError('ENOENT', 'open', this.path);
      return fs.createFile(directory, name);
    }
    if (create === 'exclusive') throw diskError('EEXIST', 'open', this.path);
    if (node.kind === 'directory') return this.#directory(node);
    return node;
  }

  #directory(node: DirectoryNode): DirectoryNode {
    const { access, create = 'never' } = this.#options;
    if (create === 'exclusive') throw diskError('EEXIST', 'open', this.path);
    if (access === 'write' || create !== 'never') throw diskError('EISDIR', 'open', this.path);
    return node;
  }
}

export class MkdirAction extends NameAction<void> {
  readonly kind = 'mkdir';

  override changes(fs: FileSystem): boolean {
    return isFree(fs, this.path);
  }

  run(fs: FileSystem): void {
    if (namesOf(this.path).length === 0) throw diskError('EEXIST', 'mkdir', this.path);
    const { directory, name, node } = findPlace(fs, this.path, 'mkdir');
    if (node !== undefined) throw diskError('EEXIST', 'mkdir', this.path);
    fs.createDirectory(directory, name);
  }
}

export class ReaddirAction extends Action<readonly DirectoryEntry[]> {
  readonly kind = 'readdir';

  run(fs: FileSystem): readonly DirectoryEntry[] {
    const node = findNode(fs, this.path, 'scandir');
    if (node === undefined) throw diskError('ENOENT', 'scandir', this.path);
    if (node.kind !== 'directory') throw diskError('ENOTDIR', 'scandir', this.path);
    // In no order that a caller could lean on: by a hash, as file systems do, another in each directory.
    const names = [...node.volatile.keys()].map((name) => ({ name, hash: subSeed(node.ino, name) }));
    names.sort((a, b) => a.hash - b.hash);
    return names.map(({ name }) => ({
      name,
      kind: fs.nodes.get(node.volatile.get(name) ?? -1)?.kind ?? 'other',
    }));
  }
}

export class StatAction extends Action<FileStat | null> {
  readonly kind = 'stat';

  run(fs: FileSystem): FileStat | null {
    const node = findNode(fs, this.path, 'stat');
    return node === undefined ? null : statOf(node);
  }
}

export class StatfsAction extends Action<SpaceStat> {
  readonly kind = 'statfs';

  run(fs: FileSystem): SpaceStat {
    if (findNode(fs, this.path, 'statfs') === undefined) throw diskError('ENOENT', 'statfs', this.path);
    const space = { freeBytes: fs.freeBytes, totalBytes: fs.profile.capacityBytes };
    return fs.profile.copiesOnWrite ? { ...space, copiesOnWrite: true } : space;
  }
}

export class RenameAction extends NameAction<void> {
  readonly kind = 'rename';
  readonly #to: string;

  constructor(from: string, to: string) {
    super(from);
    this.#to = to;
  }

  override get to(): string {
    return this.#to;
  }

  run(fs: FileSystem): void {
    // Both directories are looked for before either name, as the kernel does.
    const from = findPlace(fs, this.path, 'rename');
    const to = findPlace(fs, this.#to, 'rename');
    if (from.node === undefined) throw diskError('ENOENT', 'rename', this.path);
    if (to.node === from.node) return;
    if (from.node.kind === 'directory') this.#refuseLoop(from.node, to.directory, fs);
    if (to.node !== undefined) this.#refuseReplacing(from.node, to.node);
    this.refuseStale(fs, from.node);
    this.refuseStale(fs, to.node);
    fs.rename(from, to, from.node);
  }

  #refuseReplacing(node: DiskNode, replaced: DiskNode): void {
    if (node.kind === 'file' && replaced.kind === 'directory') throw diskError('EISDIR', 'rename', this.path);
    if (node.kind === 'directory' && replaced.kind === 'file')
      throw diskError('ENOTDIR', 'rename', this.path);
    if (replaced.kind === 'directory' && replaced.volatile.size > 0) {
      throw diskError('ENOTEMPTY', 'rename', this.path);
    }
  }

  /** A directory cannot move below itself. */
  #refuseLoop(node: DirectoryNode, into: DirectoryNode, fs: FileSystem): void {
    const holds = (directory: DirectoryNode): boolean =>
      directory === into ||
      [...directory.volatile.values()].some((ino) => {
        const child = fs.nodes.get(ino);
        return child instanceof DirectoryNode && holds(child);
      });
    if (holds(node)) throw diskError('EINVAL', 'rename', this.path);
  }
}

export class UnlinkAction extends NameAction<void> {
  readonly kind = 'unlink';

  run(fs: FileSystem): void {
    const { directory, name, node } = findNamed(fs, this.path, 'unlink');
    if (node.kind === 'directory') throw diskError('EISDIR', 'unlink', this.path);
    this.refuseStale(fs, node);
    fs.removeName(directory, name);
  }
}

export class LinkAction extends NameAction<void> {
  readonly kind = 'link';
  readonly #to: string;

  constructor(from: string, to: string) {
    super(from);
    this.#to = to;
  }

  override get to(): string {
    return this.#to;
  }

  run(fs: FileSystem): void {
    const { node } = findNamed(fs, this.path, 'link');
    const to = findPlace(fs, this.#to, 'link');
    if (to.node !== undefined) throw diskError('EEXIST', 'link', this.path);
    if (node.kind === 'directory') throw diskError('EPERM', 'link', this.path);
    fs.putName(to.directory, to.name, node);
  }
}

export class SyncDirectoryAction extends Action<void> {
  readonly kind = 'syncDirectory';
  readonly #until: number;

  constructor(path: string, until: number) {
    super(path);
    this.#until = until;
  }

  run(fs: FileSystem): void {
    const directory = this.#directory(fs);
    if (directory.mayDiffer) fs.count('sync-lied-after-failure');
    if (fs.profile.metadata === 'journal') fs.names.commitAll(this.#until);
    else fs.names.syncDirectory(directory, this.#until);
    fs.collectGarbage();
  }

  override changes(fs: FileSystem): boolean {
    if (fs.profile.metadata === 'journal') return fs.names.operations.length > 0;
    const node = findNode(fs, this.path, 'open');
    return node?.kind === 'directory' && fs.names.concerns(node);
  }

  /** Half way, a first part of the names is durable. */
  override tear(fs: FileSystem, random: Random): void {
    const { operations } = fs.names;
    const landed = random.below(operations.length + 1);
    for (const operation of operations.slice(0, landed)) {
      landAdd(operation);
      landRemove(operation);
    }
    fs.names.operations = operations.slice(landed);
  }

  override fail(fs: FileSystem, random: Random): void {
    fs.count('directory-sync-failed');
    failDirectorySync(fs, this.#directory(fs), this.#until, random);
  }

  #directory(fs: FileSystem): DirectoryNode {
    const node = findNode(fs, this.path, 'open');
    if (node === undefined) throw diskError('ENOENT', 'open', this.path);
    if (node.kind !== 'directory') throw diskError('ENOTDIR', 'scandir', this.path);
    return node;
  }
}
