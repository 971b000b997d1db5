import { KeelsonError } from '../../errors/index.js';
import { checksumText } from '../../format/checksum.js';

/** The record where an entry was to stand is of another kind, or holds none. */
export function notAnEntry(path: string, offset: number, index: number, kind: number): KeelsonError {
  return corruptEntry(path, offset, index, `a record of kind ${String(kind)}, expected an entry`);
}

/** An entry that does not fit its own checksum. */
export function damagedEntry(
  path: string,
  offset: number,
  index: number,
  found: number,
  expected: number,
): KeelsonError {
  return corruptEntry(
    path,
    offset,
    index,
    `entry checksum ${checksumText(found)}, expected ${checksumText(expected)}`,
  );
}

/** R12: damage met by the read that needed the entry. */
function corruptEntry(path: string, offset: number, index: number, reason: string): KeelsonError {
  return new KeelsonError(
    'KEELSON_CORRUPT',
    `${path} is damaged at byte ${offset}: ${reason}; entry ${index} cannot be read. Nothing was changed. See docs/errors.md for what to do`,
    { path, offset, index, entries: { from: index, until: index + 1 } },
  );
}
