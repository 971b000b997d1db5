import type { DiskFile } from '../../disk/port.js';
import { frameHeaderAt } from '../segment/read-segment.js';

/**
 * True if not even the header of the first frame can be read where the group was to be: bytes reach the cache from the front,
 * so no frame of it did, and a later one may be written in its place.
 */
export async function nothingLanded(file: DiskFile, offset: number, salt: number): Promise<boolean> {
  try {
    return (await frameHeaderAt(file, offset, salt, 'background')) === null;
  } catch {
    return false;
  }
}
