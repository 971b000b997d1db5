import type { RaftLogStats } from '../raft-log/stats.js';

/** Buckets of durations, in seconds: from a sync of a fast disk to one that an election does not wait for. */
export const DURATION_BUCKETS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
];

/** One figure of a server. */
export interface Metric {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly help: string;
  /** Of a figure of each log: where it stands in what `log.stats()` gives. */
  readonly ofStats?: Counted;
}

type Counted = {
  [Field in keyof RaftLogStats]: RaftLogStats[Field] extends number ? Field : never;
}[keyof RaftLogStats];

/** The one table of what `keelson serve --metrics-port` tells: made into metrics, and into docs/metrics.md. */
export const METRICS: readonly Metric[] = [
  {
    name: 'keelson_sync_seconds',
    kind: 'histogram',
    labels: ['log'],
    help: 'Write and sync of a group of saves.',
  },
  {
    name: 'keelson_call_seconds',
    kind: 'histogram',
    labels: ['method', 'code'],
    help: 'A call of the service, from its first message to its end; code is OK or that of its error.',
  },
  { name: 'keelson_connections', kind: 'gauge', labels: [], help: 'Connections that are open.' },
  { name: 'keelson_sessions', kind: 'gauge', labels: [], help: 'Logs that have a session.' },
  ofLog('counter', 'keelson_saves_total', 'saves', 'Saves accepted since the session began.'),
  ofLog('counter', 'keelson_entries_total', 'entries', 'Entries accepted since the session began.'),
  ofLog(
    'counter',
    'keelson_payload_bytes_total',
    'payloadBytes',
    'Bytes of entry data accepted since the session began.',
  ),
  ofLog('counter', 'keelson_frame_bytes_total', 'frameBytes', 'Bytes of frames written, headers included.'),
  ofLog('counter', 'keelson_rotations_total', 'rotations', 'Segments that took over from a full one.'),
  ofLog(
    'counter',
    'keelson_end_marks_failed_total',
    'endMarksFailed',
    'End marks that could not be written: while none lands, damage to the newest groups may pass for a tear.',
  ),
  ofLog('gauge', 'keelson_segments', 'segmentsLive', 'Segments that hold the log.'),
  ofLog('gauge', 'keelson_queued_bytes', 'queuedBytes', 'Bytes of saves that wait for the disk.'),
];

function ofLog(kind: Metric['kind'], name: string, ofStats: Counted, help: string): Metric {
  return { name, kind, labels: ['log'], help, ofStats };
}
