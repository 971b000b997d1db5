import { basename, dirname, join } from 'node:path';
import { changeFailed } from '../disk/disk-failure.js';
import type { Disk, DiskFile } from '../disk/port.js';
import { systemCode } from '../disk/system-error.js';
import { writeFully } from '../disk/write-fully.js';
import { closeFile } from './close-file.js';
import { readAt } from './read-segment.js';
import { makeDirectory, syncNames } from './store-directory.js';

/** Where the file system knows no second names, or no more of them: then the bytes are copied. */
const NO_LINKS: ReadonlySet<string | undefined> = new Set([
  'ENOTSUP',
  'EOPNOTSUPP',
  'EPERM',
  'EXDEV',
  'EMLINK',
  'ENOSYS',
]);
const COPY_BYTES = 1024 * 1024;
const NEXT = 'The store is as it was. Check the disk, then repair again.';

/**
 * Gives files a second name in `folder` (or copies them there), so that whatever later takes their first name away, a
 * crash and the next open included, takes no byte. Resolved: files and names there are durable; the first names stay.
 * Done again after a crash, it finds what is there already. Returns the paths there.
 *
 * @param folder made if it is missing, and so is its parent
 */
export async function keepInQuarantine(
  disk: Disk,
  folder: string,
  paths: readonly string[],
): Promise<readonly string[]> {
  await makeDirectory(disk, dirname(folder));
  await makeDirectory(disk, folder);
  const kept: string[] = [];
  for (const path of paths) {
    try {
      kept.push(await keep(disk, folder, path));
    } catch (error) {
      if (systemCode(error) === undefined) throw error;
      throw changeFailed('the quarantine', { path }, error, NEXT);
    }
  }
  await syncNames(disk, folder);
  await syncNames(disk, dirname(folder));
  await syncNames(disk, dirname(dirname(folder)));
  return kept;
}

async function keep(disk: Disk, folder: string, path: string): Promise<string> {
  const id = (await disk.stat(path))?.id;
  for (let count = 1; ; count += 1) {
    const to = join(folder, count === 1 ? basename(path) : `${basename(path)}.${count}`);
    const there = await disk.stat(to);
    if (there?.id === id) return to;
    if (there !== null) continue;
    try {
      await disk.link(path, to);
    } catch (error) {
      if (!NO_LINKS.has(systemCode(error))) throw error;
      await copy(disk, path, to);
    }
    return to;
  }
}

async function copy(disk: Disk, path: string, to: string): Promise<void> {
  const from = await disk.open(path, { access: 'read' });
  let into: DiskFile | null = null;
  try {
    into = await disk.open(to, { access: 'write', create: 'exclusive' });
    for (let at = 0; ;) {
      const bytes = await readAt(from, at, COPY_BYTES);
      if (bytes.length === 0) break;
      await writeFully(into, bytes, at);
      at += bytes.length;
    }
    await into.dataSync();
  } finally {
    await closeFile(from);
    if (into !== null) await closeFile(into);
  }
}
