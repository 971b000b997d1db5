import { basename, dirname, join } from 'node:path';
import { copyFile, fillNew } from '../../disk/copy-file.js';
import { changeFailed } from '../../disk/disk-failure.js';
import type { Disk } from '../../disk/port.js';
import { makeFolder } from '../../disk/set-aside.js';
import { systemCode } from '../../disk/system-error.js';
import { writeFully } from '../../disk/write-fully.js';
import { QUARANTINE_DIRECTORY_NAME } from '../../format/names.js';
import { using } from '../../disk/close-file.js';
import { removeName, syncNames } from '../../disk/durable-names.js';
import { makeDirectory } from './store-directory.js';

/** Copies of torn tails that are kept; older ones go, so that a crash loop cannot fill the disk (R4). */
const TAIL_COPIES_KEPT = 8;
const TAIL_COPY = /^tail-\d{16}-\d{16}-\d+\.(bin|txt)$/;

/** What is set aside, and why. */
export interface TailCopy {
  readonly dir: string;
  readonly epoch: number;
  readonly segment: number;
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly reason: string;
}

/**
 * Copies the bytes of a torn tail to `quarantine/`, with a note of why, before they are zeroed. Returns the
 * paths; none if there was no room: the copy helps an operator, nothing relies on it.
 */
export async function quarantineTail(disk: Disk, copy: TailCopy): Promise<readonly string[]> {
  const folder = join(copy.dir, QUARANTINE_DIRECTORY_NAME);
  const digits = (value: number): string => String(value).padStart(16, '0');
  const stem = `tail-${digits(copy.epoch)}-${digits(copy.segment)}-${copy.offset}`;
  const note = `${copy.bytes.length} bytes cut from segment ${copy.segment} at byte ${copy.offset}: ${copy.reason}.\n`;
  try {
    await makeDirectory(disk, folder);
    const paths = [join(folder, `${stem}.bin`), join(folder, `${stem}.txt`)] as const;
    await writeCopy(disk, paths[0], copy.bytes);
    await writeCopy(disk, paths[1], new TextEncoder().encode(note));
    await dropOldCopies(disk, folder);
    await syncNames(disk, folder);
    return paths;
  } catch {
    return [];
  }
}

/** Writes a file of its own, durably but for its name; what was under that name is replaced. */
export async function writeCopy(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  await using(await disk.open(path, { access: 'write', create: 'if-missing' }), async (file) => {
    await writeFully(file, bytes, 0);
    await file.truncate(bytes.length);
    await file.dataSync();
  });
}

/** Only copies of tails are ever dropped: whatever else is in quarantine stays (R4). */
async function dropOldCopies(disk: Disk, folder: string): Promise<void> {
  const names = (await disk.readdir(folder))
    .map((entry) => entry.name)
    .filter((name) => TAIL_COPY.test(name));
  const stems = [...new Set(names.map((name) => name.slice(0, -4)))].sort();
  const old = new Set(stems.slice(0, Math.max(0, stems.length - TAIL_COPIES_KEPT)));
  for (const name of names) if (old.has(name.slice(0, -4))) await removeName(disk, join(folder, name));
}

const REPAIR_AGAIN = { fate: 'The store is as it was.', then: 'repair again' };

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
    throw changeFailed('the quarantine', { path: folder }, error, REPAIR_AGAIN);
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
