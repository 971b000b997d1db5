import { close, fsync, open } from 'node:fs';
import { promisify } from 'node:util';
import { systemCode } from './system-error.js';

const openAsync = promisify(open);
const fsyncAsync = promisify(fsync);
const closeAsync = promisify(close);

/** What Windows answers when a directory is opened as a file, or its handle flushed. */
const WINDOWS_REFUSALS: ReadonlySet<string | undefined> = new Set(['EPERM', 'EISDIR', 'EACCES']);

/**
 * Makes the names of a directory durable (A4).
 *
 * - Linux: fsync of a descriptor of the directory.
 * - macOS: the same call, which libuv turns into `F_FULLFSYNC` (A3).
 * - Windows: a directory cannot be flushed; the attempt is refused, and there, and only there, the refusal
 *   is taken for an answer. NTFS keeps its names in a journal, in order, but promises no moment at which they
 *   are durable; docs/design.md says so (A4).
 */
export async function syncNodeDirectory(path: string, platform: string = process.platform): Promise<void> {
  try {
    const fd = await openAsync(path, 'r');
    try {
      await fsyncAsync(fd);
    } finally {
      await closeAsync(fd);
    }
  } catch (error) {
    if (platform === 'win32' && WINDOWS_REFUSALS.has(systemCode(error))) return;
    throw error;
  }
}
