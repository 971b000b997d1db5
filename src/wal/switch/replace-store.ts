import { join } from 'node:path';
import { writeFailed } from '../../disk/disk-failure.js';
import type { Disk, DiskFile } from '../../disk/port.js';
import { makeFolder } from '../../disk/set-aside.js';
import { systemCode } from '../../disk/system-error.js';
import { syncData } from '../../disk/told-calls.js';
import { writeFully } from '../../disk/write-fully.js';
import { KeelsonError } from '../../errors/index.js';
import { QUARANTINE_DIRECTORY_NAME } from '../../format/names.js';
import { SUPERBLOCK_SLOT_BYTES } from '../../format/superblock.js';
import type { OpenRequest } from '../open-request.js';
import { writeCopy } from '../store/quarantine.js';
import { headerAt } from '../segment/read-segment.js';
import { removeName, syncNames } from '../../disk/durable-names.js';
import { listStore, type StorePaths } from '../store/store-directory.js';
import { checkRoomAbove } from '../store/room-above.js';
import { readSlots, SuperblockFile } from '../store/superblock-file.js';
import { buildBeside } from './build-beside.js';
import type { OlderStore, OlderStores } from './older-stores.js';

const NEXT = { fate: 'The store is as it was, or already of the new format.', then: 'open again' };

/**
 * Puts a log of this format in the place of a store of an older one, whose superblock is locked: the new is written
 * beside the old, and one write of a slot switches. Until that is durable the old store is whole, and what was begun
 * means nothing to any release; from then on the new one counts, and the next step of open moves the old files aside.
 *
 * The old store is fenced in its own format before the last look at it, as every open does (D11).
 */
export async function replaceStore(
  request: OpenRequest,
  superblock: DiskFile,
  older: OlderStores,
): Promise<void> {
  const { environment, paths } = request;
  const { disk } = environment;
  // Names that are read may live only in the page cache (R10).
  await syncNames(disk, paths.dir);
  await syncNames(disk, paths.walDir);
  const found = recognised(older, paths, (await readSlots(superblock)).bytes);
  const { above } = await found.prepare();
  checkRoomAbove(superblock.path, { ...found, ...above });
  const epoch = found.epoch + 1;
  await stampOld(superblock, found, epoch);
  const { bytes } = await readSlots(superblock);
  const stamped = recognised(older, paths, bytes);
  const replacement = await stamped.prepare();
  await checkOldFence(superblock, bytes);
  await removeUnfinished(disk, paths);
  const built = await buildBeside(request, replacement, epoch);
  await keepOldSuperblock(disk, paths, stamped.version, bytes);
  const { generation } = stamped;
  await checkOldFence(superblock, bytes);
  // The switch. Both slots, one by one: the format of a store must not be forgotten.
  const file = new SuperblockFile(superblock, { ...built, generation }, bytes, 1 - stamped.freeSlot);
  await file.writeBoth({});
}

function recognised(older: OlderStores, paths: StorePaths, bytes: Uint8Array): OlderStore {
  const found = older.recognise(bytes, paths);
  if (found === null) throw fenced(paths.dir);
  return found;
}

/** The newest slot is written again first: it may live only in the page cache, and is then the only whole one (D5). */
async function stampOld(file: DiskFile, found: OlderStore, epoch: number): Promise<void> {
  const { bytes } = await readSlots(file);
  const newest = 1 - found.freeSlot;
  const from = newest * SUPERBLOCK_SLOT_BYTES;
  await writeSlot(file, newest, bytes.subarray(from, from + SUPERBLOCK_SLOT_BYTES));
  const stamped = found.stamped(epoch);
  await writeSlot(file, found.freeSlot, stamped);
  await writeSlot(file, newest, stamped);
}

async function writeSlot(file: DiskFile, slot: number, bytes: Uint8Array): Promise<void> {
  const place = { path: file.path, offset: slot * SUPERBLOCK_SLOT_BYTES };
  try {
    await writeFully(file, bytes, place.offset);
  } catch (error) {
    throw writeFailed('the superblock', place, error, NEXT);
  }
  await syncData(file, 'the superblock', NEXT, place.offset);
}

/** D11: a release that took the store over meanwhile, of whatever format, has written the superblock. */
async function checkOldFence(file: DiskFile, expected: Uint8Array): Promise<void> {
  if (Buffer.compare((await readSlots(file)).bytes, expected) !== 0) throw fenced(file.path);
}

function fenced(path: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_FENCED',
    `another writer has opened this store while it was brought to another format: ${path} was written meanwhile. The store is as that one found it. Make sure that only one process uses the directory.`,
    { path },
  );
}

/** What an earlier try left: segments of this format, which no superblock ever named, and files meant to be some. */
async function removeUnfinished(disk: Disk, paths: StorePaths): Promise<void> {
  const listing = await listStore(disk, paths);
  for (const number of listing.segments) {
    const path = paths.segment(number);
    if ((await headerAt(disk, path))?.verdict.kind === 'valid') await removeName(disk, path);
  }
  for (const name of listing.spares) await removeName(disk, join(paths.walDir, name));
}

/** The slots are written over, not moved, so a copy goes to quarantine: with it the files there are a store again. */
async function keepOldSuperblock(
  disk: Disk,
  { dir }: StorePaths,
  version: number,
  bytes: Uint8Array,
): Promise<void> {
  const folder = join(dir, QUARANTINE_DIRECTORY_NAME);
  const path = join(folder, `superblock-of-format-${String(version)}`);
  const note = `The superblock as it was when this store was of format ${String(version)}; the segments and snapshots beside it are of that format too.\n`;
  try {
    await makeFolder(disk, folder);
    // New names: those of a try whose sync failed may live only in the page cache (D5).
    for (const name of [path, `${path}.txt`]) await removeName(disk, name);
    await writeCopy(disk, path, bytes);
    await writeCopy(disk, `${path}.txt`, new TextEncoder().encode(note));
  } catch (error) {
    throw systemCode(error) === undefined
      ? error
      : writeFailed('the copy of the superblock', { path }, error, NEXT);
  }
  await syncNames(disk, folder);
}
