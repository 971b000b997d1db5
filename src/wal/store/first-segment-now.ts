import { using } from '../../disk/close-file.js';
import type { Disk } from '../../disk/port.js';
import { openToRead } from '../../disk/told-calls.js';
import type { StorePaths } from './store-directory.js';
import { newestSlot, readSlots } from './superblock-file.js';

/**
 * R10: the number of the first segment that the store has now, by its superblock; 0 where no slot is whole, or none is there. A log that
 * only reads stands still while its writer goes on, and asks this before it takes a failed read for damage: the
 * superblock stops naming a segment before its file goes or is used again.
 */
export async function firstSegmentNow(disk: Disk, paths: StorePaths): Promise<number> {
  const file = await openToRead(disk, paths.superblock, 'the superblock');
  // A checkpoint has none, and nobody drops its segments.
  if (file === null) return 0;
  return newestSlot((await using(file, readSlots)).slots)?.firstSegment ?? 0;
}
