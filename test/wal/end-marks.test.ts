/**
 * An end mark is often the only witness of the last group, so one of an earlier run or a late one of a writer that was
 * succeeded must never hide it. Marks are put beside each other by hand, the tail is hurt, and open and verify are asked.
 */
import { describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { Timer } from '../../src/disk/environment.js';
import {
  decodeEndMark,
  encodeEndMark,
  END_MARK_BLOCK_BYTES,
  END_MARK_BYTES,
  type EndMark,
} from '../../src/format/end-mark.js';
import { FRAME_MAGIC } from '../../src/format/frame-header.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { appendEach, MARKS, newDisk, segment } from './scratch-wal.js';
import { DIR, open } from './wal-life.js';

function marksOf(disk: SimulatedDisk): (EndMark | null)[] {
  const bytes = disk.readVolatile(MARKS) ?? new Uint8Array();
  return [0, END_MARK_BLOCK_BYTES].map((from) => decodeEndMark(bytes.subarray(from, from + END_MARK_BYTES)));
}

function newestBlock(disk: SimulatedDisk): 0 | 1 {
  const [first, second] = marksOf(disk);
  return (first?.lsn ?? 0) > (second?.lsn ?? 0) ? 0 : 1;
}

function putMark(disk: SimulatedDisk, block: number, change: Partial<EndMark>): void {
  const newest = marksOf(disk)[newestBlock(disk)] as EndMark;
  disk.overwrite(MARKS, block * END_MARK_BLOCK_BYTES, encodeEndMark({ ...newest, ...change }));
}

async function untilMarked(disk: SimulatedDisk): Promise<void> {
  await new Promise<void>((resolve) => {
    disk.environment.setTimer(200, resolve);
  });
}

/** Two lives of a Raft log; the second is killed when its end mark has landed. */
async function markedLog(disk: SimulatedDisk): Promise<void> {
  const openLog = () => openRaftLog({ dir: DIR, segmentBytes: 16_384, environment: disk.environment });
  const append = async (log: Awaited<ReturnType<typeof openLog>>, count: number): Promise<void> => {
    for (let more = 0; more < count; more += 1)
      await log.append([{ index: log.lastIndex + 1, term: 1, data: new Uint8Array(200) }]);
  };
  const first = await openLog();
  await first.setHardState({ term: 1 });
  await append(first, 5);
  await first.close();
  await append(await openLog(), 4);
  await untilMarked(disk);
  disk.crash('kill');
}

function hurtLastFrame(disk: SimulatedDisk): void {
  const bytes = Buffer.from(disk.readVolatile(segment(1)) ?? []);
  disk.flipBit(segment(1), bytes.lastIndexOf(Buffer.from(FRAME_MAGIC)) + 20, 3);
}

/** Marks that count for nothing, whatever they say: of what came before this run, or of another store. */
const STALE: Readonly<Record<string, Partial<EndMark>>> = {
  'of an earlier run, far above': { epoch: 1, lsn: 500, lastIndex: 499, sequence: 1 },
  'of an earlier run, with a higher sequence': { epoch: 1, lsn: 500, lastIndex: 499, sequence: 900 },
  'of an earlier run, of the same LSN': { epoch: 1 },
  'of another store': { lineage: new Uint8Array(16).fill(7), lsn: 500, sequence: 9 },
};

describe.each(Object.keys(STALE))('a mark that does not count (R1), %s,', (name) => {
  async function logWithStaleMark(): Promise<SimulatedDisk> {
    const disk = newDisk(1, { calls: 'inline' });
    await markedLog(disk);
    putMark(disk, 1 - newestBlock(disk), STALE[name] as Partial<EndMark>);
    return disk;
  }

  test('is no witness of anything', async () => {
    const { environment } = await logWithStaleMark();
    expect(await verifyStore({ dir: DIR, walDir: null, environment })).toMatchObject({ verdict: 'sound' });
    const log = await openRaftLog({ dir: DIR, environment });
    expect(log.recovery.verdict).toBe('clean');
    expect(log.lastIndex).toBe(9);
    await log.close();
  });

  test('hides none that does', async () => {
    const disk = await logWithStaleMark();
    hurtLastFrame(disk);
    const { environment } = disk;
    const told = { code: 'KEELSON_CORRUPT', path: segment(1) };
    await expect(openRaftLog({ dir: DIR, environment })).rejects.toMatchObject(told);
    await expect(openRaftLog({ dir: DIR, environment, readOnly: true })).rejects.toMatchObject(told);
    const { verdict, damage } = await verifyStore({ dir: DIR, walDir: null, environment });
    expect(verdict).toBe('damaged');
    expect(damage).toMatchObject([told]);
  });
});

test.each([
  ['sequence', { epoch: 1, lsn: 500, sequence: 900 }],
  ['sequence by one', { epoch: 1, lsn: 500, sequence: 901 }],
])('the next mark is not written over the newest, whatever the %s beside it', async (_, stale) => {
  const disk = newDisk(1, { calls: 'inline' });
  const first = await open(disk.environment);
  await appendEach(first, 2);
  await first.close();
  const wal = await open(disk.environment);
  await appendEach(wal, 3);
  await untilMarked(disk);
  disk.crash('kill');
  const kept = newestBlock(disk);
  const newest = marksOf(disk)[kept] as EndMark;
  putMark(disk, 1 - kept, stale);
  const again = await open(disk.environment);
  await untilMarked(disk);
  expect(marksOf(disk)[kept]).toEqual(newest);
  expect(marksOf(disk)[1 - kept]).toMatchObject({ lsn: newest.lsn, epoch: again.recovery.epoch });
  expect(marksOf(disk)[1 - kept]?.sequence).toBeGreaterThan(900);
  await again.close();
});

test('a timer that comes late, of a writer that was succeeded, writes no mark any more (D11)', async () => {
  const disk = newDisk(1, { calls: 'inline' });
  const paused = disk.startProcess();
  const late: (() => void)[] = [];
  // A process that is stopped for a while: its timers come due behind all that its successor does.
  const setTimer = (_: number, run: () => void): Timer => {
    late.push(run);
    return { cancel: () => undefined };
  };
  const first = await open({ ...paused.environment, setTimer });
  await appendEach(first, 3);
  disk.loseLock(paused);
  const second = await open(disk.environment);
  await appendEach(second, 4);
  await untilMarked(disk);
  const writers: (string | number)[] = [];
  disk.onCall = ({ kind, path, processId }) => {
    if (kind === 'write' && path === MARKS) writers.push(processId);
    return undefined;
  };
  expect(late.length).toBeGreaterThan(0);
  for (const run of late) run();
  await untilMarked(disk);
  expect(writers).toEqual([]);
  disk.onCall = null;
  await second.close();
});

test('marks that cannot be read are no missing marks: what they alone witness is not cut off (R9)', async () => {
  const disk = newDisk(1, { calls: 'inline' });
  await markedLog(disk);
  hurtLastFrame(disk);
  const { environment } = disk;
  disk.onCall = ({ kind, path }) => (kind === 'read' && path === MARKS ? { code: 'EIO' } : undefined);
  const told = { code: 'KEELSON_READ_FAILED', path: MARKS };
  await expect(openRaftLog({ dir: DIR, environment })).rejects.toMatchObject(told);
  await expect(openRaftLog({ dir: DIR, environment, readOnly: true })).rejects.toMatchObject(told);
  disk.onCall = null;
  await expect(openRaftLog({ dir: DIR, environment })).rejects.toMatchObject({ code: 'KEELSON_CORRUPT' });
});
