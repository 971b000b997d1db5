import type { Random } from '../../world/random.js';
import type { DirectoryNode } from '../image/directory-node.js';
import type { FileSystem } from '../image/file-system.js';
import { landAdd, landRemove, type NameOperation, withRenamesBefore } from '../image/name-journal.js';

/** One in so many renames that survive leaves both names. */
const BOTH_NAMES_ONE_IN = 10;

/**
 * Decides for each pending change of a name whether the power cut found it on the platter: none, all, a
 * prefix, or each by itself. A journal commits in order, so there it is none, all or a prefix. Directories
 * whose names may now differ from those that were read are added to `touched`.
 */
export function cutNames(fs: FileSystem, random: Random, touched: Set<DirectoryNode>): void {
  const { operations } = fs.names;
  if (operations.length === 0) return;
  fs.names.operations = [];
  const drawn = drawLanding(fs, operations, random);
  const lands = withRenamesBefore(operations, operations.map(drawn));
  let skipped = false;
  for (const [index, operation] of operations.entries()) {
    const { add, remove } = operation;
    if (add !== null) touched.add(add.directory);
    if (remove !== null) touched.add(remove.directory);
    const landed = lands[index] === true;
    if (landed && skipped) fs.count('names-out-of-order');
    if (!landed) skipped = true;
    settle(fs, operation, landed, random);
  }
}

function settle(fs: FileSystem, operation: NameOperation, landed: boolean, random: Random): void {
  const { add, remove } = operation;
  if (add === null) {
    fs.count(landed ? 'unlink-kept' : 'unlink-lost');
  } else if (remove === null) {
    fs.count(landed ? 'create-kept' : 'create-lost');
  } else {
    fs.count(landed ? 'rename-kept' : 'rename-lost');
  }
  if (!landed) return;
  const keepsBoth = add !== null && remove !== null && random.below(BOTH_NAMES_ONE_IN) === 0;
  landAdd(operation);
  if (keepsBoth) fs.count('rename-kept-both-names');
  else landRemove(operation);
}

type Landing = (operation: NameOperation, index: number) => boolean;

function drawLanding(fs: FileSystem, operations: readonly NameOperation[], random: Random): Landing {
  const { images, metadata } = fs.profile;
  if (images === 'drop-all') return () => false;
  const policy = random.pick(['none', 'all', 'prefix', 'each', 'each'] as const);
  const prefix = random.below(operations.length + 1);
  if (images === 'per-file' && metadata === 'strict') return perDirectory(random);
  if (policy === 'none') return () => false;
  if (policy === 'all') return () => true;
  if (policy === 'prefix' || metadata === 'journal') return (_, index) => index < prefix;
  const share = random.pick([0.2, 0.5, 0.8]);
  return () => random.chance(share);
}

/** All of a directory's changes or none. A rename between two goes by the directory of its old name. */
function perDirectory(random: Random): Landing {
  const drawn = new Map<DirectoryNode, boolean>();
  return ({ add, remove }) => {
    const directory = remove?.directory ?? add?.directory;
    if (directory === undefined) return false;
    const landed = drawn.get(directory) ?? random.chance(0.5);
    drawn.set(directory, landed);
    return landed;
  };
}
