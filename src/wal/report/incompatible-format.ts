import { KeelsonError } from '../../errors/index.js';
import { FORMAT_VERSION } from '../../format/segment-header.js';
import type { SuperblockVerdict } from '../../format/superblock.js';

/** `path` is of a format that this release does not read. Versions are numbers of the format, not of releases. */
export function otherFormat(path: string, found: number): KeelsonError {
  return incompatible(path, found, 'Open it with the release that wrote it, or a newer one.');
}

/** `path` is of an older format, of which this release has a reader: what to do with it is for the caller to say. */
export function olderFormat(path: string, found: number): KeelsonError {
  return incompatible(
    path,
    found,
    `Open it with onOlderFormat 'migrate', which keeps what it holds, or with the release that wrote it.`,
  );
}

function incompatible(path: string, found: number, next: string): KeelsonError {
  const expected = FORMAT_VERSION;
  const message = `${path} is of format ${String(found)}, this release reads format ${String(expected)}. Nothing was changed. ${next}`;
  return new KeelsonError('KEELSON_INCOMPATIBLE_FORMAT', message, { path, found, expected });
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
