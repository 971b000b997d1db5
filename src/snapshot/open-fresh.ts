import { changeFailed, type NextStep } from '../disk/disk-failure.js';
import { systemCode, type Disk, type DiskFile } from '../disk/index.js';
import { KeelsonError } from '../errors/index.js';

/**
 * A new, empty inode, never one that is there already: after a crash inside a rename both names may stand
 * for one inode, and a leftover that was emptied and filled again would be a published snapshot.
 */
export async function openFresh(
  disk: Disk,
  path: string,
  unlink: (path: string) => Promise<void>,
  next: NextStep,
): Promise<DiskFile> {
  const options = { access: 'write', create: 'exclusive' } as const;
  try {
    try {
      return await disk.open(path, options);
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      await unlink(path);
      return await disk.open(path, options);
    }
  } catch (error) {
    if (error instanceof KeelsonError) throw error;
    throw changeFailed('a snapshot', { path }, error, next);
  }
}
