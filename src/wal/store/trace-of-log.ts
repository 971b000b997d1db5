import { join } from 'node:path';
import type { Disk } from '../../disk/port.js';
import { entriesIn } from '../../disk/told-calls.js';
import { SNAPSHOTS_DIRECTORY_NAME, SUPERBLOCK_NAME } from '../../format/names.js';
import { using } from '../../disk/close-file.js';
import { openSegment, readSegmentHeader } from '../segment/read-segment.js';
import { holdsFrame } from '../segment/segment-walk.js';
import { readMarks } from './marks-file.js';
import type { StoreListing, StorePaths } from './store-directory.js';

/**
 * The first file that shows that a log was live here, or null: what tells a store that lost its superblock from
 * one that was never made (R7).
 */
export async function firstTrace(
  disk: Disk,
  paths: StorePaths,
  listing: StoreListing,
): Promise<string | null> {
  for (const number of listing.numbers) {
    const path = listing.segments.has(number) ? paths.segment(number) : paths.aside(number);
    if (await holdsFrames(disk, path)) return path;
  }
  // Where two files were exchanged, the only segment may stand under the superblock's name.
  if (listing.names?.has(SUPERBLOCK_NAME) === true && (await holdsFrames(disk, paths.superblock)))
    return paths.superblock;
  // The first end mark is written behind the first acknowledgement.
  const { path, state } = await readMarks(disk, paths);
  if (state === 'whole') return path;
  return firstSnapshot(disk, join(paths.dir, SNAPSHOTS_DIRECTORY_NAME));
}

async function firstSnapshot(disk: Disk, folder: string): Promise<string | null> {
  const snapshot = (await entriesIn(disk, folder))?.find(({ name }) => name.endsWith('.snap'));
  return snapshot === undefined ? null : join(folder, snapshot.name);
}

async function holdsFrames(disk: Disk, path: string): Promise<boolean> {
  return using(await openSegment(disk, path), async (file) => {
    const { verdict } = await readSegmentHeader(file);
    if (verdict.kind !== 'valid') return verdict.kind === 'other-version';
    return verdict.header.number > 1 || holdsFrame(file, verdict.header);
  });
}
