/**
 * A writer that lost its lock may leave whole frames behind the end of a segment that its successor goes on from: taken for
 * live, they put what was never acknowledged in the place of what was. Such a store loses its seal, its index or its
 * superblock, and is opened, read, verified and repaired: every one of them must show the successor's log.
 */
import { expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { SimulatedProcess } from '../../sim/disk/simulated-process.js';
import type { Entry, RaftLog, SaveRequest } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { planStoreRepair, repairStore } from '../../src/raft-log/repair-store.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { decodeSealTrailer, sealBytesOf, SEAL_TRAILER_BYTES } from '../../src/format/seal.js';
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentSalt } from '../../src/format/segment-header.js';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';

const DIR = '/data/log';
const SUPERBLOCK = `${DIR}/superblock`;
const SEALED = `${DIR}/wal/0000000000000001.wal`;
const NEXT = `${DIR}/wal/0000000000000002.wal`;
const SEGMENT_BYTES = 4096;

/** What the predecessor saves, and is not acknowledged, behind entry 4 of term 1. */
const STALE: Readonly<Record<string, SaveRequest>> = {
  'an entry that was not there': { entries: entriesFrom(5, 1, 1, 100) },
  'another entry in the place of the last': {
    truncateFrom: 4,
    entries: [{ index: 4, term: 1, data: dataOf(99, 1, 100) }],
  },
  'a vote': { hardState: { term: 7, vote: 'stale' } },
  'a cut of all there is': { truncateFrom: 2 },
};

/** Until the end mark has landed (D12). */
function idle({ environment }: SimulatedProcess): Promise<void> {
  return new Promise((resolve) => {
    environment.setTimer(200, resolve);
  });
}

/** `'full'`: killed when its second segment was full and its third held nothing. */
type End = 'closed' | 'idle' | 'full';

/** Entries 1..4 of a writer that lost its lock, and behind them its frame that its successor, `between`, has never seen. */
async function succeeded(
  stale: SaveRequest,
): Promise<
  ReturnType<typeof simulated> & { readonly successor: SimulatedProcess; readonly between: RaftLog }
> {
  const { disk, open, ...rest } = simulated({ profile: { calls: 'inline' } });
  const predecessor = disk.process;
  const log = await open({ segmentBytes: SEGMENT_BYTES });
  await log.save({ hardState: { term: 1, vote: 'n1' }, entries: entriesFrom(1, 4, 1, 500) });
  disk.loseLock();
  const successor = disk.startProcess();
  const between = await open({ segmentBytes: SEGMENT_BYTES, environment: successor.environment });
  await expect(log.save(stale)).rejects.toMatchObject({ code: 'KEELSON_FENCED' });
  predecessor.kill();
  return { disk, open, ...rest, successor, between };
}

/**
 * Segment 1 with entries 1..4, sealed by the successor, and behind its end the frame of the predecessor; entry 5 and what
 * follows in segments 2, 3 and 4.
 */
async function storeWith(stale: SaveRequest, end: End): Promise<SimulatedDisk> {
  const { disk, open, successor, between } = await succeeded(stale);
  // Too large for the room that is left: segment 1 is sealed where it ended, in front of the predecessor's frame.
  await between.append(entriesFrom(5, 1, 1, 1500));
  await idle(successor);
  successor.kill();
  // And one epoch more, which the superblock says begins behind that frame.
  const last = disk.startProcess();
  const next = await open({ segmentBytes: SEGMENT_BYTES, environment: last.environment });
  if (end === 'full') {
    disk.onCall = ({ kind, position }) =>
      kind === 'write' && position === SEGMENT_HEADER_BYTES ? { crash: 'kill', at: 'before' } : undefined;
    void next.append(entriesFrom(6, 1, 1, 3000)).catch(() => undefined);
    await last.died;
    disk.onCall = null;
    return disk;
  }
  await next.append(entriesFrom(6, 1, 1, 1500));
  await next.append(entriesFrom(7, 1, 1, 1500));
  await idle(last);
  if (end === 'closed') await next.close();
  disk.crash('power');
  return disk;
}

/** What the successor acknowledged. */
const ENTRIES: readonly Entry[] = [...entriesFrom(1, 4, 1, 500), ...entriesFrom(5, 3, 1, 1500)].map(
  (entry) => ({ ...entry, kind: 0 }),
);
const HARD_STATE = { term: 1, vote: 'n1', commit: 0 };

/** Where the seal of {@link SEALED} stands. */
function sealOf(disk: SimulatedDisk): { readonly from: number; readonly trailer: number } {
  const bytes = disk.readVolatile(SEALED) ?? new Uint8Array();
  const header = decodeSegmentHeader(bytes.subarray(0, 512));
  if (header.kind !== 'valid') throw new Error('the header is not whole');
  const trailer = bytes.length - SEAL_TRAILER_BYTES;
  const seal = decodeSealTrailer(bytes.subarray(trailer), segmentSalt(header.header.identity));
  if (seal === null) throw new Error('the segment is not sealed');
  return { from: bytes.length - sealBytesOf(seal), trailer };
}

