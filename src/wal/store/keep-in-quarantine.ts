import { basename, dirname, join } from 'node:path';
import { changeFailed } from '../../disk/disk-failure.js';
import type { Disk, DiskFile } from '../../disk/port.js';
import { makeFolder } from '../../disk/set-aside.js';
import { systemCode } from '../../disk/system-error.js';
import { writeFully } from '../../disk/write-fully.js';
import { closeFile } from '../../disk/close-file.js';
import { readAt } from '../segment/read-segment.js';
import { syncNames } from './store-directory.js';

const COPY_BYTES = 1024 * 1024;
const NEXT = 'The store is as it was. Check the disk, then repair again.';

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
      kept.push(await copy(disk, path, await freePath(disk, folder, basename(path))));
    }
    await write(disk, await freePath(disk, folder, 'why.txt'), new TextEncoder().encode(note));
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

async function copy(disk: Disk, path: string, to: string): Promise<string> {
  const from = await disk.open(path, { access: 'read' });
  try {
    await fill(disk, to, async (into) => {
      for (let at = 0; ;) {
        const bytes = await readAt(from, at, COPY_BYTES);
        if (bytes.length === 0) return;
        await writeFully(into, bytes, at);
        at += bytes.length;
      }
    });
  } finally {
    await closeFile(from);
  }
  return to;
}

function write(disk: Disk, to: string, bytes: Uint8Array): Promise<void> {
  return fill(disk, to, async (into) => writeFully(into, bytes, 0));
}

async function fill(disk: Disk, to: string, put: (into: DiskFile) => Promise<void>): Promise<void> {
  const into = await disk.open(to, { access: 'write', create: 'exclusive' });
  try {
    await put(into);
    await into.dataSync();
  } catch (error) {
    // Half a copy would only mislead. If it cannot be removed, the next one gets a number behind its name.
    await Promise.resolve(disk.unlink(to)).catch(() => undefined);
    throw error;
  } finally {
    await closeFile(into);
  }
}
