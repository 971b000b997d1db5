import { nodeEnvironment } from '../../disk/node-environment.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import { readSegmentHeader } from '../../wal/segment/read-segment.js';

/** The header of a segment; null if it has none that is whole. */
export async function headerOf(path: string): Promise<SegmentHeader | null> {
  const file = await nodeEnvironment().disk.open(path, { access: 'read' });
  try {
    const { verdict } = await readSegmentHeader(file);
    return verdict.kind === 'valid' ? verdict.header : null;
  } finally {
    await file.close();
  }
}
