import type { Random } from '../../world/random.js';
import type { DirectoryNode } from '../image/directory-node.js';
import { forgetVolatileNames } from './failed-sync.js';
import type { FileNode } from '../image/file-node.js';
import type { FileSystem } from '../image/file-system.js';
import { cutNames } from './power-cut-names.js';
import { landOperation, setDurableSize } from '../image/sync-file.js';

type FilePolicy = 'nothing' | 'all' | 'prefix' | 'sectors';

/**
 * The power fails: the page cache is gone, and of what no sync had made durable any part may have reached
 * the platter. What was durable, and is not being written, stays.
 */
export function cutPower(fs: FileSystem, random: Random): void {
  fs.count('power-cut');
  for (const node of fs.unsettled) {
    cutFile(fs, node, random);
    node.forgetVolatile();
  }
  fs.unsettled.clear();
  const touched = new Set<DirectoryNode>();
  for (const node of fs.nodes.values()) if (node.kind === 'directory' && node.mayDiffer) touched.add(node);
  cutNames(fs, random, touched);
  for (const directory of touched) forgetVolatileNames(fs, directory);
  fs.recount();
}

function cutFile(fs: FileSystem, node: FileNode, random: Random): void {
  if (node.pending.length === 0) return;
  fs.record.forgotten(
    node.ino,
    node.pending.map(({ from, until }) => ({ from, until, issuedAt: 0 })),
  );
  switch (drawPolicy(fs, random)) {
    case 'nothing':
      fs.count('file-kept-nothing-pending');
      break;
    case 'all':
      fs.count('file-kept-all-pending');
      keepPrefix(fs, node, node.pending.length, random);
      break;
    case 'prefix':
      fs.count('file-kept-prefix');
      keepPrefix(fs, node, random.below(node.pending.length), random);
      break;
    case 'sectors':
      fs.count('file-kept-some-sectors');
      keepSectors(fs, node, random);
      break;
  }
  if (!fs.profile.powerSafeOverwrite) spoilTouchedSectors(fs, node, random);
  node.durable.clearFrom(node.durable.size);
}

function drawPolicy(fs: FileSystem, random: Random): FilePolicy {
  switch (fs.profile.images) {
    case 'mixed':
      return random.pick(['nothing', 'all', 'prefix', 'prefix', 'sectors', 'sectors'] as const);
    case 'drop-all':
      return 'nothing';
    case 'per-file':
      return random.pick(['nothing', 'all'] as const);
  }
}

/** The first `count` changes are on the platter, and the next one is torn. */
function keepPrefix(fs: FileSystem, node: FileNode, count: number, random: Random): void {
  const torn = node.pending[count];
  const size = drawSize(node, count, random);
  showStaleBytes(fs, node, size, random);
  for (let i = 0; i < count; i++) {
    const operation = node.pending[i];
    if (operation === undefined) continue;
    landOperation(fs, node, operation);
    if (operation.until > size) fs.count('data-without-size');
  }
  if (torn !== undefined) {
    fs.count('operation-torn-by-power-cut');
    // Sectors of one write reach the platter from its start, or in any order.
    const sectors = Math.ceil((torn.bytes?.length ?? 0) / fs.profile.sectorBytes);
    const first = torn.position / fs.profile.sectorBytes;
    const landed = random.below(sectors + 1);
    const inOrder = random.chance(0.5);
    landOperation(fs, node, torn, (sector) => (inOrder ? sector < first + landed : random.chance(0.5)));
  }
  setDurableSize(fs, node, size);
}

/** Each sector has some version of those that were written since it was last durable, or the durable one. */
function keepSectors(fs: FileSystem, node: FileNode, random: Random): void {
  const size = drawSize(node, random.below(node.pending.length + 1), random);
  const share = random.pick([0.1, 0.5, 0.5, 0.9]);
  showStaleBytes(fs, node, size, random);
  let lost = false;
  for (const operation of node.pending) {
    let landed = false;
    landOperation(fs, node, operation, () => {
      const lands = random.chance(share);
      if (lands) landed = true;
      else lost = true;
      return lands;
    });
    if (landed && operation.until > size) fs.count('data-without-size');
    if (landed && operation !== node.pending.at(-1)) fs.count('older-sector-version-kept');
  }
  if (lost && size === node.volatile.size && size > node.durable.size) fs.count('size-without-data');
  setDurableSize(fs, node, size);
}

/** The size after `count` changes or, as size and data survive apart, now and then that after any other. */
function drawSize(node: FileNode, count: number, random: Random): number {
  const sizes = [node.durable.size];
  for (const { sequence, sizeAfter } of node.pending) {
    sizes.push(sequence > node.sizeFloor ? sizeAfter : node.durable.size);
  }
  const natural = sizes[count] ?? node.durable.size;
  return random.chance(0.5) ? natural : random.pick(sizes);
}

/** What the file grows by and nobody wrote shows zeros, or what the blocks held when they were freed. */
function showStaleBytes(fs: FileSystem, node: FileNode, size: number, random: Random): void {
  const { sectorBytes } = fs.profile;
  const isStale = random.chance(0.5);
  if (!isStale) return;
  const firstSector = Math.ceil(node.firmSize / sectorBytes);
  let shown = false;
  for (let sector = firstSector; sector * sectorBytes < size; sector++) {
    if (node.sectorFloors.has(sector)) continue;
    const stale = fs.graveyard.exhume(sector * sectorBytes, (sector + 1) * sectorBytes, random);
    if (stale === null) continue;
    node.durable.write(stale, sector * sectorBytes);
    shown = true;
  }
  if (shown) fs.count('stale-bytes-shown');
}

/**
 * Without power-safe overwrite a sector that was being written may be lost whole, with the older bytes
 * beside the new ones; sectors that were not being written stay.
 */
function spoilTouchedSectors(fs: FileSystem, node: FileNode, random: Random): void {
  const { sectorBytes } = fs.profile;
  for (const { position, bytes } of node.pending) {
    for (let done = 0; done < (bytes?.length ?? 0); done += sectorBytes) {
      if (!random.chance(0.1)) continue;
      const spoiled = new Uint8Array(sectorBytes);
      if (random.chance(0.5)) random.fill(spoiled);
      node.durable.write(spoiled, position + done);
      fs.record.forgotten(node.ino, [
        { from: position + done, until: position + done + sectorBytes, issuedAt: 0 },
      ]);
      fs.count('unsafe-overwrite');
    }
  }
}
