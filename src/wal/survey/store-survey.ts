import type { DurableMark } from '../../format/position.js';
import type { SegmentHeader } from '../../format/segment-header.js';
import type { Superblock } from '../../format/superblock.js';
import type { Blemish } from '../report/blemish.js';
import type { Damage } from '../report/damage.js';
import type { RunState } from '../segment/frame-run.js';
import type { SegmentHurt } from './segment-hurts.js';
import type { HeaderFault } from '../segment/header-fault.js';
import type { SurveyedMarks, SurveyedSlots } from './survey-marks.js';
import type { SurveyedRange } from './survey-range.js';

/** A damage that a survey found. */
export interface SurveyedDamage extends Damage {
  /** True: an open succeeds all the same, and only reads of these entries meet it (R12). */
  readonly canOpen: boolean;
}

/** One segment of the range, as it was found. */
export interface SurveyedSegment extends SegmentHurt {
  readonly number: number;
  readonly path: string;
  /** Null: it is not there. */
  readonly fileBytes: number | null;
  /** Null: it is missing, or its header is not whole, or another store's. */
  readonly header: SegmentHeader | null;
  readonly fault: HeaderFault | null;
  /** `'absent'`: as in a tail. `'bad'`: it was sealed, and its index has to be rebuilt from its frames. */
  readonly seal: 'whole' | 'absent' | 'bad';
  /** LSN that its seal ends with, if it has one. */
  readonly sealedLsn: number | null;
  readonly frames: number;
  /** Numbered records in whole frames, those that later ones replaced included. */
  readonly entries: number;
  readonly run: RunState | null;
  /** Behind its last whole frame. */
  readonly framesUntil: number;
}

/** All of a store, as far as it can be read. */
export interface StoreSurvey {
  readonly slots: SurveyedSlots;
  readonly marks: SurveyedMarks;
  /** The newest whole slot; null if there is none. */
  readonly superblock: Superblock | null;
  readonly lineage: Uint8Array | null;
  readonly range: SurveyedRange;
  readonly segments: readonly SurveyedSegment[];
  /** False: not every record that was not compacted can be in these segments. */
  readonly isCovered: boolean;
  /** P: the highest mark of all (R1). */
  readonly proven: DurableMark;
  /** Ordered by where in the log they are. */
  readonly damages: readonly SurveyedDamage[];
  /** What the next open puts right by itself, for the record. */
  readonly blemishes: readonly Blemish[];
  readonly highestEpoch: number;
  readonly highestLsn: number;
  /** Of all segments there are, live or not. */
  readonly highestSegment: number;
  /** Why no log can be written above all these numbers (D9); null if one can. */
  readonly whyNoneAbove: string | null;
  readonly readBytes: number;
}
