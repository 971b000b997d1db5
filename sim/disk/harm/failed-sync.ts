import type { Random } from '../../world/random.js';
import type { DirectoryNode } from '../image/directory-node.js';
import type { FileNode } from '../image/file-node.js';
import type { FileSystem } from '../image/file-system.js';
import { landAdd, landRemove, type NameOperation, withRenamesBefore } from '../image/name-journal.js';
import { landOperation, setDurableSize } from '../image/sync-file.js';

/**
 * What a sync leaves that reports an error: part of what was pending is on the platter, and nothing is
 * pending any more, so that the next sync answers OK without having written the rest. The cache keeps the
 * new bytes, marked clean, or goes back to the old ones.
 */
export function failFileSync(fs: FileSystem, node: FileNode, sequence: number, random: Random): void {
  fs.changing(node, () => {
    const failed = node.pending.filter((operation) => operation.sequence <= sequence);
    landPartly(fs, node, random);
    fs.record.forgotten(
      node.ino,
      failed.map(({ from, until }) => ({ from, until, issuedAt: 0 })),
    );
    node.pending = node.pending.filter((operation) => operation.sequence > sequence);
    const goesBack = fs.profile.failedSync === 'goes-back' && node.pending.length === 0;
    if (goesBack) node.forgetVolatile();
    else if (failed.length > 0) node.mayDiffer = true;
  });
}

/** Lets any sectors of what is pending reach the platter, each by itself, and any size with them. */
export function landPartly(fs: FileSystem, node: FileNode, random: Random): void {
  const share = random.pick([0, 0.5, 0.5, 0.9, 1]);
  for (const operation of node.pending) {
    landOperation(fs, node, operation, () => random.chance(share));
    if (operation.sequence > node.sizeFloor && random.chance(share))
      setDurableSize(fs, node, operation.sizeAfter);
  }
  node.durable.clearFrom(node.durable.size);
}

/** As {@link failFileSync}, for the names of a directory. A rename lands whole or not at all. */
export function failDirectorySync(
  fs: FileSystem,
  directory: DirectoryNode,
  sequence: number,
  random: Random,
): void {
  const share = random.pick([0, 0.5, 1]);
  const concerned = fs.names.operations.filter(
    (operation) => operation.sequence <= sequence && touches(operation, directory),
  );
  const lands = withRenamesBefore(
    concerned,
    concerned.map(() => random.chance(share)),
  );
  const touched = new Set<DirectoryNode>();
  const kept: NameOperation[] = [];
  for (const operation of fs.names.operations) {
    const index = concerned.indexOf(operation);
    if (index < 0) {
      kept.push(operation);
      continue;
    }
    if (lands[index] === true) {
      landAdd(operation, kept);
      landRemove(operation);
    }
    const { add, remove } = operation;
    if (add !== null) touched.add(add.directory);
    if (remove !== null) touched.add(remove.directory);
  }
  fs.names.operations = kept;
  for (const node of touched) {
    node.mayDiffer = true;
    if (fs.profile.failedSync === 'goes-back') forgetVolatileNames(fs, node);
  }
  if (touched.size > 0) fs.recount();
}

function touches({ add, remove }: NameOperation, directory: DirectoryNode): boolean {
  return add?.directory === directory || remove?.directory === directory;
}

/** Reads a directory anew from the platter; what is still pending stays to be seen. */
export function forgetVolatileNames(fs: FileSystem, directory: DirectoryNode): void {
  directory.volatile = new Map(directory.durable);
  for (const { add, remove } of fs.names.operations) {
    if (add?.directory === directory) directory.volatile.set(add.name, add.ino);
    if (remove?.directory === directory) directory.volatile.delete(remove.name);
  }
  directory.mayDiffer = false;
}
