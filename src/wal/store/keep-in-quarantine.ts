import { basename, dirname, join } from 'node:path';
import { copyFile, fillNew } from '../../disk/copy-file.js';
import { changeFailed } from '../../disk/disk-failure.js';
import { syncNames } from '../../disk/durable-names.js';
import type { Disk } from '../../disk/port.js';
import { makeFolder } from '../../disk/set-aside.js';
import { systemCode } from '../../disk/system-error.js';
import { writeFully } from '../../disk/write-fully.js';

const NEXT = { fate: 'The store is as it was.', then: 'repair again' };

/**
 * Copies files that are about to be written over into `folder`, whole, and writes `note` beside them as `why.txt`. What
 * stands there already, from a try that was stopped, is left: the new copies get a number behind their names. Resolved:
 * files and names are durable. Returns the paths there; a file that is missing or empty has none.
 *
 * Errors: `KEELSON_NO_SPACE`, `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`, `KEELSON_READ_FAILED`.
 *
 * @param folder in the quarantine, which is made if it is missing
 */
export async function keepInQuarantine(
  disk: Disk,
  folder: string,
  paths: readonly string[],
  note: string,
): Promise<readonly string[]> {
  const kept: string[] = [];
  try {
    await makeFolder(disk, dirname(folder));
    await makeFolder(disk, folder);
    for (const path of paths) {
      if (((await disk.stat(path))?.size ?? 0) === 0) continue;
      const to = await freePath(disk, folder, basename(path));
      await copyFile(disk, path, to);
      kept.push(to);
    }
    const why = await freePath(disk, folder, 'why.txt');
    await fillNew(disk, why, async (into) => writeFully(into, new TextEncoder().encode(note), 0));
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    throw changeFailed('the quarantine', { path: folder }, error, NEXT);
  }
  await syncNames(disk, folder);
  return kept;
}

async function freePath(disk: Disk, folder: string, name: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const path = join(folder, count === 1 ? name : `${name}.${String(count)}`);
    if ((await disk.stat(path)) === null) return path;
  }
}