const WOUNDS: Readonly<Record<string, (disk: SimulatedDisk) => void>> = {
  'no wound': () => undefined,
  'a torn seal': (disk) => disk.flipBit(SEALED, sealOf(disk).trailer + 20, 1),
  'a seal whose offsets are torn': (disk) => disk.flipBit(SEALED, sealOf(disk).from + 1, 1),
};

async function expectWhole(disk: SimulatedDisk, verifyOnOpen: 'tail' | 'all'): Promise<void> {
  const { environment } = disk;
  const log = await openRaftLog({ dir: DIR, segmentBytes: SEGMENT_BYTES, verifyOnOpen, environment });
  const found = await log.entries(log.firstIndex, log.lastIndex + 1);
  expect(found.map((entry) => ({ ...entry, data: Uint8Array.from(entry.data) }))).toEqual(ENTRIES);
  expect(log.hardState).toEqual(HARD_STATE);
  expect(log.unfitUntil).toBe(0);
  await log.close();
}

const cases = Object.keys(STALE).flatMap((stale) =>
  Object.keys(WOUNDS).map((wound) => [stale, wound] as const),
);

test.each(cases)(
  '%s, and %s: the store is sound, and shows what its successor acknowledged',
  async (stale, wound) => {
    const disk = await storeWith(STALE[stale] ?? {}, 'idle');
    WOUNDS[wound]?.(disk);
    const { environment } = disk;
    expect(await verifyStore({ environment, dir: DIR, walDir: null })).toMatchObject({
      verdict: 'sound',
      damage: [],
      segments: 4,
    });
    expect(await planStoreRepair({ environment, dir: DIR, walDir: null })).toMatchObject({ action: 'none' });
    await expectWhole(disk, 'tail');
    await expectWhole(disk, 'all');
  },
);

test.each(cases)('%s, %s, and no superblock: the repair rebuilds just that', async (stale, wound) => {
  const disk = await storeWith(STALE[stale] ?? {}, 'closed');
  WOUNDS[wound]?.(disk);
  disk.overwrite(SUPERBLOCK, 0, new Uint8Array(8192));
  const { environment } = disk;
  expect(await repairStore({ environment, dir: DIR, walDir: null })).toMatchObject({
    action: 'rebuild-superblock',
    lost: { mayBeAcknowledged: false },
    result: { firstIndex: 1, lastIndex: 7, unfitUntil: 0, hardState: HARD_STATE },
  });
  await expectWhole(disk, 'all');
});

test.each(Object.keys(STALE))(
  '%s, a torn seal, and the next segment gone: nobody knows which frames count, and the server does not vote',
  async (stale) => {
    for (const end of ['idle', 'full'] as const) {
      const disk = await storeWith(STALE[stale] ?? {}, end);
      WOUNDS['a torn seal']?.(disk);
      disk.remove(NEXT);
      const { environment } = disk;
      const report = await repairStore({ environment, dir: DIR, walDir: null });
      expect(report, end).toMatchObject({ action: 'rebuild-log', lost: { mayBeAcknowledged: true } });
      expect(report.result?.unfitUntil, end).toBeGreaterThanOrEqual(end === 'full' ? 5 : 7);
    }
  },
);

test.each(Object.keys(STALE))(
  '%s, and the next segment gone: the seal says where the old one ended',
  async (stale) => {
    const disk = await storeWith(STALE[stale] ?? {}, 'idle');
    disk.remove(NEXT);
    const { environment } = disk;
    expect(await repairStore({ environment, dir: DIR, walDir: null })).toMatchObject({
      action: 'rebuild-log',
      result: { firstIndex: 1, lastIndex: 4, lastTerm: 1, unfitUntil: 7 },
      lost: { mayBeAcknowledged: true, acknowledged: { from: 5, until: 7 } },
    });
    const log = await openRaftLog({ dir: DIR, segmentBytes: SEGMENT_BYTES, environment });
    const found = await log.entries(1, 5);
    expect(found.map((entry) => ({ ...entry, data: Uint8Array.from(entry.data) }))).toEqual(
      ENTRIES.slice(0, 4),
    );
    await log.close();
  },
);

test.each(Object.keys(STALE))(
  '%s in the tail, a successor that saved nothing, and no superblock: the end mark says that there was one',
  async (stale) => {
    const { disk, open, successor } = await succeeded(STALE[stale] ?? {});
    await idle(successor);
    successor.kill();
    disk.remove(SUPERBLOCK);
    const { environment } = disk.startProcess();
    expect(await repairStore({ environment, dir: DIR, walDir: null })).toMatchObject({
      action: 'rebuild-superblock',
      result: { firstIndex: 1, lastIndex: 4, unfitUntil: 0, hardState: HARD_STATE },
    });
    const again = await open({ segmentBytes: SEGMENT_BYTES, environment });
    const found = await again.entries(1, 5);
    expect(found.map((entry) => ({ ...entry, data: Uint8Array.from(entry.data) }))).toEqual(
      ENTRIES.slice(0, 4),
    );
    expect([again.lastIndex, again.hardState, again.recovery.verdict]).toEqual([4, HARD_STATE, 'torn-tail']);
    await again.close();
  },
);
