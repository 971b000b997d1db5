import { join } from 'node:path';
import type { Disk, DiskFile } from '../../disk/port.js';
import { writeFully } from '../../disk/write-fully.js';
import { QUARANTINE_DIRECTORY_NAME } from '../../format/names.js';
import { closeFile } from '../../disk/close-file.js';
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
  const file: DiskFile = await disk.open(path, { access: 'write', create: 'if-missing' });
  try {
    await writeFully(file, bytes, 0);
    await file.truncate(bytes.length);
    await file.dataSync();
  } finally {
    await closeFile(file);
  }
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
