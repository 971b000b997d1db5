import type { DiskFile } from '../../disk/port.js';
import { readFully } from '../../disk/read-fully.js';
import { FRAME_HEADER_BYTES_MAX, readFrameHeader } from '../../format/frame-header.js';

/**
 * True if not even the header of the first frame can be read where the group was to be: bytes reach the cache from the front,
 * so no frame of it did, and a later one may be written in its place.
 */
export async function nothingLanded(file: DiskFile, offset: number, salt: number): Promise<boolean> {
  const found = new Uint8Array(FRAME_HEADER_BYTES_MAX);
  try {
    const count = await readFully(file, found, offset);
    return readFrameHeader(found.subarray(0, count), 0, salt) === null;
  } catch {
    return false;
  }
}
