import { join } from 'node:path';
import {
  changeFailed,
  overwriteFailed,
  readFailed,
  syncFailed,
  type DiskPlace,
  type NextStep,
} from './disk-failure.js';
import type { Awaitable, DirectoryEntry, Disk, DiskFile, FileStat } from './port.js';
import { systemCode } from './system-error.js';
import { writeFully } from './write-fully.js';

/** Calls of the disk whose failure is told: what it was of, where that stands, and what to do. */

/** What `read` resolves to. `KEELSON_READ_FAILED`, whatever it meets: nobody takes that for damage (R9). */
export async function reading<T>(what: string, place: DiskPlace, read: () => Awaitable<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw readFailed(what, place, error);
  }
}

/** What `change` resolves to. `KEELSON_NO_SPACE`, `KEELSON_WRITE_FAILED` */
export async function changing<T>(
  what: string,
  place: DiskPlace,
  next: NextStep,
  change: () => Awaitable<T>,
): Promise<T> {
  try {
    return await change();
  } catch (error) {
    throw changeFailed(what, place, error, next);
  }
}

/** Opens a file for reading; null if none is there, nor a directory for it. `KEELSON_READ_FAILED` */
export async function openToRead(disk: Disk, path: string, what: string): Promise<DiskFile | null> {
  try {
    return await disk.open(path, { access: 'read' });
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null;
    throw readFailed(what, { path }, error);
  }
}

/** What stands under a path; null if nothing does. `KEELSON_READ_FAILED` */
export function statOf(disk: Disk, path: string, what: string): Promise<FileStat | null> {
  return reading(what, { path }, () => disk.stat(path));
}

/**
 * What a directory holds; null if it is not there. `KEELSON_READ_FAILED`
 *
 * @param notOne - what to say where a file stands in its place, if that has words of its own
 */
export async function entriesIn(
  disk: Disk,
  path: string,
  notOne?: () => Error,
): Promise<readonly DirectoryEntry[] | null> {
  try {
    return await disk.readdir(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    if (systemCode(error) === 'ENOTDIR' && notOne !== undefined) throw notOne();
    throw readFailed('a directory', { path }, error);
  }
}

/**
 * All files of a directory and those in it; none if it is not there. `KEELSON_READ_FAILED`
 *
 * @param but - name of directories that are not looked into
 */
export async function filesBelow(
  disk: Disk,
  dir: string,
  but?: string,
): Promise<readonly { readonly path: string; readonly name: string }[]> {
  const found = [];
  for (const { name, kind } of (await entriesIn(disk, dir)) ?? []) {
    if (name === but) continue;
    const path = join(dir, name);
    if (kind !== 'directory') found.push({ path, name });
    else for (const file of await filesBelow(disk, path, but)) found.push(file);
  }
  return found;
}

/** Writes over what stands there. `KEELSON_NO_SPACE`: the old bytes stand; `KEELSON_WRITE_FAILED` */
export async function writeOver(
  file: DiskFile,
  bytes: Uint8Array,
  offset: number,
  what: string,
  next: NextStep,
): Promise<void> {
  try {
    await writeFully(file, bytes, offset);
  } catch (error) {
    throw overwriteFailed(what, { path: file.path, offset }, error, next);
  }
}

/** Makes durable what was written. `KEELSON_SYNC_FAILED` */
export async function syncData(file: DiskFile, what: string, next: NextStep, offset?: number): Promise<void> {
  try {
    await file.dataSync();
  } catch (error) {
    throw syncFailed(what, { path: file.path, ...(offset === undefined ? {} : { offset }) }, error, next);
  }
}
