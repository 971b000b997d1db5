import { nodeEnvironment } from '../../disk/node-environment.js';
import { throwIfAborted } from '../../errors/index.js';
import type { RaftLog } from '../contract.js';
import { withoutFiles } from '../copies/without-files.js';
import { StoredRaftLog } from '../raft-log.js';
import type { RaftLogOptions } from '../options-contract.js';
import { DEFAULTS, resolveDiskless } from '../rules/options.js';
import { LogEmitter } from '../state/log-emitter.js';
import type { DurableState } from '../state/durable-state.js';
import type { VerifyReport } from '../verify-report.js';
import { IN_MEMORY, MemoryFrames, MemoryMedium } from './memory-frames.js';
import { MemorySnapshots } from './memory-snapshots.js';

/** Options of {@link createMemoryRaftLog}: those of `openRaftLog` that mean something without a disk. */
export type MemoryRaftLogOptions = Pick<
  RaftLogOptions,
  'checks' | 'batchBytesMax' | 'queueBytesMax' | 'recentBytes'
>;

/**
 * A whole {@link RaftLog} in memory, for the tests of hosts: the same checks, errors and order of events as
 * on a disk, and nothing that outlives the process.
 *
 * A save resolves in a later microtask, until then only `accepted` shows it. `recovery.verdict` is `'fresh'`.
 *
 * @throws `KEELSON_INVALID_ARGUMENT` naming an option that is unknown or out of bounds.
 */
export function createMemoryRaftLog(options: MemoryRaftLogOptions = {}): RaftLog {
  return openMemoryRaftLog(options, new MemoryMedium());
}

/** Opens a log on a medium that may have held one before. Throws `KEELSON_LOCKED` while another has it. */
export function openMemoryRaftLog(options: MemoryRaftLogOptions, medium: MemoryMedium): RaftLog {
  const { checks, batchBytesMax, queueBytesMax, recentBytes } = resolveDiskless(options);
  const emitter = new LogEmitter(nodeEnvironment(), IN_MEMORY);
  const limits = { frameBytesMax: batchBytesMax, queueBytesMax };
  const frames = new MemoryFrames(medium, limits, {
    onSync: (event) => emitter.tell('sync', event),
    onFailed: (error) => emitter.tell('failed', error),
  });
  queueMicrotask(() => emitter.tell('recovered', frames.recovery));
  const { durable } = medium;
  const snapshots = new MemorySnapshots(medium.snapshots);
  const store = {
    dir: IN_MEMORY,
    frames,
    snapshots,
    durable,
    emitter,
    openSnapshot: async (...which: Parameters<MemorySnapshots['open']>) => snapshots.open(...which),
    verify: async ({ signal }: { readonly signal?: AbortSignal }) => verified(durable, signal),
    ...withoutFiles('in memory', 'Copy a log on a disk.'),
    oldestCall: () => null,
    close: () => frames.close(),
  };
  const { snapshotsKept, readOnly } = DEFAULTS;
  return new StoredRaftLog(store, { checks, readOnly, snapshotsKept, queueBytesMax, recentBytes });
}

/** The verification of a log in memory, where nothing can rot: the counts of a log on a disk, and never a damage. */
function verified(durable: DurableState, signal: AbortSignal | undefined): VerifyReport {
  throwIfAborted('the verification', signal);
  return Object.freeze({
    verdict: 'sound',
    damage: [],
    blemishes: [],
    notes: [],
    segments: 0,
    frames: 0,
    entries: durable.lastIndex - durable.firstIndex + 1,
    snapshots: durable.snapshots.length,
    readBytes: 0,
    ms: 0,
  });
}
