import { type Counters, newCounters, type Reached } from '../calls/counters.js';
import { DirectoryNode } from './directory-node.js';
import { DurabilityRecord } from './durability-record.js';
import { FileNode } from './file-node.js';
import { Graveyard } from './graveyard.js';
import { NameJournal, type NameSlot } from './name-journal.js';
import { PAGE_BYTES } from './paged-image.js';
import type { DiskProfile } from '../harm/profile.js';

export type DiskNode = FileNode | DirectoryNode;

/**
 * The whole state of a simulated file system: inodes, names, what of both is durable, and what was freed.
 * It knows no process, fault or time. A copy costs as much as the lists that it holds, not their bytes.
 */
export class FileSystem {
  readonly profile: DiskProfile;
  readonly counters: Counters = newCounters();
  readonly nodes: Map<number, DiskNode> = new Map<number, DiskNode>();
  readonly names: NameJournal = new NameJournal();
  /** Files whose volatile and durable states may differ: all that a crash must look at. */
  readonly unsettled: Set<FileNode> = new Set<FileNode>();
  root: DirectoryNode;
  graveyard: Graveyard = new Graveyard();
  record: DurabilityRecord = new DurabilityRecord();
  /** Some process has lost its lock while it lives: what its successors write is remembered. */
  isFencing = false;
  /** A lock is granted to whoever asks for it, as where a file system knows of none. */
  sharesLocks = false;
  #sequence = 0;
  #nextIno = 2;
  #allocatedPages = 0;
  #mayHoldGarbage = false;

  constructor(profile: DiskProfile) {
    this.profile = profile;
    this.root = new DirectoryNode(1);
    this.nodes.set(1, this.root);
  }

  /** Place of the last change in the order of all changes. */
  get sequence(): number {
    return this.#sequence;
  }

  get freeBytes(): number {
    return (
      Math.max(0, Math.floor(this.profile.capacityBytes / PAGE_BYTES) - this.#allocatedPages) * PAGE_BYTES
    );
  }

  count(reached: Reached): void {
    this.counters[reached] += 1;
  }

  nextSequence(): number {
    return ++this.#sequence;
  }

  /** How many of `length` bytes at `position` fit on the disk. */
  roomFor(node: FileNode, position: number, length: number): number {
    if (this.profile.copiesOnWrite) return this.#roomForCopies(node, position, length);
    let free = Math.floor(this.profile.capacityBytes / PAGE_BYTES) - this.#allocatedPages;
    if (node.volatile.pagesMissing(position, position + length) <= Math.max(0, free)) return length;
    let until = position;
    while (until < position + length) {
      if (!node.volatile.isAllocated(until)) {
        if (free <= 0) break;
        free -= 1;
      }
      until = (Math.floor(until / PAGE_BYTES) + 1) * PAGE_BYTES;
    }
    return Math.min(length, until - position);
  }

  /** As {@link roomFor}, where each page that the platter holds is copied by the first write over it since the last sync. */
  #roomForCopies(node: FileNode, position: number, length: number): number {
    let free = this.freeBytes / PAGE_BYTES;
    for (const file of this.unsettled) free -= file.copiedPages().size;
    const copied = node.copiedPages();
    let until = position;
    while (until < position + length) {
      const needsCopy = node.durable.isAllocated(until) && !copied.has(Math.floor(until / PAGE_BYTES));
      if (needsCopy || !node.volatile.isAllocated(until)) {
        if (free <= 0) {
          if (needsCopy) this.count(until === position ? 'overwrite-refused' : 'overwrite-cut-short');
          break;
        }
        free -= 1;
      }
      until = (Math.floor(until / PAGE_BYTES) + 1) * PAGE_BYTES;
    }
    return Math.min(length, until - position);
  }

  /** Runs what changes the volatile bytes of a file, and keeps count of the room that it takes. */
  changing<T>(node: FileNode, change: () => T): T {
    const before = node.volatile.allocatedPages;
    const result = change();
    this.#allocatedPages += node.volatile.allocatedPages - before;
    if (node.isSettled) this.unsettled.delete(node);
    else this.unsettled.add(node);
    return result;
  }

