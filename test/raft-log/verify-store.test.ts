/**
 * Who verifies a store must hear of all that an open or a read would refuse, and of nothing that they would not. Small
 * stores are hurt at every few bytes and in every file, verified and opened, and the two verdicts compared.
 */
import { describe, expect, test } from 'vitest';
import type { VerifyOptions, VerifyReport } from '../../src/raft-log/verify-report.js';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { isKeelsonError } from '../../src/errors/index.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { openWal } from '../../src/wal/index.js';
import { dataOf, entriesFrom, openLog, scratch } from './scratch-log.js';
import { DIR, filesOf, openingOf, storeOf, type Life } from './wounded-store.js';

const isDeep = process.env['KEELSON_DEEP'] === '1';

function verify(disk: SimulatedDisk): Promise<VerifyReport> {
  return verifyStore({ environment: disk.environment, dir: DIR, walDir: null });
}

/** All bytes of all files. */
function pictureOf(disk: SimulatedDisk): Buffer {
  return Buffer.concat(
    disk.list().flatMap((path) => [Buffer.from(path), disk.readVolatile(path) ?? new Uint8Array()]),
  );
}

/** What verify says, or the code that it ends with. */
async function verdictOf(disk: SimulatedDisk): Promise<string> {
  try {
    return (await verify(disk)).verdict;
  } catch (error) {
    if (isKeelsonError(error)) return error.code;
    throw error;
  }
}

test('a plain wal of which segments were dropped is sound, and one that lacks its first is not', async () => {
  const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  const wal = await openWal({ dir: DIR, segmentBytes: 4096, environment: disk.environment });
  for (let count = 1; count <= 20; count += 1) await wal.append([{ kind: 1, data: dataOf(count, 1, 500) }]);
  await wal.dropBefore(15);
  await wal.close();
  const names = disk.list().filter((path) => path.endsWith('.wal'));
  expect(names).not.toContain(`${DIR}/wal/0000000000000001.wal`);
  expect(await verify(disk)).toMatchObject({ verdict: 'sound', damage: [] });
  const path = names[0] ?? '';
  disk.remove(path);
  const missing = { code: 'KEELSON_MISSING_SEGMENT', path };
  expect((await verify(disk)).damage).toMatchObject([missing]);
  await expect(openWal({ dir: DIR, environment: disk.environment })).rejects.toMatchObject(missing);
});

/** Holds the two verdicts on one wound against each other. */
async function compare(disk: SimulatedDisk, wound: string): Promise<boolean> {
  const before = pictureOf(disk);
  const verdict = await verdictOf(disk);
  expect(`${wound}: ${pictureOf(disk).equals(before)}`).toBe(`${wound}: true`);
  const opening = await openingOf(disk);
  const expected =
    opening === null
      ? 'sound'
      : opening === 'KEELSON_NOT_A_LOG' || opening === 'KEELSON_INCOMPATIBLE_FORMAT'
        ? opening
        : 'damaged';
  expect(`${wound}: ${verdict}`).toBe(`${wound}: ${expected}`);
  return verdict !== 'sound';
}

/** The third: where the places begin that are hurt in a quick run, since most bytes are the same in two of them. */
const LIVES: readonly (readonly [string, Life, number])[] = [
  ['closed', { isClosed: true }, 3],
  ['killed', { isClosed: false }, 100],
  ['with a snapshot', { isClosed: false, hasSnapshot: true }, 3],
  ['compacted', { isClosed: true, hasSnapshot: true, isCompacted: true }, 100],
];

describe.each(LIVES)('a store that was %s', (_, life, from) => {
  test('is sound as it is', async () => {
    const report = await verify(await storeOf(life));
    expect(report).toMatchObject({ verdict: 'sound', damage: [] });
    expect(report.segments).toBeGreaterThan(1);
    expect(report.entries).toBeGreaterThan(10);
    expect(report.snapshots).toBe(life.hasSnapshot === true ? 1 : 0);
  });

  test('flipped bits, all over', async () => {
    const disk = await storeOf(life);
    let found = 0;
    for (const path of filesOf(disk)) {
      const size = disk.readVolatile(path)?.length ?? 0;
      for (let at = isDeep ? 0 : from; at < size; at += isDeep ? 1 : 194) {
        const hurt = disk.fork();
        hurt.flipBit(path, at, at % 8);
        if (await compare(hurt, `bit ${at % 8} of ${path} at ${at}`)) found += 1;
      }
    }
    expect(found).toBeGreaterThan(20);
  });

  test('zeroed sectors, cut files, files gone', async () => {
    const disk = await storeOf(life);
    for (const path of filesOf(disk)) {
      const size = disk.readVolatile(path)?.length ?? 0;
      for (let at = 0; at < size; at += 512) {
        const hurt = disk.fork();
        hurt.overwrite(path, at, new Uint8Array(Math.min(512, size - at)));
        await compare(hurt, `${path} zeroed at ${at}`);
        const cut = disk.fork();
        cut.resize(path, at + 7);
        await compare(cut, `${path} cut at ${at + 7}`);
      }
      const gone = disk.fork();
      gone.remove(path);
      await compare(gone, `${path} gone`);
    }
  });
});

