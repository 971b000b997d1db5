import type { Random } from '../../world/random.js';
import { forgetVolatileNames } from './failed-sync.js';
import type { FileNode } from '../image/file-node.js';
import type { FileSystem } from '../image/file-system.js';
import { PAGE_BYTES } from '../image/paged-image.js';

/**
 * The process dies and the kernel lives on: the page cache stays, pending changes stay pending. Clean pages
 * may be evicted, and where the platter never got what the cache held (after a failed sync), reads now show
 * the platter.
 */
export function killProcess(fs: FileSystem, random: Random): void {
  fs.count('process-killed');
  for (const node of fs.unsettled) if (node.mayDiffer) evictPages(fs, node, random);
  let evictedNames = false;
  for (const node of fs.nodes.values()) {
    if (node.kind !== 'directory' || !node.mayDiffer || !random.chance(0.5)) continue;
    forgetVolatileNames(fs, node);
    fs.count('name-evicted');
    evictedNames = true;
  }
  if (evictedNames) fs.recount();
}

/** Drops clean pages of the cache, each by itself; pages with pending changes cannot go. */
export function evictPages(fs: FileSystem, node: FileNode, random: Random): void {
  const share = random.pick([0, 0.5, 1]);
  const dirty = dirtyPages(node);
  fs.changing(node, () => {
    const until = Math.max(node.volatile.extentBytes, node.durable.extentBytes);
    for (let index = 0; index * PAGE_BYTES < until; index++) {
      if (dirty.has(index) || node.volatile.sharesPage(node.durable, index) || !random.chance(share))
        continue;
      node.volatile.takePage(node.durable, index);
      fs.count('page-evicted');
    }
    // The size belongs to the inode, which is read anew only when nothing of the file is pending.
    if (node.pending.length === 0 && random.chance(share)) node.volatile.size = node.durable.size;
    node.volatile.clearFrom(node.volatile.size);
  });
}

function dirtyPages(node: FileNode): Set<number> {
  const dirty = new Set<number>();
  for (const { position, bytes, clearedFrom } of node.pending) {
    const until = clearedFrom === null ? position + (bytes?.length ?? 0) : node.durable.extentBytes;
    for (let index = Math.floor(position / PAGE_BYTES); index * PAGE_BYTES < until; index++) dirty.add(index);
  }
  return dirty;
}
