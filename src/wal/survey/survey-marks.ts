import { join } from 'node:path';
import { readFailed } from '../../disk/disk-failure.js';
import type { Disk, DiskFile } from '../../disk/port.js';
import { readFully } from '../../disk/read-fully.js';
import { systemCode } from '../../disk/system-error.js';
import { decodeEndMark, END_MARK_BLOCK_BYTES, END_MARK_BYTES, type EndMark } from '../../format/end-mark.js';
import { sameBytes } from '../../format/identity.js';
import { MARKS_NAME } from '../../format/names.js';
import { SUPERBLOCK_BYTES, type Superblock, type SuperblockVerdict } from '../../format/superblock.js';
import { closeFile } from '../../disk/close-file.js';
import { ASIDE, type StorePaths } from '../store/store-directory.js';
import { newestSlot, readSlots, superblockPath } from '../store/superblock-file.js';
import { newerFormat } from './survey-header.js';

/** Both slots of the superblock, as they were found. */
export interface SurveyedSlots {
  readonly path: string;
  /** Null: the file is not there. */
  readonly bytes: Uint8Array | null;
  readonly slots: readonly SuperblockVerdict[];
  /** The newest whole one. */
  readonly superblock: Superblock | null;
}

/** Reads the superblock; where it is away from its name for a moment (R10), from there. */
export async function surveySlots(disk: Disk, { dir }: StorePaths): Promise<SurveyedSlots> {
  const path = superblockPath(dir);
  const file = (await openIfThere(disk, path)) ?? (await openIfThere(disk, path + ASIDE));
  if (file === null) return { path, bytes: null, slots: [], superblock: null };
  try {
    const { bytes, slots } = await readSlots(file);
    const superblock = newestSlot(slots);
    const other = slots.find((slot) => slot.kind === 'other-version');
    if (other?.kind === 'other-version') throw newerFormat(path, other.version);
    return { path, bytes: bytes.subarray(0, SUPERBLOCK_BYTES), slots, superblock };
  } finally {
    await closeFile(file);
  }
}

/** The file of end marks. `'bad'`: bytes stand in it, and none of them is a mark of this store. */
export interface SurveyedMarks {
  readonly path: string;
  readonly state: 'whole' | 'blank' | 'missing' | 'bad';
  readonly mark: EndMark | null;
}

/** Reads the end marks; a store id that nobody knows is not compared. */
export async function surveyMarks(
  disk: Disk,
  { dir }: Pick<StorePaths, 'dir'>,
  storeId: Uint8Array | null,
): Promise<SurveyedMarks> {
  const path = join(dir, MARKS_NAME);
  const file = await openIfThere(disk, path);
  if (file === null) return { path, state: 'missing', mark: null };
  const bytes = new Uint8Array(END_MARK_BLOCK_BYTES + END_MARK_BYTES);
  try {
    await readFully(file, bytes, 0);
  } catch (error) {
    throw readFailed('the end marks', { path }, error);
  } finally {
    await closeFile(file);
  }
  let mark: EndMark | null = null;
  for (const from of [0, END_MARK_BLOCK_BYTES]) {
    const found = decodeEndMark(bytes.subarray(from, from + END_MARK_BYTES));
    if (found === null || (storeId !== null && !sameBytes(found.storeId, storeId))) continue;
    // Of two of one LSN the younger also says that its epoch began (D11).
    const isNewer =
      mark === null || found.lsn > mark.lsn || (found.lsn === mark.lsn && found.epoch > mark.epoch);
    if (isNewer) mark = found;
  }
  if (mark !== null) return { path, state: 'whole', mark };
  return { path, state: bytes.every((byte) => byte === 0) ? 'blank' : 'bad', mark };
}

async function openIfThere(disk: Disk, path: string): Promise<DiskFile | null> {
  try {
    return await disk.open(path, { access: 'read' });
  } catch (error) {
    // A file where the directory should be is told by who lists it.
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return null;
    throw readFailed('a file of the store', { path }, error);
  }
}
