import type { FileNode } from '../image/file-node.js';
import type { FileSystem } from '../image/file-system.js';
import type { OpenFile } from '../image/open-file.js';
import { diskError } from '../image/paths.js';

/**
 * After a lock was lost: notes what a successor writes, and refuses what a process that lost its lock would put over it. Before,
 * nothing.
 */
export function refuseStale(
  fs: FileSystem,
  file: OpenFile,
  node: FileNode,
  from: number,
  until: number,
  syscall: string,
): void {
  if (!fs.isFencing) return;
  if (isStale(fs, file, node, from, until)) {
    fs.count('write-fenced-by-successor');
    throw diskError('EIO', syscall, file.path);
  }
  if (!file.owner.hasLostLock) node.successorRanges.push({ processId: file.owner.id, from, until });
}

/** Whether a process that lost its lock would write where a successor has written. */
export function isStale(
  fs: FileSystem,
  file: OpenFile,
  node: FileNode,
  from: number,
  until: number,
): boolean {
  if (!fs.isFencing || !file.owner.hasLostLock) return false;
  return node.successorRanges.some((range) => range.from < until && from < range.until);
}
