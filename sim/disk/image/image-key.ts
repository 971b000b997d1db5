import type { DirectoryNode } from './directory-node.js';
import type { FileNode } from './file-node.js';
import type { FileSystem } from './file-system.js';
import { Fingerprint } from './fingerprint.js';
import type { PendingOperation } from './pending-operation.js';

/**
 * A number that is the same for two disks which nobody can tell apart by opening what is on them now: names, sizes,
 * bytes, room taken and sectors that cannot be read, in the cache, on the platter, and waiting for a sync. Who has
 * judged one of them has judged the other, as far as the judgement asks the disk. Not in it: what of freed files a
 * later power cut may show, and what the disk draws later.
 */
export function imageKey(fs: FileSystem): number {
  const key = new Fingerprint();
  const places = new Map<number, number>();
  addNames(key, fs, places, (directory) => directory.volatile);
  // Where all is settled, platter and cache are one.
  if (fs.unsettled.size > 0 || fs.names.operations.length > 0 || mayNamesDiffer(fs))
    addNames(key, fs, places, (directory) => directory.durable);
  for (const { add, remove, isAddDurable } of fs.names.operations)
    for (const slot of [add, remove]) {
      key.add(slot === null ? -1 : placeOf(places, slot.ino)).add(isAddDurable ? 1 : 0);
      if (slot !== null) key.add(placeOf(places, slot.directory.ino)).addText(slot.name);
    }
  for (const [ino] of places) {
    const node = fs.nodes.get(ino);
    if (node?.kind === 'file') addFile(key, node);
  }
  return key.value;
}

function mayNamesDiffer({ nodes }: FileSystem): boolean {
  for (const node of nodes.values()) if (node.kind === 'directory' && node.mayDiffer) return true;
  return false;
}

/** Inodes count by the order in which they are met: their numbers are of no disk's content. */
function placeOf(places: Map<number, number>, ino: number): number {
  const known = places.get(ino) ?? places.size;
  places.set(ino, known);
  return known;
}

function addNames(
  key: Fingerprint,
  fs: FileSystem,
  places: Map<number, number>,
  namesOf: (directory: DirectoryNode) => ReadonlyMap<string, number>,
): void {
  const visit = (directory: DirectoryNode): void => {
    const names = namesOf(directory);
    key.add(placeOf(places, directory.ino)).add(names.size);
    for (const name of [...names.keys()].sort()) {
      const ino = names.get(name) ?? -1;
      key.addText(name).add(placeOf(places, ino));
      const node = fs.nodes.get(ino);
      if (node?.kind === 'directory') visit(node);
    }
  };
  visit(fs.root);
}

function addFile(key: Fingerprint, node: FileNode): void {
  node.volatile.addTo(key);
  for (const sector of node.unreadable) key.add(sector);
  if (node.isSettled) return;
  node.durable.addTo(key);
  key
    .add(node.firmSize)
    .add(node.mayDiffer ? 1 : 0)
    .add(node.pending.length);
  for (const operation of node.pending) key.add(fingerprintOf(operation));
  // Of a place in the order of all changes counts before which of the pending ones it is.
  const rankOf = (sequence: number): number => node.pending.filter((one) => one.sequence < sequence).length;
  key.add(rankOf(node.sizeFloor));
  for (const [sector, sequence] of node.sectorFloors) key.add(sector).add(rankOf(sequence));
}

/** What a change holds never changes, and copies of a disk share it. */
const known = new WeakMap<PendingOperation, number>();

function fingerprintOf(operation: PendingOperation): number {
  const told = known.get(operation);
  if (told !== undefined) return told;
  const { position, bytes, sizeAfter, clearedFrom, wrongPlace } = operation;
  const print = new Fingerprint()
    .add(position)
    .add(sizeAfter)
    .add(clearedFrom ?? -1);
  if (wrongPlace !== null) print.add(wrongPlace.ino).add(wrongPlace.position);
  if (bytes !== null) print.addBytes(bytes);
  known.set(operation, print.value);
  return print.value;
}
