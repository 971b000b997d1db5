// At stake: an open behind a clean close does not look at the frames one by one, so what the close left in their place must
// never say anything else than they do. Stores are opened with it and without, hurt at each byte, rolled back and written on.
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { KeelsonError } from '../../src/errors/index.js';
import { SEAL_TRAILER_BYTES } from '../../src/format/seal.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';

const DIR = '/data/log';
const SEGMENT_BYTES = 4096;
/** Each byte, and not a third of them. */
const isDeep = process.env['KEELSON_DEEP'] === '1';
const FIRST = `${DIR}/wal/0000000000000001.wal`;

function open(disk: SimulatedDisk, readOnly = false): Promise<RaftLog> {
  const { environment } = disk;
  return openRaftLog({ dir: DIR, segmentBytes: SEGMENT_BYTES, environment, readOnly });
}

function entriesOf(from: number, until: number, term: number, bytes = 20) {
  return Array.from({ length: until - from }, (_, at) => ({
    index: from + at,
    term,
    data: Buffer.alloc(bytes, from + at),
  }));
}

/** Entries written twice, a snapshot, a compaction, a vote and small values. */
async function fill(log: RaftLog): Promise<void> {
  await log.save({ hardState: { term: 1, vote: 'a' }, entries: entriesOf(1, 9, 1) });
  await log.save({ stable: { member: Buffer.from('seven') } });
  await log.save({ hardState: { term: 3 }, entries: entriesOf(6, 12, 3) });
  await log.createSnapshot({ index: 3, conf: Buffer.from('conf'), data: Buffer.from('state') });
  await log.compact(2);
  await log.save({ hardState: { commit: 7, vote: 'b' } });
}

async function closedStore(): Promise<SimulatedDisk> {
  const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  const log = await open(disk);
  await fill(log);
  await log.close();
  return disk;
}

/** The same store, as if the close had left nothing but the clean end. */
function withoutSeal(disk: SimulatedDisk): SimulatedDisk {
  const other = disk.fork();
  const newest = disk.list().findLast((path) => path.endsWith('.wal')) ?? FIRST;
  other.overwrite(newest, SEGMENT_BYTES - SEAL_TRAILER_BYTES, new Uint8Array(SEAL_TRAILER_BYTES));
  return other;
}

/** All that an open shows, but for how much of the disk it looked at. */
async function shown(disk: SimulatedDisk, readOnly = false) {
  let log: RaftLog;
  try {
    log = await open(disk, readOnly);
  } catch (error) {
    if (!(error instanceof KeelsonError)) throw error;
    const { code, message, details } = error;
    return { code, message, damage: (details as { damage?: unknown }).damage };
  }
  const { hardState, firstIndex, lastIndex, snapshot, snapshots, stable, recovery } = log;
  const terms = Array.from({ length: lastIndex - firstIndex + 2 }, (_, at) => log.term(firstIndex - 1 + at));
  const entries = await log.entries(firstIndex, lastIndex + 1).catch((error: unknown) => String(error));
  const { readBytes: _, ms: __, ...report } = recovery;
  await log.close();
  return { hardState, firstIndex, lastIndex, snapshot, snapshots, stable, terms, entries, report };
}

