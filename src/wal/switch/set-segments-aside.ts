import { join } from 'node:path';
import type { Disk } from '../../disk/port.js';
import { setAside } from '../../disk/set-aside.js';
import { isKeelsonError } from '../../errors/index.js';
import { sameBytes } from '../../format/identity.js';
import { QUARANTINE_DIRECTORY_NAME } from '../../format/names.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import { closeFile } from '../../disk/close-file.js';
import { segmentPath } from '../segment/live-segment.js';
import { openSegment, readSegmentHeader } from '../segment/read-segment.js';
import { removeName } from '../../disk/durable-names.js';
import { type StoreListing, type StorePaths } from '../store/store-directory.js';

/**
 * D10: deleting comes last. Whatever is not live goes: spares, dropped segments, rotations that never happened. A file
 * that is no segment of this format is another matter: it holds what a migration or a reset put aside, or what nobody
 * can say, and is moved to quarantine. So is a segment below a log that was begun anew: a repair gave it up, and was
 * stopped before it could move it. Returns the paths there.
 */
export async function removeLeftovers(
  disk: Disk,
  paths: StorePaths,
  listing: StoreListing,
  live: readonly SegmentHeader[],
  checkFence: () => Promise<void>,
): Promise<readonly string[]> {
  const moved: string[] = [];
  const numbers = new Set(live.map((header) => header.number));
  const begunAt = live.find((header) => header.chain === 0 && header.firstLsn > 1)?.number ?? 0;
  for (const number of listing.segments ?? []) {
    if (numbers.has(number)) continue;
    const path = segmentPath(paths.walDir, number);
    const reason =
      number < begunAt
        ? `It is of the log that was here before a repair, which began a new one with segment ${String(begunAt)}.`
        : await whyNone(disk, path);
    await checkFence();
    if (reason === null) await removeName(disk, path);
    else moved.push(...(await moveAside(disk, paths, path, reason)));
  }
  for (const name of listing.spares) await removeName(disk, join(paths.walDir, name));
  return moved;
}

async function moveAside(
  disk: Disk,
  paths: StorePaths,
  path: string,
  reason: string,
): Promise<readonly string[]> {
  // A file cannot be renamed from one file system to another, and the segments may have their own.
  const folder = join(paths.isWalSeparate ? paths.walDir : paths.dir, QUARANTINE_DIRECTORY_NAME);
  const note = `${reason} The log does not need it; it was moved here from ${path}, so that nothing deletes it.\n`;
  const to = await setAside({ disk, path, folder, note });
  return to === null ? [] : [to];
}

/** Why it is no segment of this format; null if it is one. */
async function whyNone(disk: Disk, path: string): Promise<string | null> {
  try {
    const file = await openSegment(disk, path);
    try {
      const { verdict } = await readSegmentHeader(file);
      if (verdict.kind === 'valid') return null;
      if (verdict.kind === 'other-version') return `It is a segment of format ${String(verdict.version)}.`;
      return 'Its header is none of a segment of this format.';
    } finally {
      await closeFile(file);
    }
  } catch (error) {
    if (!isKeelsonError(error, 'KEELSON_READ_FAILED')) throw error;
    return `Its header could not be read: ${error.message}`;
  }
}

/** True if the file bears the header of a segment of that store, numbered `from` or above. */
export async function holdsSegmentOf(
  disk: Disk,
  path: string,
  storeId: Uint8Array,
  from: number,
): Promise<boolean> {
  const file = await openSegment(disk, path);
  try {
    const { verdict } = await readSegmentHeader(file);
    return (
      verdict.kind === 'valid' && sameBytes(verdict.header.storeId, storeId) && verdict.header.number >= from
    );
  } finally {
    await closeFile(file);
  }
}
