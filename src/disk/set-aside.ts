import { basename, dirname, join } from 'node:path';
import { copyFile, fillNew } from './copy-file.js';
import { isNoSpace, writeFailed } from './disk-failure.js';
import { ASIDE, renewDirectory, syncNames } from './durable-names.js';
import type { Disk } from './port.js';
import { systemCode } from './system-error.js';
import { writeFully } from './write-fully.js';

const NEXT = { fate: 'Nothing that was acknowledged is lost.', then: 'open again' };

/** What is set aside, where to, and why. */
export interface AsideRequest {
  readonly disk: Disk;
  readonly path: string;
  /** The directory that takes it; made if it is missing, its parent must be there. */
  readonly folder: string;
  /** Whole sentences, for the person who finds the file. */
  readonly note: string;
}

/**
 * Moves a file into a directory of things set aside, under its own name, with a note of why beside it (`.txt`).
 * Nothing that is there already is replaced: a second file of a name gets a number behind it. Resolved: file and
 * name are durable there; returns the path. A crash leaves it at one of the two places, and another call ends it.
 *
 * Null if there is no room: the file stays where it is. Errors: `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`.
 */
export async function setAside({ disk, path, folder, note }: AsideRequest): Promise<string | null> {
  const failed = (error: unknown): Error => writeFailed('the quarantine', { path: folder }, error, NEXT);
  try {
    await makeFolder(disk, folder);
    const { to, isMoved } = await freePlace(disk, path, folder);
    await writeNote(disk, `${to}.txt`, note);
    // The note is there whenever the file is, whatever stops us between.
    await syncNames(disk, folder);
    // A crash inside a rename may leave both names, which rename would then leave alone.
    if (isMoved) await disk.unlink(path);
    else await move(disk, path, to);
    if (isMoved) await syncNames(disk, folder);
    await syncNames(disk, dirname(path));
    return to;
  } catch (error) {
    if (isNoSpace(error)) return null;
    throw systemCode(error) === undefined ? error : failed(error);
  }
}

/**
 * The directory, under a durable name. One that is there may live only in the page cache, and after a failed sync an OK
 * proves nothing (D5), so it is named again: what is moved there has no other name any more.
 */
export async function makeFolder(disk: Disk, folder: string): Promise<void> {
  if ((await disk.stat(folder)) !== null) await renewDirectory(disk, folder);
  else if ((await disk.stat(folder + ASIDE)) !== null) await disk.rename(folder + ASIDE, folder);
  else await disk.mkdir(folder);
  await syncNames(disk, dirname(folder));
}

/** Gives the file its new name, durably, before it loses the old one. */
async function move(disk: Disk, path: string, to: string): Promise<void> {
  try {
    await disk.rename(path, to);
    await syncNames(disk, dirname(to));
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error;
    // The folder is a file system of its own.
    await copyFile(disk, path, to);
    await syncNames(disk, dirname(to));
    await disk.unlink(path);
  }
}

/** The first name that is free, or that is a second name of the very file. */
async function freePlace(
  disk: Disk,
  path: string,
  folder: string,
): Promise<{ readonly to: string; readonly isMoved: boolean }> {
  const id = (await disk.stat(path))?.id;
  for (let count = 1; ; count += 1) {
    const to = join(folder, count === 1 ? basename(path) : `${basename(path)}.${String(count)}`);
    const there = await disk.stat(to);
    if (there === null) return { to, isMoved: false };
    if (there.id === id) return { to, isMoved: true };
  }
}

/** The note helps a person, nothing relies on it: a full disk does without. */
async function writeNote(disk: Disk, path: string, note: string): Promise<void> {
  try {
    // A new name, since that of an earlier try may have failed to become durable.
    if ((await disk.stat(path)) !== null) await disk.unlink(path);
    await fillNew(disk, path, async (file) => writeFully(file, new TextEncoder().encode(note), 0));
  } catch (error) {
    if (!isNoSpace(error)) throw error;
  }
}
