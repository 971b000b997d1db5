import type { Disk } from '../../disk/port.js';
import { openToRead } from '../../disk/told-calls.js';
import type { EndMark } from '../../format/end-mark.js';
import type { Superblock, SuperblockVerdict } from '../../format/superblock.js';
import { using } from '../../disk/close-file.js';
import { ASIDE } from '../../disk/durable-names.js';
import { findCheckpoint, superblockOf, type FoundCheckpoint } from '../copy/read-checkpoint.js';
import { newestMark, readMarks, type MarkedRun, type MarksFile } from '../store/marks-file.js';
import type { StorePaths } from '../store/store-directory.js';
import { newestSlot, readSlots } from '../store/superblock-file.js';
import { otherFormat } from '../report/incompatible-format.js';

/** Both slots of the superblock, as they were found. */
export interface SurveyedSlots {
  readonly path: string;
  /** Null: the file is not there. */
  readonly bytes: Uint8Array | null;
  readonly slots: readonly SuperblockVerdict[];
  /** The newest whole one; of a checkpoint, what it would say. */
  readonly superblock: Superblock | null;
  /** Null: it is a store. Else the file of all of this is the checkpoint's own. */
  readonly checkpoint: Omit<FoundCheckpoint, 'path' | 'bytes'> | null;
}

/** Reads the superblock; where it is away from its name for a moment (R10), from there. A checkpoint stands for one. */
export async function surveySlots(disk: Disk, paths: StorePaths): Promise<SurveyedSlots> {
  const { superblock: path, dir, isWalSeparate } = paths;
  const what = 'a file of the store';
  // A file where the directory should be is told by who lists it.
  const file = (await openToRead(disk, path, what)) ?? (await openToRead(disk, path + ASIDE, what));
  if (file === null) {
    const found = await findCheckpoint(disk, dir);
    if (found === null) return { path, bytes: null, slots: [], superblock: null, checkpoint: null };
    const superblock = found.file === null ? null : superblockOf(found.file, isWalSeparate);
    return { path: found.path, bytes: found.bytes, slots: [], superblock, checkpoint: found };
  }
  const { bytes, slots } = await using(file, readSlots);
  const other = slots.find((slot) => slot.kind === 'other-version');
  if (other?.kind === 'other-version') throw otherFormat(path, other.version);
  return { path, bytes, slots, superblock: newestSlot(slots), checkpoint: null };
}

/** The file of end marks. `'bad'`: bytes stand in it, and none of them is a mark of this store. */
export interface SurveyedMarks {
  readonly path: string;
  readonly state: MarksFile['state'];
  /** The newest that counts. */
  readonly mark: EndMark | null;
}

/** Reads the end marks, of which those count that an open would count (R1). */
export async function surveyMarks(
  disk: Disk,
  paths: StorePaths,
  { lineage, superblock }: MarkedRun,
): Promise<SurveyedMarks> {
  const found = await readMarks(disk, paths);
  const { path, state } = found;
  if (state !== 'whole') return { path, state, mark: null };
  // Another store's marks are as bad as none.
  const isOurs = newestMark(found, { lineage, superblock: null }) !== null;
  return { path, state: isOurs ? 'whole' : 'bad', mark: newestMark(found, { lineage, superblock }) };
}
