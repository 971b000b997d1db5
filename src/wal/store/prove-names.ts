import type { Disk } from '../../disk/port.js';
import { segmentAsideName, segmentName } from '../../format/names.js';
import { renewName, syncNames } from '../../disk/durable-names.js';
import { listStore, type StoreListing, type StorePaths } from './store-directory.js';

/**
 * R10: makes the names that an open is about to read durable, since they may live only in the page cache (A7). Segments
 * above the range have no witness yet that theirs ever were: they are renewed.
 */
export async function proveNames(
  disk: Disk,
  paths: StorePaths,
  listing: StoreListing,
  newestSegment: number,
): Promise<void> {
  await renewSegments(disk, paths, numbersAbove(newestSegment, listing));
  try {
    await syncNames(disk, paths.dir);
    if (listing.isWalDirThere) await syncNames(disk, paths.walDir);
  } catch (error) {
    await renewAfterFailedSync(disk, paths, newestSegment);
    throw error;
  }
}

/**
 * The same for segments that came since: a writer that lost its lock may rotate while its successor opens (D11), and
 * where its own sync then failed, no later OK proves the name (D5).
 */
export async function proveLateNames(
  disk: Disk,
  paths: StorePaths,
  numbers: readonly number[],
): Promise<void> {
  if (numbers.length === 0) return;
  await renewSegments(disk, paths, numbers);
  await syncNames(disk, paths.walDir);
}

/**
 * A sync that failed here may have been the one that a writer which lost its lock needed: it has just rotated, its own
 * sync then says OK, and it names the segment in the superblock. Made again, the name is there for the next sync to make
 * durable, whoever's it is.
 */
async function renewAfterFailedSync(disk: Disk, paths: StorePaths, newestSegment: number): Promise<void> {
  try {
    await renewSegments(disk, paths, numbersAbove(newestSegment, await listStore(disk, paths)));
  } catch {
    // The failed sync is what there is to tell; the next open puts back what is away from its name.
  }
}

function numbersAbove(newestSegment: number, { segments }: StoreListing): number[] {
  return [...segments].filter((number) => number > newestSegment);
}

async function renewSegments(disk: Disk, { walDir }: StorePaths, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await renewName(disk, walDir, segmentName(number), segmentAsideName(number));
}
