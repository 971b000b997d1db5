/**
 * The one door through which the rooms above enter `wal`: the log and how it is opened, what it tells, the survey of a
 * store, and the mechanics of a repair. Everything else in here is the affair of `wal` alone.
 */
export type { ReplayedFrame, ReplayedPreamble, SealedSegment, WalLayer } from './layer.js';
export { checkFrameSize, readOnlyError, throwIfAbandoned } from './log-refusals.js';
export type { OpenRequest } from './open-request.js';
export { openSegmentedLog } from './open-segmented-log.js';
export type { Blemish } from './report/blemish.js';
export { damageError, NO_ENTRIES } from './report/damage.js';
export type { IndexRange, RecoveryReport } from './report/recovery-report.js';
export { readEach } from './segment/read-each.js';
export { RecordIndex } from './segment/record-index.js';
export { type RecordRegion, malformed, REGION_RECORDS } from './segment/record-reader.js';
export { SegmentedLog, closedError, failedError } from './segmented-log.js';
export { whyNoneAbove } from './store/room-above.js';
export { type StorePaths, segmentSizes, storePaths } from './store/store-directory.js';
export { RecordLedger } from './survey/record-ledger.js';
export type { StoreSurvey } from './survey/store-survey.js';
export { type SurveyedSlots, surveySlots } from './survey/survey-marks.js';
export type { Hole, SurveyedFrame } from './survey/survey-segment.js';
export { type SurveyListener, surveyStore } from './survey/survey-store.js';
export type { LostFrame } from './survey/walk-lost-frame.js';
export { buildBeside, requestBeside } from './switch/build-beside.js';
export { openStretch } from './switch/open-stretch.js';
export { StoreUnderRepair } from './switch/store-under-repair.js';
export type { OlderStore, OlderStores, Replacement } from './switch/older-stores.js';
export type { WalObserver } from './write/observer.js';
export { Frame, type FrameParts } from './write/frame.js';
export { WalCounters } from './write/wal-counters.js';
