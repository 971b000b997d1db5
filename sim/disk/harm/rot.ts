import type { Random } from '../../world/random.js';
import type { DirectoryNode } from '../image/directory-node.js';
import type { RotCandidate } from '../image/durability-record.js';
import type { FileSystem } from '../image/file-system.js';

/** Where rot may hit now without passing the budget; see {@link DurabilityRecord.rotCandidates}. */
export function rotCandidates(fs: FileSystem): readonly RotCandidate[] {
  const named = new Set<number>();
  const witnesses = new Set<number>();
  const visit = (directory: DirectoryNode, above: string): void => {
    for (const [name, ino] of directory.volatile) {
      const node = fs.nodes.get(ino);
      const path = `${above}/${name}`;
      if (node?.kind === 'directory') visit(node, path);
      else if (node !== undefined) {
        named.add(ino);
        if (fs.profile.isWitness(path)) witnesses.add(ino);
      }
    }
  };
  visit(fs.root, '');
  const { sectorBytes } = fs.profile;
  return fs.record.rotCandidates(named, witnesses, sectorBytes).filter(({ ino, sector }) => {
    const node = fs.nodes.get(ino);
    // A sector that is being rewritten would carry the damage into bytes that no witness vouches for.
    return node?.kind === 'file' && !node.hasPending(sector * sectorBytes, (sector + 1) * sectorBytes);
  });
}

/** Damages one sector that the budget allows; false if there is none. */
export function damageWithinBudget(
  fs: FileSystem,
  kind: 'bit-rot' | 'unreadable-sector',
  random: Random,
): boolean {
  const candidates = rotCandidates(fs);
  if (candidates.length === 0) return false;
  const { ino, sector } = random.pick(candidates);
  const { sectorBytes } = fs.profile;
  const node = fs.nodes.get(ino);
  if (node?.kind !== 'file') return false;
  const from = sector * sectorBytes;
  const until = Math.min(from + sectorBytes, node.durable.size);
  if (until <= from) return false;
  if (kind === 'unreadable-sector') {
    node.unreadable.add(sector);
    fs.count('sector-made-unreadable');
  } else {
    const byte = from + random.below(until - from);
    const mask = 1 << random.below(8);
    for (const image of [node.volatile, node.durable]) {
      const value = image.slice(byte, byte + 1);
      value[0] = (value[0] ?? 0) ^ mask;
      if (byte < image.size) image.write(value, byte);
    }
    fs.count('bit-flipped');
  }
  fs.record.forgotten(ino, [{ from, until, issuedAt: 0 }]);
  return true;
}
