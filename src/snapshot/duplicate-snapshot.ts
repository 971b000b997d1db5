import { join } from 'node:path';
import { copyFile } from '../disk/copy-file.js';
import { changeFailed } from '../disk/disk-failure.js';
import { systemCode, type Disk } from '../disk/index.js';
import {
  closeQuietly,
  namedSnapshotOf,
  notThere,
  openJudged,
  type JudgedSnapshotFile,
} from './snapshot-file-reader.js';
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
 * again, or as a copy that shares its blocks, or where neither is to be had as a copy, read back and verified. Closes the
 * file. Resolved: its bytes are durable there, its name is not. Returns its path.
 */
export async function duplicateSnapshot(
  disk: Disk,
  judged: JudgedSnapshotFile,
  toDirectory: string,
): Promise<string> {
  const { ref } = namedSnapshotOf(judged);
  const { path: from } = judged.file;
  const to = join(toDirectory, publishedName(ref.index, ref.term));
  try {
    if (await isLinked(disk, from, to)) return to;
    await copyFile(disk, from, to);
  } catch (error) {
    // Its writer let it go since it was opened.
    if (systemCode(error) === 'ENOENT' && (await isGone(disk, from))) throw notThere(from, ref, error);
    throw changeFailed('a copy of a snapshot', { path: to }, error, AGAIN);
  } finally {
    await closeQuietly(judged.file);
  }
  await verify(await openJudged(disk, to, judged.header.lineage, ref));
  return to;
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

async function verify(judged: JudgedSnapshotFile): Promise<void> {
  try {
    const chunks = verifiedChunks(judged);
    while ((await chunks.next()).done !== true);
  } finally {
    await closeQuietly(judged.file);
  }
}
