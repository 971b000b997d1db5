import { decodeEndMark, encodeEndMark, END_MARK_BLOCK_BYTES } from '../../src/format/end-mark.js';
import { decodeSuperblock, SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import type { OpBody } from '../plan/plan.js';
import type { Random } from '../world/random.js';
import type { Moment } from './moments.js';
import { SEPARATE_WAL_DIR } from './scene.js';

/** Puts some files of the store back to what they were, together; returns the paths of those that were others then. */
export function rollBack(
  disk: SimulatedDisk,
  dir: string,
  moment: Moment,
  { share, removes, stale, closes }: Extract<OpBody, { kind: 'rollback' }>,
  random: Random,
): ReadonlySet<string> {
  // Behind a clean end each of the two says by itself where the log ended.
  const left =
    closes === true && random.chance(0.6) ? random.pick([`${dir}/superblock`, `${dir}/marks`]) : null;
  const changed = new Set<string>();
  const paths = new Set([...moment.keys(), ...disk.list()].filter((path) => isOfStore(path, dir)));
  for (const path of [...paths].sort()) {
    if (path === left || (stale && path === `${dir}/marks`)) continue;
    if (left === null && !random.chance(share)) continue;
    const old = moment.get(path);
    const now = disk.readVolatile(path);
    if (old === undefined ? !removes : now !== null && Buffer.compare(old, now) === 0) continue;
    if (old === undefined) disk.remove(path);
    else {
      disk.makeDirectory(path.slice(0, path.lastIndexOf('/')));
      disk.writeFile(path, old);
    }
    changed.add(path);
  }
  if (stale) markStale(disk, dir);
  // Copies come back with holes, too, where zeros stood.
  if (random.chance(0.3))
    for (const path of changed) if (disk.readVolatile(path) !== null) disk.makeSparse(path);
  return changed;
}

function isOfStore(path: string, dir: string): boolean {
  const isInside = path.startsWith(`${dir}/`) || path.startsWith(`${SEPARATE_WAL_DIR}/`);
  if (!isInside || path.includes('/quarantine/') || path.includes('.aside')) return false;
  return (
    path === `${dir}/marks` || path === `${dir}/superblock` || path.endsWith('.wal') || path.endsWith('.snap')
  );
}

/**
 * Beside the newest end mark stands one of an earlier run that had come further, as where a directory went back as a whole,
 * lived on, and one block of the marks came back. It counts for nothing, and takes no witness away.
 */
function markStale(disk: SimulatedDisk, dir: string): void {
  const marks = blocksOf(disk, `${dir}/marks`, END_MARK_BLOCK_BYTES).map(decodeEndMark);
  const newest = marks.reduce((a, b) => ((b?.sequence ?? 0) > (a?.sequence ?? 0) ? b : a), null);
  const slots = blocksOf(disk, `${dir}/superblock`, SUPERBLOCK_SLOT_BYTES).map(decodeSuperblock);
  // Where the first run is the present one, its marks count.
  const isLater = slots.every((slot) => slot.kind === 'valid' && slot.superblock.fenceEpoch > 1);
  if (newest === null || !isLater) return;
  const { lsn, lastIndex } = newest;
  const old = { ...newest, epoch: 1, lsn: lsn + 500, lastIndex: lastIndex + 500, sequence: 1 };
  disk.overwrite(`${dir}/marks`, (1 - marks.indexOf(newest)) * END_MARK_BLOCK_BYTES, encodeEndMark(old));
}

/** Both blocks of a file that is written in two. */
export function blocksOf(disk: SimulatedDisk, path: string, blockBytes: number): Uint8Array[] {
  const bytes = disk.readVolatile(path) ?? new Uint8Array();
  return [0, blockBytes].map((from) => bytes.subarray(from, from + blockBytes));
}
