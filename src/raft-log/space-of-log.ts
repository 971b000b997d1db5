import { join } from 'node:path';
import { readFailed } from '../disk/disk-failure.js';
import type { Disk } from '../disk/port.js';
import { filesBelow, statOf } from '../disk/told-calls.js';
import { parseWalFileName, QUARANTINE_DIRECTORY_NAME, SNAPSHOTS_DIRECTORY_NAME } from '../format/names.js';
import { parseSnapshotFileName } from '../snapshot/snapshot-name.js';
import type { StorePaths } from '../wal/inside.js';
import type { Holding } from '../wal/report/observer.js';
import type { LogSpace, SpaceHolder, SpaceHolderKind } from './space-contract.js';

/** Which of a log's files are needed for what. */
export interface SpaceQuestion {
  readonly disk: Disk;
  readonly paths: StorePaths;
  /** The first segment that holds what is not compacted, and the first with entries behind the snapshot. */
  readonly firstNeeded: number;
  readonly firstBehindSnapshot: number;
  /** Index and term of the newest snapshot; null if there is none. */
  readonly snapshot: { readonly index: number; readonly term: number } | null;
  readonly pins: readonly Pick<Holding, 'holder' | 'bytes' | 'ageMs'>[];
}

const FREES: Readonly<Record<SpaceHolderKind, string>> = {
  entries: 'a snapshot of a higher index, and then compact',
  'covered-entries': 'compact up to the snapshot',
  pin: 'its end: a checkpoint that is made, an archiver that goes on or is closed, a snapshot that is read or closed',
  'newest-snapshot': 'a newer one',
  'older-snapshots': 'a lower snapshotsKept, with the next snapshot',
  spares: 'close, or the next open; until then the next segments are made of them',
  quarantine: 'a person who has looked at it: nothing else ever removes it',
};

/** Sums up the files of a store by who needs them. Errors: `KEELSON_READ_FAILED`. */
export async function spaceOfLog(question: SpaceQuestion): Promise<LogSpace> {
  const { disk, paths, firstNeeded, firstBehindSnapshot, snapshot, pins } = question;
  const { dir, walDir } = paths;
  const bytes: Record<SpaceHolderKind, number> = {
    entries: 0,
    'covered-entries': 0,
    pin: 0,
    'newest-snapshot': 0,
    'older-snapshots': 0,
    spares: 0,
    quarantine: 0,
  };
  for (const { path, name } of await filesBelow(disk, walDir)) {
    if (path.includes(QUARANTINE_DIRECTORY_NAME)) continue;
    const parsed = parseWalFileName(name);
    const size = await sizeOf(disk, path);
    if (parsed.kind !== 'segment') bytes.spares += size;
    else if (parsed.number >= firstBehindSnapshot) bytes.entries += size;
    // What stands in front of it is kept by pins, told one by one.
    else if (parsed.number >= firstNeeded) bytes['covered-entries'] += size;
  }
  for (const { path, name } of await filesBelow(disk, join(dir, SNAPSHOTS_DIRECTORY_NAME))) {
    const of = parseSnapshotFileName(name);
    const isNewest = of.kind !== 'foreign' && of.index === snapshot?.index && of.term === snapshot.term;
    bytes[isNewest ? 'newest-snapshot' : 'older-snapshots'] += await sizeOf(disk, path);
  }
  for (const root of new Set([dir, paths.isWalSeparate ? walDir : dir]))
    bytes.quarantine += await bytesBelow(disk, join(root, QUARANTINE_DIRECTORY_NAME));
  const kinds = (Object.keys(bytes) as SpaceHolderKind[]).map((kind) =>
    holderOf(kind, kind, bytes[kind], null),
  );
  const held = pins.map((pin) => holderOf('pin', pin.holder, pin.bytes, pin.ageMs));
  const holders = [...kinds, ...held].filter((one) => one.bytes > 0).sort((a, b) => b.bytes - a.bytes);
  return Object.freeze({
    holders,
    bytes: holders.reduce((sum, one) => sum + one.bytes, 0),
    freeBytes: await freeOf(disk, walDir),
  });
}

function holderOf(kind: SpaceHolderKind, holder: string, bytes: number, ageMs: number | null): SpaceHolder {
  return Object.freeze({ kind, holder, bytes, ageMs, frees: FREES[kind] });
}

/** All files in a directory and below. Errors: `KEELSON_READ_FAILED`. */
export async function bytesBelow(disk: Disk, dir: string): Promise<number> {
  let bytes = 0;
  for (const { path } of await filesBelow(disk, dir)) bytes += await sizeOf(disk, path);
  return bytes;
}

/** A file that went meanwhile takes no room. Errors: `KEELSON_READ_FAILED`. */
export async function sizeOf(disk: Disk, path: string): Promise<number> {
  return (await statOf(disk, path, 'a file'))?.size ?? 0;
}

async function freeOf(disk: Disk, path: string): Promise<number> {
  try {
    return (await disk.statfs(path)).freeBytes;
  } catch (error) {
    throw readFailed('a file system', { path }, error);
  }
}
