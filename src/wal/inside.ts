/**
 * The one door through which the rooms above enter `wal`, beside the words of `report/`: the log and how it is opened, what
 * stands above it, the survey of a store, and the mechanics that put a new log in the place of an old one. Everything else
 * in here is the affair of `wal` alone.
 */
// The log: frames in, records out.
export { openSegmentedLog } from './open-segmented-log.js';
export type { SegmentedLog } from './segmented-log.js';
export { Frame } from './write/frame.js';
export type { RecordRegion } from './segment/record-reader.js';
export { StorePaths } from './store/store-directory.js';
// What stands above it.
export type { WalLayer } from './layer.js';
// A store with all its damage.
export { StoreToSurvey, type SurveyListener } from './survey/survey-store.js';
export type { StoreSurvey } from './survey/store-survey.js';
export type { LostFrame } from './survey/walk-lost-frame.js';
export { SalvagedRecords } from './survey/salvaged-records.js';
// A new log in the place of an old one: of a damaged store, or of an older format.
export { StoreUnderRepair } from './switch/store-under-repair.js';
export type { OlderStores, Replacement } from './switch/older-stores.js';
// Copies of a store.
export { DirectoryInMaking } from './copy/directory-in-making.js';
export { buildClone } from './copy/build-clone.js';
export { openToCopy, type LogToCopy } from './copy/open-to-copy.js';
