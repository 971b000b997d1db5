import { lastLsnOf } from '../../src/format/frame-header.js';
import { parseWalFileName } from '../../src/format/names.js';
import { decodeSuperblock, SUPERBLOCK_SLOT_BYTES, type Superblock } from '../../src/format/superblock.js';
import type { SnapshotMeta } from '../../src/raft-log/contract.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { framesIn } from '../oracle/frame-census.js';
import { termAt } from '../oracle/log-state.js';
import type { OpBody } from '../plan/plan.js';
import type { Random } from '../world/random.js';
import { EVERYTHING, lossOfFrame, lossOfSegment, type FrameInFile, type Loss } from './loss.js';
import { blocksOf } from './roll-back.js';
import type { Scene } from './scene.js';

/** What was damaged, and what must come of it. */
export interface Hurt {
  readonly path: string;
  /** The older snapshot that stands in for the damaged one (R8); null: the store names the damage. */
  readonly standIn: SnapshotMeta | null;
  /** The entries that it may have cost. */
  readonly losses: readonly Loss[];
}

/** Damages a part of a store, in a copy of its disk; null if it has no such part. */
export function hurtStore(
  what: Extract<OpBody, { kind: 'hurt' }>['what'],
  scene: Scene,
  disk: SimulatedDisk,
  random: Random,
): Hurt | null {
  switch (what) {
    case 'snapshot':
      return hurtSnapshot(scene, disk, random);
    case 'frame':
      return hurtFrames(scene, disk, random, 1);
    case 'frames':
      return hurtFrames(scene, disk, random, 2);
    case 'segment':
      return hurtSegment(scene, disk, random);
    case 'superblock':
      return hurtSuperblock(scene, disk, random);
  }
}

/** Flips a bit in the head or the foot of the newest snapshot, which an open reads. */
function hurtSnapshot(scene: Scene, disk: SimulatedDisk, random: Random): Hurt | null {
  const { state } = scene.allowed.promised;
  const { snapshot } = state;
  if (snapshot === null) return null;
  const name = `${digits(snapshot.index)}-${digits(snapshot.term)}.snap`;
  const path = `${scene.dir}/snapshots/${name}`;
  const size = disk.readVolatile(path)?.length ?? 0;
  if (size === 0) return null;
  const at = random.chance(0.5) ? random.below(60) : size - 1 - random.below(20);
  disk.flipBit(path, at, random.below(8));
  const standIn = scene.openLog.snapshots.slice(1).find(({ index, term }) => termAt(state, index) === term);
  // Behind a compaction nobody knows the state that the entries apply to, without it.
  const losses = state.boundary.index > 0 ? [EVERYTHING] : [];
  return { path, standIn: standIn ?? null, losses };
}

function digits(number: number): string {
  return String(number).padStart(16, '0');
}

/**
 * Flips a bit in the payload of some frames that hold entries, and that a later frame says to be durable: others prove it (R5).
 * What lies between two of them is whole.
 */
function hurtFrames(scene: Scene, disk: SimulatedDisk, random: Random, count: number): Hurt | null {
  const { boundary } = scene.allowed.promised.state;
  const frames = framesOf(scene, disk);
  const provenLsn = frames.reduce((most, { header }) => Math.max(most, header.durable.lsn), 0);
  const live = frames.filter(
    ({ header }) =>
      header.until > header.from && header.from > boundary.index && lastLsnOf(header) <= provenLsn,
  );
  const losses: Loss[] = [];
  let path = '';
  while (losses.length < count && live.length > 0) {
    const frame = random.pick(live);
    const { at, header } = frame;
    const byte = at + header.headerBytes + random.below(header.payloadBytes);
    ({ path } = frame);
    losses.push(lossOfFrame(frame, byte, disk.readVolatile(path) ?? new Uint8Array(), frames));
    disk.flipBit(path, byte, random.below(8));
    live.splice(live.indexOf(frame), 1);
  }
  return losses.length === 0 ? null : { path, standIn: null, losses };
}

/** A segment between two others, of which nothing can be read, or which is not there. */
function hurtSegment(scene: Scene, disk: SimulatedDisk, random: Random): Hurt | null {
  const frames = framesOf(scene, disk);
  const paths = [...new Set(frames.map(({ path }) => path))].sort();
  const between = paths.slice(1, -1);
  if (between.length === 0) return null;
  const path = random.pick(between);
  const losses = [lossOfSegment(path, frames)];
  if (random.chance(0.5)) disk.remove(path);
  else disk.flipBit(path, random.below(4), random.below(8));
  return { path, standIn: null, losses };
}

/** Both slots of the superblock, or the file: every segment and every snapshot is there. */
function hurtSuperblock(scene: Scene, disk: SimulatedDisk, random: Random): Hurt | null {
  // A store in which nothing was saved is made again.
  if (framesOf(scene, disk).length === 0) return null;
  const path = `${scene.dir}/superblock`;
  if (random.chance(0.3)) disk.remove(path);
  else
    for (const slot of [0, SUPERBLOCK_SLOT_BYTES])
      disk.flipBit(path, slot + random.below(SUPERBLOCK_SLOT_BYTES), random.below(8));
  return { path, standIn: null, losses: [] };
}

function framesOf(scene: Scene, disk: SimulatedDisk): FrameInFile[] {
  return disk
    .list()
    .filter((path) => isNamed(path, scene, disk))
    .flatMap((path) =>
      [...framesIn(disk.readVolatile(path) ?? new Uint8Array())].map((frame) => ({ path, ...frame })),
    );
}

/** True for a segment that the superblock names: one whose name a power cut has brought back is nobody's any more. */
function isNamed(path: string, { dir, walDir }: Scene, disk: SimulatedDisk): boolean {
  if (!path.startsWith(`${walDir}/`)) return false;
  const name = parseWalFileName(path.slice(walDir.length + 1));
  return (
    name.kind === 'segment' && slotsOf(disk, dir).every(({ firstSegment }) => firstSegment <= name.number)
  );
}

function slotsOf(disk: SimulatedDisk, dir: string): Superblock[] {
  return blocksOf(disk, `${dir}/superblock`, SUPERBLOCK_SLOT_BYTES)
    .map(decodeSuperblock)
    .flatMap((slot) => (slot.kind === 'valid' ? [slot.superblock] : []));
}
