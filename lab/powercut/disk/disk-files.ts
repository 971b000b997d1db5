import { join } from 'node:path';

/** The files of one disk, side by side in a folder in memory. */
export interface DiskFiles {
  readonly name: string;
  /** What the disk holds now, its cache included. */
  readonly image: string;
  readonly journal: string;
  /** How many records the journal has: 8 bytes. */
  readonly count: string;
  /** What the disk is to fail with, and until when (faults.ts). */
  readonly faults: string;
}

export function diskFiles(folder: string, name: string): DiskFiles {
  const at = (kind: string): string => join(folder, `${name}.${kind}`);
  return { name, image: at('image'), journal: at('journal'), count: at('count'), faults: at('faults') };
}
