import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { FaultKind } from '../../sim/disk/harm/faults.js';
import { holdingNames } from '../../src/disk/held-disk.js';
import { systemError } from '../../src/disk/system-error.js';
import { isKeelsonError, type ErrorCode, type KeelsonError } from '../../src/errors/index.js';
import type { Entry, RaftLog } from '../../src/raft-log/contract.js';
import type { RaftLogOptions } from '../../src/raft-log/options-contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import { ConnectionLost, type RaftLogCalls } from '../../src/grpc/calls.js';
import { connectTo, hostOf } from '../grpc/in-process.js';
import { unfitHeader } from '../raft-log/unfit-preamble.js';
import { FRAME_MAGIC } from '../../src/format/frame-header.js';
import { SEGMENT_HEADER_BYTES } from '../../src/format/segment-header.js';
import { checksum } from '../../src/format/checksum.js';
import { viewOf } from '../../src/format/integers.js';

/** The scenes play here, so that the messages on the page are those of a real directory. */
const DIR = '/data/log';
const SUPERBLOCK = `${DIR}/superblock`;
const SEGMENT = (number: number): string => `${DIR}/wal/${String(number).padStart(16, '0')}.wal`;

interface Stage {
  readonly disk: SimulatedDisk;
  open(options?: Partial<RaftLogOptions>): Promise<RaftLog>;
}

/** Does what ends with an error of the code. */
type Scene = (stage: Stage) => Promise<unknown>;

function entries(from: number, count: number, term = 2, size = 300): Entry[] {
  return Array.from({ length: count }, (_, at) => ({
    index: from + at,
    term,
    data: new Uint8Array(size).fill(from + at),
  }));
}

/** Term 2, a vote, entries 1..10, of which 5 are committed. */
async function filled(stage: Stage, options: Partial<RaftLogOptions> = {}): Promise<RaftLog> {
  const log = await stage.open(options);
  await log.save({ hardState: { term: 2, vote: 'node-1' }, entries: entries(1, 4) });
  await log.append(entries(5, 6));
  await log.setHardState({ commit: 5 });
  return log;
}

/** A closed store of some segments with entries 1..20, three in each frame. */
async function closedStore(stage: Stage): Promise<void> {
  const log = await stage.open();
  await log.setHardState({ term: 2, vote: 'node-1' });
  for (let index = 1; index <= 20; index += 2) await log.append(entries(index, 2));
  await log.close();
}

const snapshot = (index: number): { index: number; conf: Uint8Array; data: Uint8Array } => ({
  index,
  conf: new Uint8Array(0),
  data: new Uint8Array(100),
});

/** Calls of this kind fail from now on. */
function failing(disk: SimulatedDisk, kind: string, fault: FaultKind): void {
  disk.onCall = (call) => (call.kind === kind ? { fault } : undefined);
}

/** Both slots as a later release would write them: another version, under a checksum that holds. */
function writeOtherVersion(disk: SimulatedDisk): void {
  const bytes = disk.readVolatile(SUPERBLOCK) ?? new Uint8Array();
  for (const from of [0, SUPERBLOCK_SLOT_BYTES]) {
    const slot = bytes.slice(from, from + SUPERBLOCK_SLOT_BYTES);
    viewOf(slot).setUint32(8, 7, true);
    viewOf(slot).setUint32(12, checksum(slot.subarray(16), checksum(slot.subarray(0, 12))), true);
    disk.overwrite(SUPERBLOCK, from, slot);
  }
}

/** The preamble as a repair leaves it that gave up what may have been acknowledged. */
function makeUnfit(disk: SimulatedDisk, unfitUntil: number): void {
  const bytes = disk.readVolatile(SEGMENT(1)) ?? new Uint8Array();
  disk.overwrite(SEGMENT(1), 0, unfitHeader(bytes, unfitUntil));
}

