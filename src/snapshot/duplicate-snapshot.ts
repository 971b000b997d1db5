import { using } from '../disk/close-file.js';
import { join } from 'node:path';
import { copyFile } from '../disk/copy-file.js';
import { changeFailed } from '../disk/disk-failure.js';
import { systemCode, type Disk } from '../disk/index.js';
import { namedSnapshotOf, notThere, openJudged, type JudgedSnapshotFile } from './snapshot-file-reader.js';
import { publishedName } from './snapshot-name.js';
import { verifiedChunks } from './verified-chunks.js';

/** What a file system answers that cannot give a file a second name there, nor share its blocks. */
const NOT_LINKED: ReadonlySet<string | undefined> = new Set([
  'EXDEV',
  'ENOTSUP',
  'EPERM',
  'EMLINK',
  'ENOSYS',
]);

const AGAIN = { fate: 'The snapshot itself is as it was.', then: 'make the copy again' };

/**
 * Brings a snapshot into another directory, under its published name: as a second name of its file, which is never written
 * again, or as a copy that shares its blocks, or where neither is to be had as a copy. All of it is read and held against its
 * checksums, so that one that has rotted is told now, and not when the copy is needed. Closes the file. Resolved: its bytes
 * are durable there, its name is not. Returns its path.
 */
export async function duplicateSnapshot(
  disk: Disk,
  judged: JudgedSnapshotFile,
  toDirectory: string,
): Promise<string> {
  const { ref } = namedSnapshotOf(judged);
  const to = join(toDirectory, publishedName(ref.index, ref.term));
  return using(judged.file, async () => {
    if (await bring(disk, judged, to)) await readThrough(judged);
    else {
      const copy = await openJudged(disk, to, judged.header.lineage, ref);
      await using(copy.file, () => readThrough(copy));
    }
    return to;
  });
}

/** True if it is the same file. */
async function bring(disk: Disk, judged: JudgedSnapshotFile, to: string): Promise<boolean> {
  const { path: from } = judged.file;
  try {
    if (await isLinked(disk, from, to)) return true;
    await copyFile(disk, from, to);
    return false;
  } catch (error) {
    // Its writer let it go since it was opened.
    if (systemCode(error) === 'ENOENT' && (await isGone(disk, from)))
      throw notThere(from, namedSnapshotOf(judged).ref, error);
    throw changeFailed('a copy of a snapshot', { path: to }, error, AGAIN);
  }
}

async function isLinked(disk: Disk, from: string, to: string): Promise<boolean> {
  try {
    await disk.link(from, to);
    return true;
  } catch (error) {
    if (NOT_LINKED.has(systemCode(error))) return false;
    throw error;
  }
}

/** False also where nobody can say: the failure that is told then is the one that was met. */
async function isGone(disk: Disk, path: string): Promise<boolean> {
  try {
    return (await disk.stat(path)) === null;
  } catch {
    return false;
  }
}

async function readThrough(judged: JudgedSnapshotFile): Promise<void> {
  const chunks = verifiedChunks(judged);
  while ((await chunks.next()).done !== true);
}
