import { join } from 'node:path';
import type { Disk, DiskFile } from '../../disk/port.js';
import { setAside } from '../../disk/set-aside.js';
import { isKeelsonError } from '../../errors/index.js';
import { identityText, sameBytes } from '../../format/identity.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import { using } from '../../disk/close-file.js';
import { holdsFrame } from '../segment/segment-walk.js';
import { headerAt, openSegment, readSegmentHeader } from '../segment/read-segment.js';
import { removeName } from '../../disk/durable-names.js';
import { type StoreListing, type StorePaths } from '../store/store-directory.js';

/**
 * D10, R6: deleting comes last. What is not live, and provably so, goes: spares, dropped segments, rotations that never
 * happened. All else is moved to quarantine: a file that is no segment of this format, since it holds what a migration or
 * a reset put aside, or what nobody can say; a segment of another store; one below a log that was begun anew, which a
 * repair gave up and was stopped before it could move; one above the end that was live once. Returns the paths there.
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
  for (const number of listing.segments) {
    if (numbers.has(number)) continue;
    const path = paths.segment(number);
    const reason =
      number < begunAt
        ? `It is of the log that was here before a repair, which began a new one with segment ${String(begunAt)}.`
        : await whyKept(disk, paths, number, live);
    await checkFence();
    if (reason === null) await removeName(disk, path);
    else for (const to of await moveAside(disk, paths, path, reason)) moved.push(to);
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
  const note = `${reason} The log does not need it; it was moved here from ${path}, so that nothing deletes it.\n`;
  const to = await setAside({ disk, path, folder: paths.quarantineOf(path), note });
  return to === null ? [] : [to];
}

/** Why it is not to be deleted; null if it is provably nothing that the log needs, or ever needed and has not dropped. */
async function whyKept(
  disk: Disk,
  paths: StorePaths,
  number: number,
  live: readonly SegmentHeader[],
): Promise<string | null> {
  try {
    return await using(await openSegment(disk, paths.segment(number)), async (file) => {
      const { verdict } = await readSegmentHeader(file);
      if (verdict.kind === 'other-version') return `It is a segment of format ${String(verdict.version)}.`;
      if (verdict.kind === 'invalid') return 'Its header is none of a segment of this format.';
      return whyKeptSegment(disk, paths, file, verdict.header, live);
    });
  } catch (error) {
    if (!isKeelsonError(error, 'KEELSON_READ_FAILED')) throw error;
    return `Its header could not be read: ${error.message}`;
  }
}

async function whyKeptSegment(
  disk: Disk,
  paths: StorePaths,
  file: DiskFile,
  header: SegmentHeader,
  live: readonly SegmentHeader[],
): Promise<string | null> {
  const first = live[0] as SegmentHeader;
  if (!sameBytes(header.lineage, first.lineage)) return `It is of lineage ${identityText(header.lineage)}.`;
  // A file that was used again may have come back under its old name too: that name may go, the file stays.
  const isLive = live.some(({ identity }) => sameBytes(identity, header.identity));
  if (isLive && (await file.stat()).id === (await disk.stat(paths.segment(header.number)))?.id) return null;
  // The superblock stopped naming it when nothing that it holds was needed any more.
  if (header.number < first.number) return null;
  // D6: a segment that was never named holds no frame.
  return (await holdsFrame(file, header))
    ? `It is segment ${String(header.number)}, which was live once, and does not join this log.`
    : null;
}

/** True if the file bears the header of a segment of that store, numbered `from` or above. */
export async function holdsSegmentOf(
  disk: Disk,
  path: string,
  lineage: Uint8Array,
  from: number,
): Promise<boolean> {
  const verdict = (await headerAt(disk, path))?.verdict;
  return (
    verdict?.kind === 'valid' && sameBytes(verdict.header.lineage, lineage) && verdict.header.number >= from
  );
}
