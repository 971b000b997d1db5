import type { DiskFile } from '../../disk/port.js';
import type { FrameHeader } from '../../format/frame-header.js';
import type { FrameRecords } from '../../format/frame-records.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import type { IndexRange } from '../report/recovery-report.js';
import type { RunState } from './frame-run.js';
import { RecordIndex } from './record-index.js';
import type { SegmentFront } from './segment-front.js';
import { SegmentWalk, type Broken, type WalkOptions } from './segment-walk.js';
import { UnprovenFrames } from './unproven-frames.js';

/** Why a run ended before the bytes of its segment did. */
export interface RunStop extends Pick<Broken, 'kind' | 'reason'> {
  /** Behind the last byte that bears the segment's identity. */
  readonly untilOffset: number;
  /** Entries of whole frames behind the stop. */
  readonly intact: readonly IndexRange[];
}

/** What stands in one segment, read frame by frame up to the end of its run. */
export interface SegmentScan {
  readonly run: RunState;
  /** Where the next frame would begin. */
  readonly runUntil: number;
  readonly frameCount: number;
  readonly index: RecordIndex;
  /** Some frame of the run replaced the whole log. */
  readonly resets: boolean;
  /** Null if nothing behind the run bears the segment's identity. */
  readonly stop: RunStop | null;
  /** Where the first frame stands that no mark up to there proves; `runUntil` if there is none. */
  readonly unprovenFrom: number;
  /** Of frames that were summed, for a seal of a clean end: null where they were gone over one by one. */
  readonly front: SegmentFront | null;
  readonly readBytes: number;
}

/**
 * Reads a segment as an open does: the unbroken run (R2), and, behind its end, whatever else bears the segment's
 * identity, for the verdict (R3, R4).
 */
export async function scanSegment(
  file: DiskFile,
  header: SegmentHeader,
  options: WalkOptions,
  replay: (header: FrameHeader, records: FrameRecords) => void,
): Promise<SegmentScan> {
  const { fences, witnesses, beforeRead, untilLsn, judgeFrame } = options;
  const ahead = { fences, witnesses, readsAhead: true, beforeRead, untilLsn, judgeFrame };
  const walk = new SegmentWalk(file, header, ahead);
  try {
    return await scanned(walk, header, replay);
  } finally {
    await walk.settle();
  }
}

async function scanned(
  walk: SegmentWalk,
  header: SegmentHeader,
  replay: (header: FrameHeader, records: FrameRecords) => void,
): Promise<SegmentScan> {
  const index = new RecordIndex(header.end.lastIndex + 1);
  const unproven = new UnprovenFrames();
  let resets = false;
  const broken = await walk.takeRun((frame, records, offset) => {
    index.truncateFrom(frame.from, frame.resets);
    index.append(records, frame.until - frame.from);
    resets ||= frame.resets;
    unproven.add(walk.run.lastLsn, offset);
    unproven.dropThrough(walk.witnesses.mark.lsn);
    replay(frame, records);
  });
  const behind = await searchBehind(walk);
  const isSilent = broken.kind === 'header' && behind.untilOffset === 0;
  return {
    run: walk.run,
    runUntil: walk.offset,
    frameCount: walk.frameCount,
    index,
    resets,
    stop: isSilent ? null : { kind: broken.kind, reason: broken.reason, ...behind },
    unprovenFrom: unproven.first ?? walk.offset,
    front: null,
    readBytes: walk.readBytes,
  };
}

/** What stands behind the end of a run. */
type Behind = Pick<RunStop, 'untilOffset' | 'intact'>;

/** All that a walk finds behind its run; `untilOffset` is 0 if that is nothing. */
export async function searchBehind(walk: SegmentWalk): Promise<Behind> {
  const intact: IndexRange[] = [];
  let untilOffset = 0;
  for await (const found of walk.behind(walk.offset)) {
    untilOffset = Math.max(untilOffset, found.untilOffset);
    const { from, until } = found.header;
    if (!found.isWhole || from === until || !walk.canFollow(found.header)) continue;
    const last = intact[intact.length - 1];
    if (last?.until === from) intact[intact.length - 1] = { from: last.from, until };
    else intact.push({ from, until });
  }
  return { untilOffset, intact };
}