describe('log.verify()', () => {
  test('finds nothing wrong beside saves, rotations, snapshots and segments that are used again', async () => {
    const log = await openLog(scratch(), { segmentBytes: 16_384 });
    const verified = new Set<string>();
    let rounds = 0;
    const saves = async (): Promise<void> => {
      for (let index = 1; index <= 600; index += 2) {
        await log.save({ entries: entriesFrom(index, 2, 1, 700), hardState: { term: 1, commit: index } });
        if (index % 60 !== 1 || index === 1) continue;
        await log.createSnapshot({ index, conf: new Uint8Array(0), data: dataOf(index, 1, 3000) });
        await log.compact(index);
      }
    };
    const verifies = async (): Promise<void> => {
      while (log.lastIndex < 600) {
        const { verdict, damage } = await log.verify();
        verified.add(`${verdict} ${JSON.stringify(damage)}`);
        rounds += 1;
      }
    };
    await Promise.all([saves(), verifies()]);
    expect([...verified]).toEqual(['sound []']);
    expect(rounds).toBeGreaterThan(3);
    expect((await log.verify()).verdict).toBe('sound');
  });

  test('names each of several damages, with the entries that are lost and those behind them that are whole', async () => {
    const disk = await storeOf({ isClosed: false });
    const paths = filesOf(disk).filter((path) => path.endsWith('.wal'));
    const [first, second, third] = paths as [string, string, string];
    disk.flipBit(first, 1200, 3);
    disk.overwrite(second, 0, new Uint8Array(512));
    disk.remove(third);
    const { damage } = await verify(disk);
    expect(damage.map(({ code, path }) => [code, path])).toEqual([
      ['KEELSON_CORRUPT', first],
      ['KEELSON_CORRUPT', second],
      ['KEELSON_MISSING_SEGMENT', third],
    ]);
    for (const { entries } of damage) expect(entries.until).toBeGreaterThan(entries.from);
    // Of the frame that was hit the server could read all but one entry, if the rest of the log were there.
    expect(damage[0]).toMatchObject({ entries: { from: 2, until: 3 }, intact: [{ from: 3, until: 7 }] });
    expect(damage.map(({ canOpen }) => canOpen)).toEqual([false, false, false]);
  });

  test('tells how far it is, and ends when its signal says so', async () => {
    const log = await openLog(scratch(), { segmentBytes: 1_048_576 });
    await log.setHardState({ term: 1 });
    for (let index = 1; index < 4000; index += 100) await log.append(entriesFrom(index, 100, 1, 900));
    const told: number[] = [];
    await log.verify({ onProgress: ({ readBytes }) => told.push(readBytes) });
    expect(told.length).toBeGreaterThan(1);
    expect(told).toEqual([...told].sort((a, b) => a - b));
    const controller = new AbortController();
    const ended = log.verify({
      signal: controller.signal,
      onProgress: () => {
        controller.abort();
      },
    });
    await expect(ended).rejects.toMatchObject({ code: 'KEELSON_ABORTED' });
  });

  test.each(['throws', 'rejects'] as const)('ends where the host’s progress %s', async (how) => {
    const log = await openLog(scratch(), { segmentBytes: 1_048_576 });
    await log.setHardState({ term: 1 });
    for (let index = 1; index < 2000; index += 100) await log.append(entriesFrom(index, 100, 1, 900));
    const failure = new Error('the progress bar is gone');
    const onProgress = (): Promise<void> => {
      if (how === 'throws') throw failure;
      return Promise.reject(failure);
    };
    // A rejection that nobody has heard would end the process.
    await expect(log.verify({ onProgress: () => void 0 })).resolves.toMatchObject({ verdict: 'sound' });
    // oxlint-disable-next-line typescript/no-misused-promises -- what a host in plain JavaScript hands in
    await expect(log.verify({ onProgress })).rejects.toBe(failure);
    expect((await log.verify()).verdict).toBe('sound');
  });

  test('refuses options that it does not know', async () => {
    const log = await openLog(scratch());
    const wrong = { onprogress: () => undefined } as unknown as VerifyOptions;
    await expect(log.verify(wrong)).rejects.toMatchObject({ code: 'KEELSON_INVALID_ARGUMENT' });
    await log.close();
    await expect(log.verify()).rejects.toMatchObject({ code: 'KEELSON_CLOSED' });
  });
});

test("damage inside a sealed segment: 'tail' leaves it to the read that meets it, 'all' refuses the open (R12)", async () => {
  const disk = await storeOf({ isClosed: true });
  const path = disk.list().find((one) => one.endsWith('.wal')) ?? '';
  disk.flipBit(path, 1500, 3);
  const options = { dir: DIR, segmentBytes: 4096, environment: disk.environment } as const;
  const log = await openRaftLog(options);
  await expect(log.entries(1, log.lastIndex + 1)).rejects.toMatchObject({ code: 'KEELSON_CORRUPT', path });
  await log.close();
  await expect(openRaftLog({ ...options, verifyOnOpen: 'all' })).rejects.toMatchObject({
    code: 'KEELSON_CORRUPT',
    path,
  });
});
