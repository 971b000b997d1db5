import { DiskWatch } from '../disk/disk-watch.js';
import type { Environment } from '../disk/environment.js';
import { holdingNames } from '../disk/held-disk.js';
import { nodeEnvironment } from '../disk/node-environment.js';
import { openSegmentedLog, StorePaths, type SegmentedLog } from '../wal/inside.js';
import type { WalObserver } from '../wal/report/observer.js';
import { throwIfAbandoned } from '../errors/log-refusals.js';
import type { RecoveryReport } from '../wal/report/recovery-report.js';
import type { RaftLog } from './contract.js';
import type { RaftLogOptions } from './options-contract.js';
import { DiskStore } from './disk-store.js';
import { DurableState } from './state/durable-state.js';
import { tellExactly } from './repair/tell-exactly.js';
import { OLDER_FORMATS, type OlderFormat } from './switch/older-format.js';
import { StoredRaftLog } from './raft-log.js';
import { resolveOptions } from './rules/options.js';
import { olderStores } from './switch/replacement.js';
import { SnapshotsAtOpen } from './snapshots/snapshots-at-open.js';
import { LogEmitter } from './state/log-emitter.js';

/** A sync that takes longer than this is told of: an election timeout is not much longer. */
const SLOW_SYNC_MS = 100;

/**
 * Opens the Raft log of a directory; makes an empty one if there is none and `create` allows it.
 *
 * Resolved: everything the log shows is on stable storage, and this process is its one writer (D11).
 *
 * Errors: `KEELSON_INVALID_ARGUMENT` and `KEELSON_NOT_A_LOG` before anything is touched; `KEELSON_LOCKED`;
 * `KEELSON_CORRUPT`, `KEELSON_LOG_GAP`, `KEELSON_MISSING_SEGMENT`, `KEELSON_MISSING_SNAPSHOT`,
 * `KEELSON_INCOMPATIBLE_FORMAT` with nothing changed and the report in `details.recovery`; `KEELSON_READ_FAILED`,
 * `KEELSON_WRITE_FAILED`, `KEELSON_SYNC_FAILED`, `KEELSON_NO_SPACE`; `KEELSON_ABORTED`.
 */
export async function openRaftLog(options: RaftLogOptions): Promise<RaftLog> {
  return (await openWithFormats(options, OLDER_FORMATS)).log;
}

/** As {@link openRaftLog}, with other formats before the present one: for the tests of the way from there. */
export async function openWithFormats(
  options: RaftLogOptions,
  formats: readonly OlderFormat[],
): Promise<{ readonly log: StoredRaftLog; readonly store: DiskStore }> {
  const resolved = resolveOptions(options);
  const given = resolved.environment ?? nodeEnvironment();
  const { dir, walDir, signal } = resolved;
  const emitter = new LogEmitter(given, dir);
  const watch = new DiskWatch(given, (call) => emitter.tell('stalled', call));
  const environment = holdingNames(watch.environment);
  const atOpen = new SnapshotsAtOpen(environment, dir, resolved.readOnly);
  const durable = new DurableState(atOpen);
  const opened: { log: SegmentedLog | null; isHeard: boolean } = { log: null, isHeard: false };
  /** What came up before anybody could listen. */
  const early: (() => void)[] = [];
  const log = await openSegmentedLog({
    environment,
    paths: new StorePaths(dir, walDir),
    signal,
    create: resolved.create,
    segmentBytes: resolved.segmentBytes,
    frameBytesMax: resolved.batchBytesMax,
    queueBytesMax: resolved.queueBytesMax,
    pinnedBytesQuiet: resolved.pinnedBytesQuiet,
    writeMode: resolved.writeMode,
    readOnly: resolved.readOnly,
    verifyOnOpen: resolved.verifyOnOpen,
    layer: durable,
    older: olderStores({ formats, options: resolved, environment, durable, snapshots: atOpen }),
    observer: observerOf(emitter, opened, early),
  }).catch(async (error: unknown) => {
    throw await tellExactly(error, { environment, dir, walDir, signal });
  });
  opened.log = log;
  try {
    const snapshots = await atOpen.opened(log.lineage);
    await durable.findOlder();
    const parts = { environment, watch, options: resolved, frames: log, durable, snapshots, emitter };
    const store = new DiskStore(parts);
    const raftLog = new StoredRaftLog(store, resolved);
    if (!resolved.readOnly) await raftLog.finishDeletions();
    // Also where it came too late to stop the work: who gave up waiting must not be left with an open log.
    throwIfAbandoned(dir, signal);
    environment.endOfTurn(() => {
      tellRecovery(emitter, given, log.recovery);
      opened.isHeard = true;
      for (const tell of early) tell();
    });
    return { log: raftLog, store };
  } catch (error) {
    await log.close();
    throw error;
  }
}

/** What the host should know of the open, also where it reads no report: that a snapshot is lost is told twice. */
function tellRecovery(emitter: LogEmitter, environment: Environment, recovery: RecoveryReport): void {
  emitter.tell('recovered', recovery);
  const { snapshotFallback } = recovery;
  if (snapshotFallback === null) return;
  const { lost, used } = snapshotFallback;
  emitter.tell('snapshot-fallback', snapshotFallback);
  environment.warn?.({
    code: 'KEELSON_SNAPSHOT_FALLBACK',
    message: `the snapshot ${lost.path} cannot be used, so the one at ${used.index} stands in for it. The log is whole. Take a new snapshot, and run keelson verify.`,
    detail: lost.reason,
  });
}

/** Turns what the wal tells into the events of the log. */
function observerOf(
  emitter: LogEmitter,
  opened: { readonly log: SegmentedLog | null; readonly isHeard: boolean },
  early: (() => void)[],
): WalObserver {
  return {
    onSync: (event) => {
      opened.log?.prepareNext();
      if (emitter.listenerCount('sync') > 0) emitter.tell('sync', event);
      if (event.ms > SLOW_SYNC_MS) emitter.tell('slow-sync', { ms: event.ms, bytes: event.bytes });
    },
    onRotate: (event) => emitter.tell('rotate', event),
    onShortage: (error) => {
      // Of a descriptor that is lacking the save's own error tells; that it may be tried again, `space-back` does.
      if (error.code === 'KEELSON_NO_SPACE') emitter.tell('no-space', error);
    },
    onSpaceBack: () => emitter.tell('space-back'),
    onUnmarked: (error) => {
      const tell = (): void => emitter.tell('unmarked', error);
      if (opened.isHeard) tell();
      else early.push(tell);
    },
    onFailed: (error) => emitter.tell('failed', error),
    onPinned: ({ holder, bytes, ageMs }) => emitter.tell('pinned', { holder, bytes, ageMs }),
  };
}
