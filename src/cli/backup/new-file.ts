import { dirname, resolve } from 'node:path';
import { closeFile } from '../../disk/close-file.js';
import { changeFailed, readFailed, syncFailed } from '../../disk/disk-failure.js';
import { syncNames } from '../../disk/durable-names.js';
import { systemCode, type Disk } from '../../disk/index.js';
import { writeFully } from '../../disk/write-fully.js';
import { UsageError } from '../exit.js';

const NEXT = { fate: 'What was written of it is gone.', then: 'try again' };

/** Takes the next bytes; to be waited for. */
export type Put = (bytes: Uint8Array) => Promise<void>;

/**
 * Writes a file that is whole and durable once it has its name: until then it stands under another, `unfinished`, which is
 * what a crash leaves. Nothing is overwritten.
 */
export async function writeNewFile(
  disk: Disk,
  to: string,
  write: (put: Put) => Promise<void>,
): Promise<void> {
  const path = resolve(to);
  const draft = `${path}.unfinished-${process.pid}`;
  if (await isThere(disk, path))
    throw new UsageError(`${to} is there already; nothing is overwritten.`, 'backup');
  let made = draft;
  try {
    await writeDraft(disk, draft, write);
    await disk.rename(draft, path);
    made = path;
    await syncNames(disk, dirname(path));
  } catch (error) {
    await removed(disk, made);
    if (systemCode(error) === undefined) throw error;
    throw changeFailed('the backup', { path: to }, error, NEXT);
  }
}

async function isThere(disk: Disk, path: string): Promise<boolean> {
  try {
    return (await disk.stat(path)) !== null;
  } catch (error) {
    throw readFailed('a file', { path }, error);
  }
}

/** Durably, as far as the disk lets it: where a sync of its name failed, a power cut would bring it back. */
async function removed(disk: Disk, path: string): Promise<void> {
  try {
    await disk.unlink(path);
    await disk.syncDirectory(dirname(path));
  } catch {
    // It is not there, or stays: what went wrong is told.
  }
}

async function writeDraft(disk: Disk, draft: string, write: (put: Put) => Promise<void>): Promise<void> {
  const file = await disk.open(draft, { access: 'write', create: 'exclusive' });
  try {
    let at = 0;
    await write(async (bytes) => {
      await writeFully(file, bytes, at);
      at += bytes.length;
    });
    try {
      await file.dataSync();
    } catch (error) {
      throw syncFailed('the backup', { path: draft }, error, NEXT);
    }
  } finally {
    await closeFile(file);
  }
}