describe('behind a clean close', () => {
  test('an open shows what it would frame by frame, and reads no more than them', async () => {
    const disk = await closedStore();
    const other = withoutSeal(disk);
    for (const readOnly of [true, false])
      expect(await shown(disk.fork(), readOnly)).toEqual(await shown(other.fork(), readOnly));
    const [quick, full] = [await open(disk, true), await open(other, true)];
    expect(quick.recovery.readBytes).toBeLessThan(full.recovery.readBytes / 2);
  });

  test('the log goes on: saves, closes and opens again and again, with what the close before had read', async () => {
    const disk = await closedStore();
    for (let index = 12; index < 20; index += 1) {
      const log = await open(disk);
      await log.save({ entries: entriesOf(index, index + 1, 3, 200) });
      await log.close();
      expect(await shown(disk.fork(), true)).toEqual(await shown(withoutSeal(disk), true));
    }
  });

  test('a bit that flipped anywhere in the segment is told, or is none, as without the seal', async () => {
    const disk = await closedStore();
    const other = withoutSeal(disk);
    const bytes = disk.readVolatile(FIRST) ?? new Uint8Array();
    // Of zeros between frames and seal a few are tried; in a quick run each fourth byte of the rest, so each field.
    const isTried = (at: number): boolean =>
      at >= 512 && (isDeep || (bytes[at] === 0 ? at % 64 === 0 : at % 4 === 0));
    const places = Array.from(bytes.keys()).filter(isTried);
    const framesUntil = bytes.findIndex((_, at) => at > 512 && !bytes.subarray(at, at + 64).some(Boolean));
    const whole = await shown(other, true);
    for (const at of places) {
      const flip = (one: SimulatedDisk): void => {
        one.flipBit(FIRST, at, at % 8);
      };
      flip(disk);
      if (at < framesUntil) flip(other);
      expect(await shown(disk, true), `byte ${at}`).toEqual(
        at < framesUntil ? await shown(other, true) : whole,
      );
      flip(disk);
      if (at < framesUntil) flip(other);
    }
    expect(places.length).toBeGreaterThan(200);
  });

  test.each([
    ['all', 380, true],
    ['nothing, since a seal has no room,', 410, false],
  ])('a close reads back %s behind %i empty entries', async (_, count, isAll) => {
    const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
    const log = await openRaftLog({ dir: DIR, segmentBytes: 8192, environment: disk.environment });
    await log.save({ hardState: { term: 1 }, entries: entriesOf(1, count + 1, 1, 0) });
    let readBytes = 0;
    disk.onCall = ({ kind, path, length }) => {
      if (kind === 'read' && path === FIRST) readBytes += length;
      return undefined;
    };
    await log.close();
    expect(log.stats().segmentsLive).toBe(1);
    expect(readBytes > 0).toBe(isAll);
  });

  test('a writer that was succeeded leaves no seal, and nothing else, in what is not its own any more', async () => {
    const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
    const before = disk.process;
    const log = await open(disk);
    await fill(log);
    disk.loseLock(before);
    const successor = disk.startProcess();
    const environment = successor.environment;
    const next = await openRaftLog({ dir: DIR, segmentBytes: SEGMENT_BYTES, environment });
    await next.append(entriesOf(12, 14, 3));
    const written: string[] = [];
    disk.onCall = ({ kind, path, processId }) => {
      if (processId === before.id && kind === 'write') written.push(path);
      return undefined;
    };
    await log.close();
    expect(written).toEqual([]);
    await next.close();
    disk.crash('kill');
    expect(await shown(disk)).toMatchObject({ lastIndex: 13 });
  });

  test('a close that finds damage leaves no seal, and the next open tells it', async () => {
    const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
    const log = await open(disk);
    await fill(log);
    disk.flipBit(FIRST, 600, 3);
    await log.close();
    expect(await shown(disk.fork(), true)).toEqual(await shown(withoutSeal(disk), true));
    expect(await shown(disk, true)).toMatchObject({ code: 'KEELSON_CORRUPT' });
  });
});

describe('a clean end that is not the newest', () => {
  const OTHERS = ['superblock', 'marks'].map((name) => `${DIR}/${name}`);
  const bytesOf = (disk: SimulatedDisk, path: string): Uint8Array =>
    (disk.readVolatile(path) ?? new Uint8Array()).slice();

  /** The store of a clean end, and as it is after one more save whose process was killed. */
  async function written() {
    const old = await closedStore();
    const disk = old.fork();
    const log = await open(disk);
    await log.save({ entries: entriesOf(12, 14, 3) });
    disk.crash('kill');
    return { old, disk };
  }

  test('brings back no frame that was written since, and hides none', async () => {
    const { old, disk } = await written();
    for (const path of OTHERS) disk.writeFile(path, bytesOf(old, path));
    expect(await shown(disk)).toMatchObject({ lastIndex: 13 });
  });

  test('is no witness where the segment alone is of that time', async () => {
    const old = await closedStore();
    const disk = old.fork();
    const log = await open(disk);
    await log.save({ entries: entriesOf(12, 14, 3) });
    await log.close();
    disk.writeFile(FIRST, bytesOf(old, FIRST));
    const other = withoutSeal(disk);
    expect(await shown(disk)).toEqual(await shown(other));
    expect(await shown(disk)).toMatchObject({ code: 'KEELSON_CORRUPT' });
  });

  test('is nothing to an open that reads all', async () => {
    const { environment } = await closedStore();
    const how = { dir: DIR, environment, readOnly: true, verifyOnOpen: 'all' } as const;
    const log = await openRaftLog({ ...how, segmentBytes: SEGMENT_BYTES });
    expect(log.recovery.readBytes).toBeGreaterThanOrEqual(SEGMENT_BYTES);
    await log.close();
  });
});
