/**
 * Snapshots as files that last: streamed in and out in bounded memory, published whole or not at all,
 * verified before a byte is handed out. The bytes are in src/format/snapshot-file.ts.
 */
export { openSnapshotStore, SnapshotStore, type SnapshotStoreOptions } from './snapshot-store.js';
export type { NamedSnapshot, PublishedSnapshot, SnapshotRef } from './snapshot-ref.js';
export { SnapshotStream } from './snapshot-stream.js';
export type { StagedSnapshot } from './staged-snapshot.js';
export type { SnapshotWriteRequest } from './write-request.js';
export { surveySnapshots, type SurveyedSnapshot } from './survey-snapshots.js';
