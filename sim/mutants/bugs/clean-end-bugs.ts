import type { PlantedBug } from '../planted-bug.js';

const CLEAN_TAIL = 'src/wal/recover/clean-tail.ts';
const SEAL_SEGMENT = 'src/wal/write/seal-segment.ts';

/** Bugs in what a clean close leaves in the place of a look at each frame. */
export const CLEAN_END_BUGS: readonly PlantedBug[] = [
  {
    number: 131,
    name: 'the seal of a clean end believed without a look at the frames',
    rule: 'R12',
    hunks: [
      {
        file: CLEAN_TAIL,
        find: 'read === null || read.checksum !== provisional.tailChecksum',
        put: 'read === null || provisional.tailChecksum < 0',
      },
    ],
  },
  {
    number: 132,
    name: 'the seal of a clean end believed though frames followed',
    rule: 'R2, D7',
    withoutMask: 'all that tells its age',
    hunks: [
      {
        file: CLEAN_TAIL,
        find: '!isCleanEnd || mark.lsn !== proven.lsn',
        put: '!isCleanEnd && mark.lsn < 0',
      },
      {
        file: CLEAN_TAIL,
        find: 'trailer.epoch !== epoch || trailer.lastLsn !== proven.lsn',
        put: 'epoch < 0',
      },
      {
        file: CLEAN_TAIL,
        find: 'durable[field] !== proven[field]',
        put: 'durable[field] < 0',
      },
      {
        file: CLEAN_TAIL,
        find: 'frames.length < until - at || readFrameHeader(last.subarray(frames.length), 0, salt) !== null',
        put: 'frames.length < until - at && readFrameHeader(last.subarray(frames.length), 0, salt) !== null',
      },
      {
        file: 'src/wal/recover/prove-tail.ts',
        find: 'tail.front !== null || (await holdsOldSeal(file, segment))',
        put: 'tail.front === null && segment.lastLsn < 0 && (await holdsOldSeal(file, segment))',
      },
    ],
  },
  {
    number: 133,
    name: 'the seal of a clean end lacks the last entry',
    rule: 'R2',
    hunks: [
      {
        file: SEAL_SEGMENT,
        find: '{ ...seal, provisional }',
        put: '{ ...seal, ...shorter(active), provisional: { ...provisional, checksums: checksums.slice(0, -1) } }',
      },
      {
        file: SEAL_SEGMENT,
        find: 'function sealOf(',
        put: "function shorter({ index }: ActiveSegment): Pick<Seal, 'until' | 'offsets' | 'sums'> {\n  const until = Math.max(index.lowest, index.until - 1);\n  const sums = rangeSums(index.lowest, index.checksums().slice(0, -1));\n  return { until, sums, offsets: index.offsets().slice(0, -1) };\n}\n\nfunction sealOf(",
      },
    ],
  },
  {
    number: 134,
    name: 'the seal of a clean end holds the state that the segment began with',
    rule: 'D6',
    hunks: [
      { file: SEAL_SEGMENT, find: 'state = layer.preambleState();', put: 'state = active.header.state;' },
    ],
  },
  {
    number: 135,
    name: 'a close sums what it reads back and proves none of it',
    rule: 'R3, R12',
    hunks: [
      {
        file: 'src/wal/segment/segment-front.ts',
        find: '    await walk.takeRun((frame) => {\n      entries += frame.until - frame.from;\n    });\n',
        put: '    await walk.takeRun((frame) => {\n      entries += frame.until - frame.from;\n    });\n    walk.offset = until;\n',
      },
      {
        file: SEAL_SEGMENT,
        find: 'until === offset && run.chain === chain && run.lastLsn === durable.lsn ? front : null',
        put: 'until === offset && run.chain + chain + durable.lsn >= 0 ? front : null',
      },
    ],
  },
];
