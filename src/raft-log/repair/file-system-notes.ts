import type { Disk } from '../../disk/port.js';

const COPIES_ON_WRITE =
  'the file system of the segments copies on write: an overwrite takes new room, so that a full disk may refuse votes and compaction too, and each save writes about 74 KB. Durability holds. On Btrfs, make the store in a directory with chattr +C.';

/** What holds less than promised on the file system of the segments. None where that cannot be told (A15). */
export async function fileSystemNotes(disk: Disk, walDir: string): Promise<readonly string[]> {
  try {
    const { copiesOnWrite } = await disk.statfs(walDir);
    return copiesOnWrite === true ? [COPIES_ON_WRITE] : [];
  } catch {
    return [];
  }
}