  createFile(directory: DirectoryNode, name: string): FileNode {
    const node = new FileNode(this.#nextIno++);
    this.nodes.set(node.ino, node);
    this.putName(directory, name, node);
    return node;
  }

  createDirectory(directory: DirectoryNode, name: string): DirectoryNode {
    const node = new DirectoryNode(this.#nextIno++);
    this.nodes.set(node.ino, node);
    this.putName(directory, name, node);
    return node;
  }

  /** Gives `node` a name, in place of what had it; pending until the directory is synced. */
  putName(directory: DirectoryNode, name: string, node: DiskNode): void {
    this.#setVolatile(directory, name, node);
    this.names.note(this.nextSequence(), { directory, name, ino: node.ino }, null);
  }

  removeName(directory: DirectoryNode, name: string): void {
    const ino = this.#dropVolatile(directory, name);
    this.names.note(this.nextSequence(), null, { directory, name, ino });
  }

  rename(from: Omit<NameSlot, 'ino'>, to: Omit<NameSlot, 'ino'>, node: DiskNode): void {
    this.#setVolatile(to.directory, to.name, node);
    this.#dropVolatile(from.directory, from.name);
    const { ino } = node;
    const add = { directory: to.directory, name: to.name, ino };
    this.names.note(this.nextSequence(), add, { directory: from.directory, name: from.name, ino });
  }

  opened(node: FileNode): void {
    node.openCount += 1;
  }

  closed(node: FileNode): void {
    node.openCount -= 1;
    if (node.openCount === 0 && node.links === 0) this.#free(node);
  }

  /** No process lives that could have lost its lock. */
  endFencing(): void {
    if (!this.isFencing) return;
    this.isFencing = false;
    for (const node of this.nodes.values()) if (node.kind === 'file') node.successorRanges = [];
  }

  /** Buries files that no name can bring back and no process holds open. */
  collectGarbage(): void {
    if (!this.#mayHoldGarbage) return;
    this.#mayHoldGarbage = false;
    const reachable = this.#reachable();
    for (const node of this.nodes.values()) {
      if (reachable.has(node.ino) || (node.kind === 'file' && node.openCount > 0)) continue;
      this.nodes.delete(node.ino);
      if (node.kind !== 'file') continue;
      this.unsettled.delete(node);
      this.graveyard.bury(node.durable);
    }
  }

  /** Counts names and room anew, after a crash or a raw change has moved whole states. */
  recount(): void {
    for (const node of this.nodes.values()) if (node.kind === 'file') node.links = 0;
    const seen = new Set<number>();
    this.#countNames(this.root, seen);
    this.#allocatedPages = 0;
    for (const node of this.nodes.values()) {
      if (node.kind === 'file' && (node.links > 0 || node.openCount > 0)) {
        this.#allocatedPages += node.volatile.allocatedPages;
      }
    }
    this.#mayHoldGarbage = true;
    this.collectGarbage();
  }

  /** A copy of all that a crash could leave or lose; open files and locks stay behind. */
  clone(): FileSystem {
    const copy = new FileSystem(this.profile);
    Object.assign(copy.counters, this.counters);
    for (const node of this.nodes.values()) copy.nodes.set(node.ino, node.clone());
    copy.root = copy.#directory(this.root.ino);
    // What is pending in a directory that no name can bring back is nothing that a crash could leave.
    const slot = (of: NameSlot | null): NameSlot | null =>
      of === null || !this.nodes.has(of.directory.ino)
        ? null
        : { directory: copy.#directory(of.directory.ino), name: of.name, ino: of.ino };
    copy.names.operations = this.names.operations
      .map((operation) => ({ ...operation, add: slot(operation.add), remove: slot(operation.remove) }))
      .filter(({ add, remove }) => add !== null || remove !== null);
    for (const { ino } of this.unsettled) {
      const node = copy.nodes.get(ino);
      if (node?.kind === 'file') copy.unsettled.add(node);
    }
    copy.graveyard = this.graveyard.clone();
    copy.record = this.record.clone();
    copy.#sequence = this.#sequence;
    copy.#nextIno = this.#nextIno;
    copy.recount();
    return copy;
  }

  #directory(ino: number): DirectoryNode {
    const node = this.nodes.get(ino);
    if (node?.kind !== 'directory') throw new Error(`inode ${ino} is no directory`);
    return node;
  }

  #setVolatile(directory: DirectoryNode, name: string, node: DiskNode): void {
    const replaced = directory.volatile.get(name);
    directory.volatile.set(name, node.ino);
    if (node.kind === 'file') node.links += 1;
    if (replaced !== undefined) this.#unlinked(replaced);
  }

  #dropVolatile(directory: DirectoryNode, name: string): number {
    const ino = directory.volatile.get(name);
    if (ino === undefined) throw new Error(`no name '${name}' in directory ${directory.ino}`);
    directory.volatile.delete(name);
    this.#unlinked(ino);
    return ino;
  }

  #unlinked(ino: number): void {
    this.#mayHoldGarbage = true;
    const node = this.nodes.get(ino);
    if (node?.kind !== 'file') return;
    node.links -= 1;
    if (node.links === 0 && node.openCount === 0) this.#free(node);
  }

  #free(node: FileNode): void {
    this.#allocatedPages -= node.volatile.allocatedPages;
    this.#mayHoldGarbage = true;
  }

  #countNames(directory: DirectoryNode, seen: Set<number>): void {
    if (seen.has(directory.ino)) return;
    seen.add(directory.ino);
    for (const ino of directory.volatile.values()) {
      const node = this.nodes.get(ino);
      if (node?.kind === 'file') node.links += 1;
      else if (node !== undefined) this.#countNames(node, seen);
    }
  }

  #reachable(): Set<number> {
    const reachable = new Set<number>();
    const visit = (ino: number): void => {
      if (reachable.has(ino)) return;
      reachable.add(ino);
      const node = this.nodes.get(ino);
      if (node?.kind !== 'directory') return;
      for (const child of node.volatile.values()) visit(child);
      for (const child of node.durable.values()) visit(child);
    };
    visit(this.root.ino);
    for (const { add, remove } of this.names.operations) {
      if (add !== null) visit(add.ino);
      if (remove !== null) visit(remove.ino);
    }
    return reachable;
  }
}
