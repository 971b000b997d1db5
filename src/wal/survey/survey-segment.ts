import type { FrameHeader } from '../../format/frame-header.js';
import type { FrameRecords } from '../../format/frame-records.js';
import type { RunState } from '../segment/frame-run.js';
import type { Broken, FoundFrame, FrameListener, SegmentWalk } from '../segment/segment-walk.js';

/** A whole frame, and where it stands. Its records are views, valid until the next frame is asked for. */
export interface SurveyedFrame {
  readonly header: FrameHeader;
  readonly records: FrameRecords;
  readonly segment: number;
  readonly path: string;
  readonly offset: number;
}

/** What stands behind the last whole frame of a segment, and is none. */
export interface Tear extends Broken {
  /** All frames in it of which at least the header is whole, in order. */
  readonly lost: readonly FoundFrame[];
}

/** Bytes between the frames of a segment that are not what was written there, or do not belong there. */
export interface Hole extends Tear {
  readonly path: string;
  readonly offset: number;
  /** Behind its last byte. */
  readonly untilOffset: number;
  /** The run in front of it. */
  readonly before: RunState;
  /** The next frame behind it that is intact. */
  readonly next: FrameHeader;
}

/** Hears what stands in a segment, in order. */
export interface PieceListener {
  readonly onFrame: FrameListener;
  /** False ends the survey of the segment. */
  readonly onHole: (hole: Hole) => Promise<boolean>;
}

/**
 * Reads a segment from its first frame to its last, past whatever is damaged in between. Safe beside a live writer: what
 * looks broken is read again once something intact was found behind it, since the writer puts a frame on the disk before
 * those that follow. A tear at the very end, with nothing intact behind it, is no hole, and is returned.
 */
export async function surveySegment(
  walk: SegmentWalk,
  path: string,
  { onFrame, onHole }: PieceListener,
): Promise<Tear | null> {
  let broken = await walk.takeRun(onFrame);
  for (;;) {
    const { lost, next } = await nextWhole(walk, broken);
    if (next === null) return broken.header === null && lost.length === 0 ? null : { ...broken, lost };
    const { offset } = walk;
    walk.refresh();
    broken = await walk.takeRun(onFrame);
    if (walk.offset !== offset) continue;
    const before = walk.run;
    const hole = { ...broken, lost, path, offset, untilOffset: next.offset, before, next: next.header };
    if (!(await onHole(hole))) return null;
    walk.goOnAt(next);
    broken = await walk.takeRun(onFrame);
  }
}

/** The next whole frame that can follow the run, at any distance, and those on the way that are not whole. */
async function nextWhole(
  walk: SegmentWalk,
  { kind }: Broken,
): Promise<{ readonly lost: readonly FoundFrame[]; readonly next: FoundFrame | null }> {
  const lost: FoundFrame[] = [];
  for await (const found of walk.behind(walk.offset)) {
    if (!walk.canFollow(found.header)) continue;
    // Where its records are not what they should be only the layer above can tell.
    const isItself = kind === 'payload' && found.offset === walk.offset;
    if (found.isWhole && !isItself) return { lost, next: found };
    lost.push(found);
  }
  return { lost, next: null };
}
