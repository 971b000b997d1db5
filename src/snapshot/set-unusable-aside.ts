import { closeFile } from '../disk/close-file.js';
import type { Disk } from '../disk/index.js';
import { setAside } from '../disk/set-aside.js';
import { KeelsonError } from '../errors/index.js';
import { namedSnapshotOf, openJudged } from './snapshot-file-reader.js';
import type { NamedSnapshot, PublishedSnapshot, SnapshotRef } from './snapshot-ref.js';

/** Where published files are judged, and where those go that are no snapshots. */
export interface AsidePlace {
  readonly disk: Disk;
  readonly lineage: Uint8Array;
  readonly folder: string;
  /** Asked before each move, to throw if another writer has taken over (D11). */
  readonly checkFence: () => Promise<void>;
}

/** What an open asks for, once it has found the snapshot that its log begins with. */
export interface UnusableRequest extends Pick<AsidePlace, 'folder' | 'checkFence'> {
  /** That snapshot: it was read a moment ago, and is not read again. */
  readonly named: Pick<SnapshotRef, 'index' | 'term'> | null;
  /** True if the log holds `index` with `term`: all that a snapshot there stands for. */
  readonly holds: (index: number, term: number) => boolean;
}

/** What became of the published files. */
interface LookedAt {
  /** Where those went that are no snapshot of this store, or stand for more than the log holds. */
  readonly moved: readonly string[];
  /** Such that found no room there. */
  readonly left: readonly PublishedSnapshot[];
  /** The others: snapshots of this store, by their head and end. */
  readonly whole: readonly NamedSnapshot[];
}

/**
 * Moves those published files that are no snapshot of this store, by their head and end, and those that stand for more
 * than the log holds.
 */
export async function setUnusableAside(
  place: AsidePlace,
  published: readonly PublishedSnapshot[],
  { named, holds }: Pick<UnusableRequest, 'named' | 'holds'>,
): Promise<LookedAt> {
  const moved: string[] = [];
  const left: PublishedSnapshot[] = [];
  const whole: NamedSnapshot[] = [];
  for (const snapshot of published) {
    if (snapshot.index === named?.index && snapshot.term === named.term) continue;
    const looked = await lookAt(place, snapshot);
    const found = typeof looked === 'string' ? looked : (whyBeyond(snapshot, named, holds) ?? looked);
    if (typeof found !== 'string') {
      whole.push(found);
      continue;
    }
    await place.checkFence();
    const to = await moveAside(place, snapshot.path, found);
    if (to === null) left.push(snapshot);
    else moved.push(to);
  }
  return { moved, left, whole };
}

/**
 * One that the log neither names nor holds the entries of: its record never became durable, or it is newer than this log,
 * which an old copy of the directory was put in the place of (R6). Nobody can say which, so it is not deleted.
 */
function whyBeyond(
  { index, term }: PublishedSnapshot,
  named: UnusableRequest['named'],
  holds: UnusableRequest['holds'],
): string | null {
  if (index <= (named?.index ?? 0) || holds(index, term)) return null;
  return `It is a whole snapshot of index ${String(index)}, term ${String(term)}, which this log neither names nor holds. Either it was installed and the log never came to name it, or the log is an older one than this file.`;
}

/** Moves one file; null if there is no room. */
export function moveAside(
  { disk, folder }: Pick<AsidePlace, 'disk' | 'folder'>,
  path: string,
  reason: string,
): Promise<string | null> {
  const note = `${reason}\nIt was moved here from ${path}, so that nothing deletes it.\n`;
  return setAside({ disk, path, folder, note });
}

/** The snapshot, or why it is none. */
async function lookAt(
  { disk, lineage }: AsidePlace,
  { index, term, path }: PublishedSnapshot,
): Promise<NamedSnapshot | string> {
  try {
    const judged = await openJudged(disk, path, lineage, { index, term });
    await closeFile(judged.file);
    return namedSnapshotOf(judged);
  } catch (error) {
    if (error instanceof KeelsonError && error.family === 'damage') return error.message;
    throw error;
  }
}
