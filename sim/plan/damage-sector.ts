import { rotCandidates } from '../disk/harm/rot.js';
import type { SimulatedDisk } from '../disk/simulated-disk.js';
import { findNode } from '../disk/image/paths.js';
import { Random } from '../world/random.js';

/** Where the fields of a snapshot's file stand that every open reads. */
const SNAPSHOT_HEAD_BYTES = 64;

/**
 * One sector within the budget gets the bytes of another one of the disk, as the victim of a misdirected write
 * does. False if the budget allows none, or if the two were equal.
 */
export function misplaceSector(disk: SimulatedDisk, seed: number): boolean {
  const { fs } = disk;
  const { sectorBytes } = fs.profile;
  const random = new Random(seed);
  const candidates = rotCandidates(fs);
  const files = disk.list();
  if (candidates.length === 0 || files.length === 0) return false;
  const { ino, sector } = random.pick(candidates);
  const source = disk.readVolatile(random.pick(files)) ?? new Uint8Array();
  const from = random.below(Math.max(1, Math.floor(source.length / sectorBytes))) * sectorBytes;
  const bytes = source.subarray(from, from + sectorBytes);
  const node = fs.nodes.get(ino);
  if (node?.kind !== 'file') return false;
  const at = sector * sectorBytes;
  const room = Math.min(bytes.length, node.durable.size - at, node.volatile.size - at);
  if (room <= 0) return false;
  const put = bytes.subarray(0, room);
  if (Buffer.compare(node.volatile.slice(at, at + room), put) === 0) return false;
  for (const image of [node.volatile, node.durable]) image.write(put, at);
  fs.record.forgotten(ino, [{ from: at, until: at + sectorBytes, issuedAt: 0 }]);
  fs.count('write-misdirected');
  return true;
}

/** One bit of the newest snapshot flips, where the budget allows it: in its head half of the times, which open reads. */
export function rotNewestSnapshot(disk: SimulatedDisk, seed: number): boolean {
  const { fs } = disk;
  const random = new Random(seed);
  // Their names begin with the index, so that they sort by it.
  const path = disk.list().findLast((one) => one.endsWith('.snap'));
  const node = path === undefined ? undefined : findNode(fs, path, 'stat');
  if (node?.kind !== 'file') return false;
  const { sectorBytes } = fs.profile;
  const candidates = rotCandidates(fs).filter(({ ino }) => ino === node.ino);
  const head = candidates.filter(({ sector }) => sector * sectorBytes < SNAPSHOT_HEAD_BYTES);
  const among = random.chance(0.5) && head.length > 0 ? head : candidates;
  if (among.length === 0) return false;
  const from = random.pick(among).sector * sectorBytes;
  const at = from + random.below(Math.min(sectorBytes, node.durable.size - from));
  const mask = 1 << random.below(8);
  for (const image of [node.volatile, node.durable]) {
    const value = image.slice(at, at + 1);
    value[0] = (value[0] ?? 0) ^ mask;
    if (at < image.size) image.write(value, at);
  }
  fs.record.forgotten(node.ino, [{ from, until: from + sectorBytes, issuedAt: 0 }]);
  fs.count('bit-flipped');
  return true;
}

/** One bit of any file flips, whoever needs it. False if there is no byte. */
export function rotAnywhere(disk: SimulatedDisk, seed: number): boolean {
  const random = new Random(seed);
  const files = disk.list().filter((path) => (disk.readVolatile(path)?.length ?? 0) > 0);
  if (files.length === 0) return false;
  const path = random.pick(files);
  const bytes = disk.readVolatile(path) ?? new Uint8Array();
  // Zeros are mostly room that nothing was written to yet: what is not zero is worth a hit.
  const written = [...bytes.keys()].filter((at) => bytes[at] !== 0);
  const at = written.length === 0 ? random.below(bytes.length) : random.pick(written);
  disk.flipBit(path, at, random.below(8));
  disk.fs.count('bit-flipped');
  return true;
}
