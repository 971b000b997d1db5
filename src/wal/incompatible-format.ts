import { KeelsonError } from '../errors/index.js';
import { FORMAT_VERSION } from '../format/segment-header.js';
import type { SuperblockVerdict } from '../format/superblock.js';

/** `path` is of a format that this release does not read. Versions are numbers of the format, not of releases. */
export function newerFormat(path: string, found: number): KeelsonError {
  return new KeelsonError(
    'KEELSON_INCOMPATIBLE_FORMAT',
    `${path} is of format ${String(found)}, this release reads format ${String(FORMAT_VERSION)}. Nothing was changed. Open it with the release that wrote it, or a newer one.`,
    { path, found, expected: FORMAT_VERSION },
  );
}

/** The highest version in the slots, under a checksum that holds, that is not ours; null if there is none. */
export function otherVersionOf(slots: readonly SuperblockVerdict[], which: 'newer' | 'any'): number | null {
  let highest: number | null = null;
  for (const slot of slots) {
    if (slot.kind !== 'other-version' || (which === 'newer' && slot.version < FORMAT_VERSION)) continue;
    highest = Math.max(highest ?? 0, slot.version);
  }
  return highest;
}
