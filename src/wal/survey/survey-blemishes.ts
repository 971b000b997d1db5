import type { DurableMark } from '../../format/position.js';
import { SUPERBLOCK_SLOT_BYTES } from '../../format/superblock.js';
import type { Blemish } from '../report/blemish.js';
import type { StoreSurvey } from './store-survey.js';

/** What of a survey is not as it was written, and has a second witness. */
export function blemishesOf(
  { slots, segments, marks }: Pick<StoreSurvey, 'slots' | 'segments' | 'marks'>,
  proven: DurableMark,
): Blemish[] {
  const blemishes: Blemish[] = [];
  if (slots.superblock !== null) {
    slots.slots.forEach((slot, at) => {
      const reason = `slot ${at} is not whole; the other one is, and the next open rebuilds it`;
      if (slot.kind !== 'valid')
        blemishes.push({ path: slots.path, offset: at * SUPERBLOCK_SLOT_BYTES, reason });
    });
  }
  if (marks.state === 'bad')
    blemishes.push({
      path: marks.path,
      offset: 0,
      reason: 'no whole end mark is in it; the next one is written over it',
    });
  segments.forEach((segment, at) => {
    const { header, run, seal, path, tear, framesUntil } = segment;
    if (header === null || run === null) return;
    if (at < segments.length - 1 && seal !== 'whole')
      blemishes.push({
        path,
        offset: header.segmentBytes,
        reason: 'its seal is not whole; reads rebuild it from the frames',
      });
    const torn = segment.holes[0] ?? null;
    const end = torn?.before.lastLsn ?? run.lastLsn;
    if (at === segments.length - 1 && (tear !== null || torn !== null) && end >= proven.lsn) {
      const offset = torn?.offset ?? framesUntil;
      const reason =
        'behind the end of the log stand bytes of saves that were never acknowledged; the next open cuts them off';
      blemishes.push({ path, offset, reason });
    }
  });
  return blemishes;
}
