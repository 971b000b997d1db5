import type { EventEmitter } from 'eventemitter3';
import type { CallUnderWay } from '../disk/disk-watch.js';
import type { KeelsonError } from '../errors/index.js';
import type { RecoveryReport } from '../wal/report/recovery-report.js';
import type { SnapshotMeta } from './snapshot-contract.js';

/**
 * What `log.events` tells, and with what.
 *
 * A listener that throws, or returns a promise that rejects, harms no write, keeps no other listener from being told and
 * ends no process. The first failure of each is a warning of a later turn: of the process, with the code
 * `KEELSON_LISTENER`, or whatever `warn` of the log's `Environment` makes of it.
 */
export interface RaftLogEventMap {
  /** A group is on stable storage. */
  sync: (event: {
    readonly lsn: number;
    readonly saves: number;
    readonly bytes: number;
    readonly ms: number;
  }) => void;
  /** A new segment took over. */
  rotate: (event: { readonly path: string; readonly number: number; readonly recycled: boolean }) => void;
  /** The log was opened; told once, in the turn after open resolved. */
  recovered: (report: RecoveryReport) => void;
  /** An older snapshot stands in for the one that the log names (R8); told once, behind `recovered`. */
  'snapshot-fallback': (fallback: NonNullable<RecoveryReport['snapshotFallback']>) => void;
  /** Entries up to `upTo` are gone, durably. */
  compacted: (event: { readonly upTo: number; readonly bytesFreed: number }) => void;
  /** A snapshot counts; `installed`: it came from a leader. */
  snapshot: (event: { readonly meta: SnapshotMeta; readonly installed: boolean }) => void;
  /** Entry saves are refused for want of room. */
  'no-space': (error: KeelsonError) => void;
  /** What was refused for want of room, or of a descriptor (`EMFILE`, `ENFILE`), may be tried again. */
  'space-back': () => void;
  /** The log is latched; only reopening clears it. */
  failed: (error: KeelsonError) => void;
  /** A sync took longer than 100 ms; told when it is over: of one that hangs, `stalled` tells while it does. */
  'slow-sync': (event: { readonly ms: number; readonly bytes: number }) => void;
  /**
   * A call of the disk has hung for a second, and hangs still: told then, and again each time it has lasted twice as long.
   * A leader steps down; see `log.health()` for whether it has come back. Not told of a call that hangs inline, since
   * then the event loop stands still too (`writeMode`).
   */
  stalled: (call: CallUnderWay) => void;
  /**
   * A checkpoint or an archiver keeps segments from being freed that nothing else needs: more than `pinnedBytesQuiet`, and
   * told again each time they have doubled. Or a snapshot of more than that is read, which a newer one has just replaced.
   * See `log.space()`.
   */
  pinned: (event: { readonly holder: string; readonly bytes: number; readonly ageMs: number }) => void;
  /** End marks cannot be written, of which the first since they last could is told: see `stats().endMarksFailed`. */
  unmarked: (error: KeelsonError) => void;
}

/** The part of an emitter that listeners need; only the log emits. */
export type RaftLogEvents = Pick<
  EventEmitter<RaftLogEventMap>,
  'on' | 'once' | 'off' | 'addListener' | 'removeListener' | 'listenerCount'
>;
