import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Disk } from '../disk/index.js';
import {
  MARKS_NAME,
  parseWalFileName,
  QUARANTINE_DIRECTORY_NAME,
  SNAPSHOTS_DIRECTORY_NAME,
  SUPERBLOCK_NAME,
} from '../format/names.js';
import type { LogSurvey } from '../raft-log/repair/survey-log.js';
import type { SpaceHolder, SpaceHolderKind } from '../raft-log/space-contract.js';
import { bytesBelow, sizeOf, spaceOfLog } from '../raft-log/space-of-log.js';
import { filesBelow } from '../disk/told-calls.js';
import type { StorePaths } from '../wal/store/store-directory.js';

/** Bytes of a store, by what holds them, and what is left on its disks. */
export interface Space {
  readonly segments: number;
  /** Prepared or left over: the next open or save uses or removes them. */
  readonly spares: number;
  readonly snapshots: number;
  /** Set aside; never removed by Keelson but for old copies of torn tails. */
  readonly quarantine: number;
  readonly others: number;
  readonly free: number;
}

/** Sums up the files of a store. */
export async function spaceOf(disk: Disk, { dir, walDir }: StorePaths): Promise<Space> {
  let segments = 0;
  let spares = 0;
  for (const { path, name } of await filesBelow(disk, walDir)) {
    const bytes = await sizeOf(disk, path);
    if (parseWalFileName(name).kind === 'segment') segments += bytes;
    else spares += bytes;
  }
  const others =
    (await sizeOf(disk, join(dir, SUPERBLOCK_NAME))) + (await sizeOf(disk, join(dir, MARKS_NAME)));
  return {
    segments,
    spares,
    snapshots: await bytesBelow(disk, join(dir, SNAPSHOTS_DIRECTORY_NAME)),
    quarantine: await bytesBelow(disk, join(dir, QUARANTINE_DIRECTORY_NAME)),
    others,
    free: (await disk.statfs((await disk.stat(walDir)) === null ? dir : walDir)).freeBytes,
  };
}

/** Who holds bytes of a store, as far as its files tell. */
export type HeldSpace = Pick<SpaceHolder, 'kind' | 'bytes' | 'ageMs' | 'frees'>;

/** What of a store the age of is worth telling, and where it stands. */
const AGED: readonly (readonly [SpaceHolderKind, string])[] = [
  ['older-snapshots', SNAPSHOTS_DIRECTORY_NAME],
  ['quarantine', QUARANTINE_DIRECTORY_NAME],
];

/** The bytes of a store by who needs them, and for how long the oldest file of each has been there. */
export async function holdersOf(disk: Disk, survey: LogSurvey): Promise<readonly HeldSpace[]> {
  const { named: snapshot, paths, store } = survey;
  const { segments, range } = store;
  const newest = segments[segments.length - 1]?.number ?? range.newest;
  const behind = segments.find(({ run }) => (run?.end.lastIndex ?? 0) > (snapshot?.index ?? 0));
  const { holders } = await spaceOfLog({
    disk,
    paths,
    firstNeeded: range.first,
    firstBehindSnapshot: behind?.number ?? newest,
    snapshot,
    pins: [],
  });
  return await Promise.all(
    holders.map(async ({ kind, bytes, frees }) => {
      const folder = AGED.find(([aged]) => aged === kind)?.[1];
      const files = folder === undefined ? [] : await filesBelow(disk, join(paths.dir, folder));
      const oldestMs = files.reduce((ms, { path }) => Math.min(ms, changedAtMs(path)), Infinity);
      return { kind, bytes, ageMs: oldestMs === Infinity ? null : Math.max(0, Date.now() - oldestMs), frees };
    }),
  );
}

function changedAtMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
}
