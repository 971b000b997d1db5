import { statSync } from 'node:fs';
import { join } from 'node:path';
import { SUPERBLOCK_NAME } from '../format/names.js';

/**
 * Whose files a store is made of, for root, who would leave some that its server cannot open; null for everybody else, and
 * where nothing is there.
 */
export function ownerOfStore(dir: string): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  for (const path of [join(dir, SUPERBLOCK_NAME), dir]) {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined) return { uid: found.uid, gid: found.gid };
  }
  return null;
}
