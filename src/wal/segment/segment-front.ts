import type { DiskFile } from '../../disk/port.js';
import { innerSeed } from '../../format/checksum.js';
import { framesFrom, segmentSalt, type SegmentHeader } from '../../format/segment-header.js';
import { runBefore, type Fence, type RunState } from './frame-run.js';
import { SegmentWalk } from './segment-walk.js';

/** The frames of a segment up to some byte, as this process has read and proven them. */
export interface SegmentFront {
  readonly run: RunState;
  /** Behind the last of them. */
  readonly until: number;
  /** Over all their bytes; seeded with {@link innerSeed} of the salt. */
  readonly checksum: number;
  /** Numbers that they wrote, those written twice counted twice. */
  readonly entries: number;
}

/** In front of the first frame. */
export function emptyFront(header: SegmentHeader): SegmentFront {
  const checksum = innerSeed(segmentSalt(header.identity));
  return { run: runBefore(header), until: framesFrom(header.state.length), checksum, entries: 0 };
}

/**
 * The front with all frames up to `until`, read back: each is held against its own checksums and its place in the chain,
 * and the sum is that of the very bytes which were. Where the run does not end there, it ends before.
 */
export async function readFront(
  file: DiskFile,
  header: SegmentHeader,
  from: SegmentFront,
  until: number,
  fences: readonly Fence[],
): Promise<SegmentFront> {
  if (from.until === until) return from;
  const options = { fences, readsAhead: true, checksum: from.checksum };
  // Nothing behind `until` is read, nor belongs to it.
  const walk = new SegmentWalk(file, { ...header, segmentBytes: until }, options);
  walk.run = from.run;
  walk.offset = from.until;
  let { entries } = from;
  try {
    await walk.takeRun((frame) => {
      entries += frame.until - frame.from;
    });
  } finally {
    await walk.settle();
  }
  return { run: walk.run, until: walk.offset, checksum: walk.checksumThrough(), entries };
}
