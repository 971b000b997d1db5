import { isPromise, type Awaitable, type CallMode, type DiskFile } from './port.js';

/**
 * Gives a file back. A close that fails has closed all the same, and promises nothing: what the file held was
 * synced before, or nothing relies on it. So a failure here changes no outcome.
 */
export function closeFile(file: DiskFile, mode: CallMode = 'background'): Awaitable<void> {
  try {
    const closing = file.close(mode);
    if (isPromise(closing)) return closing.catch(() => undefined);
  } catch {
    // See above: there is nothing to do about it, and nothing to tell.
  }
}

/** What `use` makes of an open file, which stays open, unless that failed. */
export async function keeping<T>(file: DiskFile, use: (file: DiskFile) => Awaitable<T>): Promise<T> {
  try {
    return await use(file);
  } catch (error) {
    await closeFile(file);
    throw error;
  }
}

/** What `use` makes of an open file, which is closed then, whatever came of it. */
export async function using<T>(file: DiskFile, use: (file: DiskFile) => Awaitable<T>): Promise<T> {
  try {
    return await use(file);
  } finally {
    await closeFile(file);
  }
}
