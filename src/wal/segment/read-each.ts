import { closeFile } from '../../disk/close-file.js';
import type { Disk } from '../../disk/port.js';
import { viewOf } from '../../format/integers.js';
import { recordBytesAt, RECORD_HEADER_BYTES } from '../../format/record.js';
import { openSegment, readAt } from './read-segment.js';
import type { RecordIndex } from './record-index.js';
import type { RecordRegion } from './record-reader.js';

/**
 * The records numbered `[from, until)` of a segment, each by its own place and in a region of its own: for where what
 * stands between them is damaged. Whether one is what was written there is for who decodes it.
 */
export async function* readEach(
  disk: Disk,
  path: string,
  places: RecordIndex,
  from: number,
  until: number,
): AsyncGenerator<RecordRegion, void, undefined> {
  const file = await openSegment(disk, path);
  try {
    for (let number = from; number < until; number += 1) {
      const offset = places.offsetOf(number) ?? 0;
      const head = viewOf(await readAt(file, offset, RECORD_HEADER_BYTES));
      const bytes = await readAt(file, offset, recordBytesAt(head, 0));
      yield { from: number, offsets: Uint32Array.of(offset), bytes, fileOffset: offset, path };
    }
  } finally {
    await closeFile(file);
  }
}
