import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../disk/environment.js';
import { nodeEnvironment } from '../disk/node-environment.js';
import { SUPERBLOCK_NAME } from '../format/names.js';

/** What is made belongs to whom the store in `dir` belongs, whose server must open it. */
export function environmentOf(dir: string): Environment {
  return nodeEnvironment({ owner: ownerOfStore(dir) });
}

/**
 * Whose files a store is made of, for root, who would leave some that its server cannot open; null for everybody else, and
 * where nothing is there.
 */
function ownerOfStore(dir: string): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  for (const path of [join(dir, SUPERBLOCK_NAME), dir]) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined) return { uid: found.uid, gid: found.gid };
  }
  return null;
}