const SCENES: Readonly<Partial<Record<ErrorCode, Scene>>> = {
  KEELSON_INVALID_ARGUMENT: (stage) => stage.open({ snapshotsKept: 0 }),
  KEELSON_TOO_LARGE: async (stage) => {
    const log = await stage.open({ batchBytesMax: 1024 });
    await log.setHardState({ term: 2 });
    return log.append(entries(1, 4));
  },
  KEELSON_NOT_A_LOG: (stage) => stage.open({ create: 'never' }),
  KEELSON_READ_ONLY: async (stage) => {
    await (await filled(stage)).close();
    return (await stage.open({ readOnly: true })).append(entries(11, 1));
  },
  KEELSON_CLOSED: async (stage) => {
    const log = await filled(stage);
    await log.close();
    return log.append(entries(11, 1));
  },
  KEELSON_ABORTED: (stage) => stage.open({ signal: AbortSignal.abort() }),
  KEELSON_QUEUE_FULL: async (stage) => {
    const log = await stage.open({ queueBytesMax: 2048 });
    await log.setHardState({ term: 2 });
    return Promise.all([log.append(entries(1, 3)), log.append(entries(4, 5))]);
  },
  KEELSON_INDEX_GAP: async (stage) => (await filled(stage)).append(entries(13, 1)),
  KEELSON_ENTRY_MISMATCH: async (stage) =>
    (await filled(stage)).append([{ index: 10, term: 2, data: Uint8Array.of(1) }]),
  KEELSON_UNAVAILABLE: async (stage) => (await filled(stage)).entries(8, 13),
  KEELSON_COMPACTED: async (stage) => {
    const log = await filled(stage);
    await log.createSnapshot(snapshot(4));
    await log.compact(4);
    return log.entries(3, 6);
  },
  KEELSON_SNAPSHOT_OUT_OF_DATE: async (stage) => {
    const log = await filled(stage);
    await log.createSnapshot(snapshot(4));
    return log.createSnapshot(snapshot(3));
  },
  KEELSON_TERM_REGRESSION: async (stage) => (await filled(stage)).setHardState({ term: 1 }),
  KEELSON_VOTE_CONFLICT: async (stage) => (await filled(stage)).setHardState({ vote: 'node-2' }),
  KEELSON_COMMIT_REGRESSION: async (stage) => (await filled(stage)).setHardState({ commit: 3 }),
  KEELSON_COMMITTED_TRUNCATION: async (stage) => (await filled(stage)).truncateFrom(5),
  KEELSON_UNFIT_TO_VOTE: async (stage) => {
    await closedStore(stage);
    makeUnfit(stage.disk, 20);
    return (await stage.open()).setHardState({ term: 4, vote: 'node-2' });
  },

  KEELSON_NO_SPACE: async (stage) => {
    const log = await stage.open();
    await log.setHardState({ term: 2 });
    stage.disk.onCall = ({ path }) => (path.endsWith('.spare') ? { code: 'ENOSPC' } : undefined);
    for (let index = 1; ; index += 1) await log.append(entries(index, 1));
  },
  KEELSON_WRITE_FAILED: async (stage) => {
    const log = await filled(stage, { segmentBytes: 65_536 });
    failing(stage.disk, 'write', 'write-error');
    return log.append(entries(11, 1));
  },
  KEELSON_SYNC_FAILED: async (stage) => {
    const log = await filled(stage, { segmentBytes: 65_536 });
    failing(stage.disk, 'dataSync', 'sync-error');
    return log.append(entries(11, 1));
  },
  KEELSON_READ_FAILED: async (stage) => {
    const log = await filled(stage, { segmentBytes: 65_536 });
    failing(stage.disk, 'read', 'read-error');
    return log.entries(1, 3);
  },
  KEELSON_FAILED: async (stage) => {
    const log = await filled(stage, { segmentBytes: 65_536 });
    failing(stage.disk, 'dataSync', 'sync-error');
    await log.append(entries(11, 1)).catch(() => undefined);
    return log.append(entries(11, 1));
  },
  KEELSON_LOCKED: async (stage) => {
    await filled(stage);
    return stage.open();
  },
  KEELSON_LOCK_UNSUPPORTED: (stage) => {
    const environment = holdingNames(stage.disk.environment);
    environment.disk.checkLocks = (path) => {
      const why =
        'the native addon fs-native-extensions does not load on linux-s390x: no build for it is there';
      throw systemError('ERR_NO_LOCK_ADDON', why, { syscall: 'lock', path });
    };
    return openRaftLog({ dir: DIR, environment });
  },
  KEELSON_FATE_UNKNOWN: async (stage) => {
    const host: RaftLogCalls = hostOf(stage.disk.environment, '/data');
    let isCut = false;
    const calls = new Proxy(host, {
      get: (_, method: keyof RaftLogCalls) => (request: never, signal?: AbortSignal) => {
        isCut ||= method === 'saveStream';
        if (isCut) throw new ConnectionLost();
        return host[method](request, signal);
      },
    });
    const log = await connectTo(calls, 'orders', { place: '127.0.0.1:7500/orders', patienceMs: 1 });
    return log.setHardState({ term: 1 });
  },
  KEELSON_FENCED: async (stage) => {
    const log = await filled(stage);
    stage.disk.loseLock();
    const { environment } = stage.disk.startProcess();
    await openRaftLog({ dir: DIR, segmentBytes: 4096, environment });
    return log.append(entries(11, 1));
  },

  KEELSON_CORRUPT: async (stage) => {
    await closedStore(stage);
    stage.disk.flipBit(SEGMENT(1), 900, 3);
    return stage.open({ verifyOnOpen: 'all' });
  },
  KEELSON_LOG_GAP: async (stage) => {
    await closedStore(stage);
    const bytes = Buffer.from(stage.disk.readVolatile(SEGMENT(1)) ?? []);
    const second = bytes.indexOf(FRAME_MAGIC, SEGMENT_HEADER_BYTES + 1);
    // The second frame in the place of the first.
    stage.disk.overwrite(SEGMENT(1), SEGMENT_HEADER_BYTES, bytes.subarray(second, second + 1000));
    return stage.open({ verifyOnOpen: 'all' });
  },
  KEELSON_MISSING_SEGMENT: async (stage) => {
    await closedStore(stage);
    stage.disk.remove(SEGMENT(2));
    return stage.open();
  },
  KEELSON_MISSING_SNAPSHOT: async (stage) => {
    const log = await filled(stage);
    await log.createSnapshot(snapshot(4));
    await log.compact(4);
    await log.close();
    stage.disk.remove(`${DIR}/snapshots/0000000000000004-0000000000000002.snap`);
    return stage.open();
  },
  KEELSON_INCOMPATIBLE_FORMAT: async (stage) => {
    await closedStore(stage);
    writeOtherVersion(stage.disk);
    return stage.open();
  },
};

/** Plays the scene of a code; resolves to the error that it ends with. */
export async function play(code: ErrorCode): Promise<KeelsonError> {
  const scene = SCENES[code];
  if (scene === undefined) throw new Error(`no scene leads to ${code}`);
  const disk = createSimulatedDisk({
    seed: 1,
    profile: { calls: 'inline', sectorBytes: 512, failedSync: 'keeps', metadata: 'strict' },
    directories: ['/data'],
  });
  const open: Stage['open'] = (options = {}) =>
    openRaftLog({ dir: DIR, segmentBytes: 4096, environment: disk.environment, ...options });
  try {
    await scene({ disk, open });
  } catch (error) {
    if (isKeelsonError(error, code)) return error;
    throw new Error(`the scene of ${code} ended with another error`, { cause: error });
  }
  throw new Error(`the scene of ${code} ended well`);
}
