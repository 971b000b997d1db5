/**
 * An operator acts on what verify says: an entry named that a server still serves is given up for nothing, one not named
 * is missed too late. Stores are hurt at every few bytes; what each damage says is held against the bytes that were hit,
 * against what a server serves entry by entry, and against what a repair keeps.
 */
import { describe, expect, test } from 'vitest';
import type { VerifyReport } from '../../src/raft-log/verify-report.js';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { repairStore } from '../../src/raft-log/repair-store.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';
import { DIR } from './wounded-store.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';
const COUNT = 40;
/** In a quick run less than the 111 bytes of an entry with its head: each is hit. */
const STEP = isDeep ? 1 : 101;

function verify(disk: SimulatedDisk): Promise<VerifyReport> {
  return verifyStore({ environment: disk.environment, dir: DIR, walDir: null });
}

/** 40 entries of two terms in saves of five, over two segments; entries 3..5 were written twice. */
async function storeOf(isClosed: boolean, snapshot: number | null): Promise<SimulatedDisk> {
  const { disk } = simulated({ profile: { calls: 'inline' } });
  await disk.run(async (environment) => {
    const log = await openRaftLog({ dir: DIR, segmentBytes: 4096, environment });
    await log.save({ hardState: { term: 1, vote: 'n1' }, entries: entriesFrom(1, 5, 1, 100) });
    await log.save({ hardState: { term: 2 }, entries: entriesFrom(3, 3, 2, 100) });
    for (let index = 6; index <= COUNT; index += 5) {
      await log.append(entriesFrom(index, 5, 2, 100));
      await log.setHardState({ commit: index });
      if (snapshot !== null && index <= snapshot && snapshot < index + 5) {
        await log.setHardState({ commit: index + 4 });
        await log.createSnapshot({ index: snapshot, conf: Uint8Array.of(1), data: dataOf(1, 1, 50) });
      }
    }
    await new Promise<void>((resolve) => environment.setTimer(200, resolve));
    if (isClosed) await log.close();
  });
  if (!isClosed) disk.crash('kill');
  return disk;
}

async function openedOrNull(disk: SimulatedDisk): Promise<RaftLog | null> {
  try {
    return await openRaftLog({ dir: DIR, readOnly: true, environment: disk.environment });
  } catch {
    return null;
  }
}

/** The entries that a server does not serve, asked one by one; null if it does not open. */
async function unserved(disk: SimulatedDisk): Promise<readonly number[] | null> {
  const log = await openedOrNull(disk);
  if (log === null) return null;
  const lost: number[] = [];
  for (let index = log.firstIndex; index <= log.lastIndex; index += 1)
    await log.entries(index, index + 1).catch(() => lost.push(index));
  await log.close();
  return lost;
}

function named({ damage }: VerifyReport): readonly number[] {
  return damage.flatMap(({ entries: { from, until } }) =>
    Array.from({ length: until - from }, (_, at) => from + at),
  );
}

/** Where the data of each entry of the log stand, by what they are. */
function placesOf(disk: SimulatedDisk): ReadonlyMap<number, { readonly path: string; readonly at: number }> {
  const places = new Map<number, { readonly path: string; readonly at: number }>();
  for (const path of disk.list().filter((one) => one.endsWith('.wal'))) {
    const bytes = Buffer.from(disk.readVolatile(path) ?? []);
    for (let index = 1; index <= COUNT; index += 1) {
      const at = bytes.indexOf(dataOf(index, index < 3 ? 1 : 2, 100));
      if (at >= 0) places.set(index, { path, at });
    }
  }
  return places;
}

/** Kind, length, checksum and so on stand in front of an entry's data. */
const HEAD_BYTES = 11;

/** Entries of which `bytes` at `at` hit a byte that they are read from. */
function hitBy(disk: SimulatedDisk, path: string, at: number, bytes: number): readonly number[] {
  return [...placesOf(disk)]
    .filter(([, place]) => place.path === path && at < place.at + 100 && at + bytes > place.at - HEAD_BYTES)
    .map(([index]) => index)
    .sort((a, b) => a - b);
}

async function tryWound(disk: SimulatedDisk, path: string, at: number, bytes: number): Promise<boolean> {
  const hit = hitBy(disk, path, at, bytes);
  const hurt = disk.fork();
  const before = (hurt.readVolatile(path) ?? new Uint8Array()).slice(at, at + bytes);
  hurt.overwrite(
    path,
    at,
    before.map((byte) => byte ^ 0xff),
  );
  const report = await verify(hurt);
  const served = await unserved(hurt);
  const wound = `${path} at ${at}, ${bytes} bytes`;
  const canOpen = report.damage.every((damage) => damage.canOpen);
  expect(`${wound}: opens ${canOpen}`).toBe(`${wound}: opens ${served !== null}`);
  if (served !== null) expect(`${wound}: ${named(report).join()}`).toBe(`${wound}: ${served.join()}`);
  if (report.verdict === 'sound') return false;
  for (const index of hit) expect(named(report), wound).toContain(index);
  await tryRepair(hurt, wound, named(report));
  return true;
}

/** All in front of the first entry that is lost is kept, and behind a snapshot that covers those, all to the next. */
async function tryRepair(disk: SimulatedDisk, wound: string, lost: readonly number[]): Promise<void> {
  const report = await repairStore({ environment: disk.environment, dir: DIR, walDir: null });
  if (report.result === null) return;
  const { firstIndex, lastIndex, snapshot } = report.result;
  const start = snapshot === null ? firstIndex - 1 : Math.max(firstIndex - 1, snapshot.index);
  const next = lost.find((index) => index > start) ?? COUNT + 1;
  expect(`${wound}: kept to ${lastIndex}`).toBe(`${wound}: kept to ${next - 1}`);
  const log = await openRaftLog({ dir: DIR, readOnly: true, environment: disk.environment });
  expect(log.lastIndex).toBe(lastIndex);
  for (const { index, term, data } of await log.entries(log.firstIndex, log.lastIndex + 1)) {
    expect([term, Buffer.from(data)]).toEqual([index < 3 ? 1 : 2, Buffer.from(dataOf(index, term, 100))]);
  }
  await log.close();
}

describe.each([
  ['closed', true, null],
  ['killed', false, null],
  ['with a snapshot', true, 18],
] as const)('a store that was %s', (_, isClosed, snapshot) => {
  test('wounds all over: named are the entries that cannot be read, and no others', async () => {
    const disk = await storeOf(isClosed, snapshot);
    let found = 0;
    for (const path of disk.list().filter((one) => one.endsWith('.wal'))) {
      const size = disk.readVolatile(path)?.length ?? 0;
      for (let at = 512; at < size; at += STEP)
        for (const bytes of at % 3 === 0 ? [1, 150] : [1]) {
          if (at + bytes <= size && (await tryWound(disk, path, at, bytes))) found += 1;
        }
    }
    expect(found).toBeGreaterThan(30);
  });
});
