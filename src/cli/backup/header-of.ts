import { nodeEnvironment } from '../../disk/node-environment.js';
import type { DiskFile } from '../../disk/index.js';
import {
  decodeRaftPreamble,
  decodeSnapshotName,
  RAFT_RECORD_KINDS,
  type SnapshotName,
} from '../../format/raft-records.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import { readSegmentHeader } from '../../wal/segment/read-segment.js';
import { SegmentWalk } from '../../wal/segment/segment-walk.js';

/** The header of a segment; null if it has none that is whole. */
export function headerOf(path: string): Promise<SegmentHeader | null> {
  return withHeader(path, (_file, header) => Promise.resolve(header));
}

/** How far a segment goes up to an LSN, and which snapshot counts there. */
export interface KnownPart {
  /** Where the frames begin that hold a record behind it. */
  readonly offset: number;
  readonly snapshot: SnapshotName | null;
}

/** Reads a segment up to that LSN. */
export async function knownPart(path: string, lsn: number): Promise<KnownPart> {
  const known = await withHeader(path, async (file, header) => {
    let snapshot = decodeRaftPreamble(header.state)?.snapshot ?? null;
    const walk = new SegmentWalk(file, header, { untilLsn: lsn });
    await walk.takeRun((_frame, records) => {
      for (records.rewind(); records.next();)
        if (records.kind === RAFT_RECORD_KINDS.snapshot)
          snapshot = decodeSnapshotName(records.body)?.name ?? null;
    });
    return { offset: walk.offset, snapshot };
  });
  return known ?? { offset: 0, snapshot: null };
}

async function withHeader<T>(
  path: string,
  run: (file: DiskFile, header: SegmentHeader) => Promise<T>,
): Promise<T | null> {
  const file = await nodeEnvironment().disk.open(path, { access: 'read' });
  try {
    const { verdict } = await readSegmentHeader(file);
    return verdict.kind === 'valid' ? await run(file, verdict.header) : null;
  } finally {
    await file.close();
  }
}
