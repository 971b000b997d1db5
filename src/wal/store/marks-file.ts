import { using } from '../../disk/close-file.js';
import type { Disk } from '../../disk/port.js';
import { readFully } from '../../disk/read-fully.js';
import { openToRead, reading } from '../../disk/told-calls.js';
import { decodeEndMark, END_MARK_BLOCK_BYTES, END_MARK_BYTES, type EndMark } from '../../format/end-mark.js';
import { sameBytes } from '../../format/identity.js';
import type { Superblock } from '../../format/superblock.js';
import { fenceOf, isFenced } from '../segment/frame-run.js';
import type { StorePaths } from './store-directory.js';

/** The file of end marks as it was found: what stands in each of its two blocks, whether it counts or not. */
export interface MarksFile {
  readonly path: string;
  /** `'bad'`: bytes stand in it, and no block is whole. */
  readonly state: 'whole' | 'blank' | 'missing' | 'bad';
  /** By block; null where no whole mark stands. */
  readonly blocks: readonly (EndMark | null)[];
}

/** Reads both blocks: torn or missing ones are no damage (D12). `KEELSON_READ_FAILED` */
export async function readMarks(disk: Disk, { marks: path }: StorePaths): Promise<MarksFile> {
  // A file where the directory should be is told by who lists it.
  const file = await openToRead(disk, path, 'the end marks');
  if (file === null) return { path, state: 'missing', blocks: [] };
  const bytes = new Uint8Array(END_MARK_BLOCK_BYTES + END_MARK_BYTES);
  await reading('the end marks', { path }, () => using(file, () => readFully(file, bytes, 0, 'inline')));
  const blocks = [0, END_MARK_BLOCK_BYTES].map((from) =>
    decodeEndMark(bytes.subarray(from, from + END_MARK_BYTES)),
  );
  if (blocks.some((mark) => mark !== null)) return { path, state: 'whole', blocks };
  return { path, state: bytes.every((byte) => byte === 0) ? 'blank' : 'bad', blocks };
}

/** Whose marks count. What nobody knows, since no slot of the superblock is whole, is not compared. */
export interface MarkedRun {
  readonly lineage: Uint8Array | null;
  /** Where the present run of the log began (D11). */
  readonly superblock: Pick<Superblock, 'fenceEpoch' | 'fenceLsn'> | null;
}

/**
 * The highest mark of that store and of its present run; null if there is none. R1: what does not count is left out
 * before the highest is chosen, since a mark of an earlier run, with whatever LSN, would hide the one that counts.
 */
export function newestMark({ blocks }: MarksFile, { lineage, superblock }: MarkedRun): EndMark | null {
  let newest: EndMark | null = null;
  for (const mark of blocks) {
    if (mark === null || (lineage !== null && !sameBytes(mark.lineage, lineage))) continue;
    if (superblock !== null && isFenced(mark.epoch, mark.lsn, [fenceOf(superblock)])) continue;
    // Of two of one LSN the younger also says that its epoch began (D11).
    const isNewer =
      newest === null || mark.lsn > newest.lsn || (mark.lsn === newest.lsn && mark.epoch > newest.epoch);
    if (isNewer) newest = mark;
  }
  return newest;
}

/**
 * The sequence number behind which a writer goes on: the highest of both blocks, whether they count or not, and one
 * more where the next would be written over the newest mark that counts.
 */
export function lastSequence({ blocks }: MarksFile, counting: EndMark | null): number {
  let last = 0;
  for (const mark of blocks) last = Math.max(last, mark?.sequence ?? 0);
  const next = blocks[blockOf(last + 1)] ?? null;
  return next !== null && next === counting ? last + 1 : last;
}

/** Which block the mark of that sequence number is written to: they take turns. */
export function blockOf(sequence: number): 0 | 1 {
  return sequence % 2 === 0 ? 0 : 1;
}
