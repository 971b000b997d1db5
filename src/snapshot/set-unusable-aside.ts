import type { Disk } from '../disk/index.js';
import { setAside } from '../disk/set-aside.js';
import { KeelsonError } from '../errors/index.js';
import { closeQuietly, openJudged } from './snapshot-file-reader.js';
import type { PublishedSnapshot, SnapshotRef } from './snapshot-ref.js';

/** Where published files are judged, and where those go that are no snapshots. */
export interface AsidePlace {
  readonly disk: Disk;
  readonly storeId: Uint8Array;
  readonly folder: string;
  /** Asked before each move, to throw if another writer has taken over (D11). */
  readonly checkFence: () => Promise<void>;
}

/** What an open asks for, once it has found the snapshot that its log begins with. */
export interface UnusableRequest extends Pick<AsidePlace, 'folder' | 'checkFence'> {
  /** That snapshot: it was read a moment ago, and is not read again. */
  readonly named: Pick<SnapshotRef, 'index' | 'term'> | null;
}

/** Moves those published files that are no snapshot of this store, by their head and end; tells which went and which found no room. */
export async function setUnusableAside(
  place: AsidePlace,
  published: readonly PublishedSnapshot[],
  named: UnusableRequest['named'],
): Promise<{ readonly moved: readonly string[]; readonly left: readonly PublishedSnapshot[] }> {
  const moved: string[] = [];
  const left: PublishedSnapshot[] = [];
  for (const snapshot of published) {
    if (snapshot.index === named?.index && snapshot.term === named.term) continue;
    const reason = await whyUnusable(place, snapshot);
    if (reason === null) continue;
    await place.checkFence();
    const to = await moveAside(place, snapshot.path, reason);
    if (to === null) left.push(snapshot);
    else moved.push(to);
  }
  return { moved, left };
}

/** Moves one file; null if there is no room. */
export function moveAside(
  { disk, folder }: AsidePlace,
  path: string,
  reason: string,
): Promise<string | null> {
  const note = `${reason}\nIt was moved here from ${path}, so that nothing deletes it.\n`;
  return setAside({ disk, path, folder, note });
}

async function whyUnusable(
  { disk, storeId }: AsidePlace,
  { index, term, path }: PublishedSnapshot,
): Promise<string | null> {
  try {
    const judged = await openJudged(disk, path, storeId, { index, term });
    await closeQuietly(judged.file);
    return null;
  } catch (error) {
    if (error instanceof KeelsonError && error.family === 'damage') return error.message;
    throw error;
  }
}
