import type { RecordedRange } from './durability-record.js';
import type { FileNode } from './file-node.js';
import type { FileSystem } from './file-system.js';
import type { PendingOperation } from './pending-operation.js';

/** fdatasync: makes durable all changes of the file up to `sequence`, and in the `journal` profile all names too. */
export function syncFile(fs: FileSystem, node: FileNode, sequence: number): void {
  const { pending } = node;
  let landed = 0;
  for (const operation of pending) {
    if (operation.sequence > sequence) break;
    landOperation(fs, node, operation);
    if (operation.sequence > node.sizeFloor) setDurableSize(fs, node, operation.sizeAfter);
    landed += 1;
  }
  const ranges = pending.slice(0, landed);
  if (landed > 0) node.pending = pending.slice(landed);
  if (node.pending.length === 0) {
    node.sectorFloors.clear();
    node.sizeFloor = 0;
  }
  node.firmSize = node.durable.size;
  recordSync(fs, node, ranges);
  if (fs.profile.metadata === 'journal') fs.names.commitAll(sequence);
  if (node.isSettled) fs.unsettled.delete(node);
}

/** A write to an O_DSYNC file: its own range and the size are durable, what was pending before stays so. */
export function syncRange(fs: FileSystem, node: FileNode, operation: PendingOperation): void {
  node.pending = node.pending.filter((other) => other !== operation);
  landOperation(fs, node, operation);
  setDurableSize(fs, node, operation.sizeAfter);
  if (node.pending.length > 0) {
    const { sectorBytes } = fs.profile;
    const until = operation.position + (operation.bytes?.length ?? 0);
    for (let at = operation.position; at < until; at += sectorBytes) {
      node.sectorFloors.set(at / sectorBytes, operation.sequence);
    }
    node.sizeFloor = operation.sequence;
  } else {
    node.firmSize = node.durable.size;
  }
  recordSync(fs, node, [operation]);
  if (node.isSettled) fs.unsettled.delete(node);
}

/**
 * Puts one change of data on the platter: whole, or only the sectors that `lands` picks. Never over a newer
 * O_DSYNC write of the same sector. The size is not its business.
 */
export function landOperation(
  fs: FileSystem,
  node: FileNode,
  operation: PendingOperation,
  lands: ((sector: number) => boolean) | null = null,
): void {
  if (operation.clearedFrom !== null) landClearing(fs, node, operation, operation.clearedFrom, lands);
  const { bytes } = operation;
  if (bytes === null) return;
  if (operation.wrongPlace !== null) {
    landAstray(fs, node, operation, bytes);
    return;
  }
  if (lands === null && node.sectorFloors.size === 0) {
    node.durable.write(bytes, operation.position);
    return;
  }
  const { sectorBytes } = fs.profile;
  for (let done = 0; done < bytes.length; done += sectorBytes) {
    const sector = (operation.position + done) / sectorBytes;
    if ((node.sectorFloors.get(sector) ?? 0) > operation.sequence) continue;
    if (lands !== null && !lands(sector)) continue;
    node.durable.write(bytes.subarray(done, done + sectorBytes), operation.position + done);
  }
}

/** Sets the size on the platter; bytes that it cuts off are freed. */
export function setDurableSize(fs: FileSystem, node: FileNode, size: number): void {
  if (size < node.durable.size) {
    fs.graveyard.bury(node.durable);
    node.durable.clearFrom(size);
  }
  node.durable.size = size;
}

function landClearing(
  fs: FileSystem,
  node: FileNode,
  operation: PendingOperation,
  clearedFrom: number,
  lands: ((sector: number) => boolean) | null,
): void {
  const { durable } = node;
  fs.record.forgotten(node.ino, [
    { from: clearedFrom, until: durable.extentBytes, issuedAt: operation.sequence },
  ]);
  fs.graveyard.bury(durable);
  if (lands === null && node.sectorFloors.size === 0) {
    durable.clearFrom(clearedFrom);
    return;
  }
  const { sectorBytes } = fs.profile;
  for (
    let at = clearedFrom;
    at < durable.extentBytes;
    at = (Math.floor(at / sectorBytes) + 1) * sectorBytes
  ) {
    const sector = Math.floor(at / sectorBytes);
    if ((node.sectorFloors.get(sector) ?? 0) > operation.sequence) continue;
    if (lands === null || lands(sector)) durable.clear(at, (sector + 1) * sectorBytes);
  }
}

/** A write that the device sends astray lands in another place, and not in its own. */
function landAstray(fs: FileSystem, node: FileNode, operation: PendingOperation, bytes: Uint8Array): void {
  node.mayDiffer = true;
  fs.unsettled.add(node);
  const other = fs.nodes.get(operation.wrongPlace?.ino ?? -1);
  if (other?.kind !== 'file' || operation.wrongPlace === null) return;
  const { position } = operation.wrongPlace;
  other.durable.write(bytes, position);
  // What would lie behind the end of that file lands in no file at all.
  other.durable.clearFrom(other.durable.size);
  other.mayDiffer = true;
  fs.unsettled.add(other);
  fs.record.forgotten(other.ino, [{ from: position, until: position + bytes.length, issuedAt: 0 }]);
}

function recordSync(fs: FileSystem, node: FileNode, operations: readonly PendingOperation[]): void {
  if (operations.length === 0) return;
  const ranges: RecordedRange[] = [];
  for (const { from, until, sequence, wrongPlace } of operations) {
    if (until > from && wrongPlace === null) ranges.push({ from, until, issuedAt: sequence });
  }
  fs.record.synced(node.ino, ranges, node.durable.size, fs.nextSequence());
}
