import type { DirectoryNode } from './directory-node.js';

/** One name in one directory, and the inode it stands for. */
export interface NameSlot {
  readonly directory: DirectoryNode;
  readonly name: string;
  readonly ino: number;
}

/** One change of names that no sync has made durable yet. */
export interface NameOperation {
  readonly sequence: number;
  /** The name that it makes or replaces. */
  readonly add: NameSlot | null;
  /** The name that it takes away. */
  readonly remove: NameSlot | null;
  /** For a rename between directories: the new one was synced, the old one was not. */
  isAddDurable: boolean;
}

/**
 * The changes of names that wait for a sync of their directory, in the order in which they were made.
 *
 * A rename is one operation: its old name never goes before its new name is durable.
 */
export class NameJournal {
  operations: NameOperation[] = [];

  note(sequence: number, add: NameSlot | null, remove: NameSlot | null): void {
    this.operations.push({ sequence, add, remove, isAddDurable: false });
  }

  /** Makes durable what was done to the names of `directory` up to `sequence`. */
  syncDirectory(directory: DirectoryNode, sequence: number): void {
    const kept: NameOperation[] = [];
    for (const operation of this.operations) {
      if (operation.sequence > sequence) kept.push(operation);
      else if (operation.remove?.directory === directory) landWhole(operation, kept);
      else if (operation.add?.directory === directory && !operation.isAddDurable) {
        landAdd(operation, kept);
        if (operation.remove !== null) kept.push(operation);
      } else kept.push(operation);
    }
    this.operations = kept;
  }

  /** Makes durable all changes of names up to `sequence`, as a journal does when it commits. */
  commitAll(sequence: number): void {
    const kept: NameOperation[] = [];
    for (const operation of this.operations) {
      if (operation.sequence > sequence) kept.push(operation);
      else landWhole(operation, kept);
    }
    this.operations = kept;
  }

  /** Whether any change of this directory's names is pending. */
  concerns(directory: DirectoryNode): boolean {
    return this.operations.some(
      ({ add, remove, isAddDurable }) =>
        remove?.directory === directory || (!isAddDurable && add?.directory === directory),
    );
  }
}

/**
 * Completes a choice of operations that land, given in order: whoever lands on a name that an earlier rename
 * took away needs that rename to land too, or the renamed inode would be left without a name.
 */
export function withRenamesBefore(operations: readonly NameOperation[], lands: boolean[]): boolean[] {
  for (let i = operations.length - 1; i > 0; i--) {
    const operation = operations[i];
    if (operation === undefined || lands[i] !== true) continue;
    for (let j = 0; j < i; j++) {
      const older = operations[j];
      if (older === undefined || older.add === null) continue;
      const touches = [operation.add, operation.remove].some(
        (slot) => slot !== null && isSameName(older.remove, slot),
      );
      if (touches) lands[j] = true;
    }
  }
  return lands;
}

/** Makes the new name durable, behind what it supersedes: an older change that lands too must not land over it. */
export function landAdd(operation: NameOperation, earlier: NameOperation[] = []): void {
  const { add } = operation;
  if (add === null || operation.isAddDurable) return;
  dropSuperseded(add, earlier);
  add.directory.durable.set(add.name, add.ino);
  operation.isAddDurable = true;
}

/** Makes the old name's removal durable. */
export function landRemove(operation: NameOperation): void {
  const { remove } = operation;
  if (remove !== null) remove.directory.durable.delete(remove.name);
}

function landWhole(operation: NameOperation, earlier: NameOperation[]): void {
  landAdd(operation, earlier);
  landRemove(operation);
  if (operation.remove !== null) dropSuperseded(operation.remove, earlier);
}

/**
 * Older changes of the same name, still pending because their other directory was not synced, may not come
 * back over a newer one that is durable. A rename that took the name away made another: that one becomes
 * durable too, for its inode must not be left without a name.
 */
function dropSuperseded(slot: NameSlot, earlier: NameOperation[]): void {
  for (let i = earlier.length - 1; i >= 0; i--) {
    const older = earlier[i];
    if (older === undefined) continue;
    if (isSameName(older.remove, slot)) {
      earlier.splice(i, 1);
      const before = earlier.splice(0, i);
      landAdd(older, before);
      const later = earlier.splice(0);
      for (const one of [...before, ...later]) earlier.push(one);
      i = Math.min(i, before.length);
    } else if (isSameName(older.add, slot)) {
      if (older.remove === null) earlier.splice(i, 1);
      else older.isAddDurable = true;
    }
  }
}

function isSameName(a: NameSlot | null, b: NameSlot): boolean {
  return a !== null && a.directory === b.directory && a.name === b.name;
}
