import { closeFile } from './close-file.js';
import { pacedPieces } from './paced-pieces.js';
import type { Disk, DiskFile } from './port.js';
import { readFully } from './read-fully.js';
import { writeFully } from './write-fully.js';

const COPY_BYTES = 1024 * 1024;

/** Copies a file to a new name, in bounded memory. Resolved: its bytes are durable, its name is not. */
export async function copyFile(disk: Disk, path: string, to: string): Promise<void> {
  const from = await disk.open(path, { access: 'read' });
  try {
    await fillNew(disk, to, async (into) => {
      const bytes = new Uint8Array(COPY_BYTES);
      for (let at = 0; ;) {
        const count = await readFully(from, bytes, at);
        if (count === 0) return;
        for (const paced of pacedPieces(bytes.subarray(0, count), at)) {
          if (paced.at > 0) await into.dataSync();
          await writeFully(into, paced.piece, paced.at);
        }
        at += count;
      }
    });
  } finally {
    await closeFile(from);
  }
}

/** Makes a file that must not be there yet. Resolved: its bytes are durable, its name is not; half a file is removed. */
export async function fillNew(
  disk: Disk,
  path: string,
  fill: (into: DiskFile) => Promise<void>,
): Promise<void> {
  const into = await disk.open(path, { access: 'write', create: 'exclusive' });
  try {
    await fill(into);
    await into.dataSync();
  } catch (error) {
    // Half a copy would only mislead. If it cannot be removed, the next one gets a number behind its name.
    await Promise.resolve(disk.unlink(path)).catch(() => undefined);
    throw error;
  } finally {
    await closeFile(into);
  }
}
