/**
 * A disk that fills up because somebody forgot an archiver must be explained before it is full. Who holds the space is asked
 * of logs in which each holder holds some, and an archiver takes the sealed segments while the log goes on.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RaftLog } from '../../src/raft-log/contract.js';
import type { SealedSegmentFile } from '../../src/raft-log/space-contract.js';
import { bytesOf, entriesFrom, openLog, scratch } from './scratch-log.js';

async function fill(log: RaftLog, from: number, until: number): Promise<void> {
  for (let index = from; index < until; index += 4) await log.append(entriesFrom(index, 4, 1, 300));
}

async function snapshotAt(log: RaftLog, index: number): Promise<void> {
  await log.createSnapshot({ index, conf: new Uint8Array(), data: new Uint8Array(5000) });
}

async function heldBy(log: RaftLog): Promise<Record<string, number>> {
  const { holders } = await log.space();
  return Object.fromEntries(holders.map(({ holder, bytes }) => [holder, bytes]));
}

test('each holder is told with its bytes, and with what would free them', async () => {
  const dir = join(scratch(), 'log');
  const log = await openLog(dir);
  await log.setHardState({ term: 1 });
  await fill(log, 1, 61);
  expect(await heldBy(log)).toMatchObject({ entries: expect.any(Number) as number });
  await snapshotAt(log, 20);
  await snapshotAt(log, 40);
  const covered = await heldBy(log);
  expect(covered).toMatchObject({
    'newest-snapshot': expect.any(Number),
    'older-snapshots': expect.any(Number),
  });
  expect(covered['covered-entries']).toBeGreaterThanOrEqual(8192);
  const { bytesFreed } = await log.compact(40);
  const after = await log.space();
  expect(after.holders.find(({ holder }) => holder === 'covered-entries')).toBeUndefined();
  expect(bytesFreed).toBe(covered['covered-entries']);
  for (const { frees, ageMs } of after.holders) expect([frees.length > 10, ageMs]).toEqual([true, null]);
  expect(after.freeBytes).toBeGreaterThan(0);
  mkdirSync(join(dir, 'quarantine'));
  writeFileSync(join(dir, 'quarantine', 'old'), Buffer.alloc(1234));
  expect(await heldBy(log)).toMatchObject({ quarantine: 1234 });
});

test('a reader of a snapshot that was replaced meanwhile keeps its bytes, and is told', async () => {
  const log = await openLog(join(scratch(), 'log'), { snapshotsKept: 1, pinnedBytesQuiet: 4000 });
  const told: object[] = [];
  log.events.on('pinned', (event) => told.push(event));
  await log.setHardState({ term: 1 });
  await fill(log, 1, 21);
  await snapshotAt(log, 10);
  const reader = await log.openSnapshot();
  const readers = async (): Promise<unknown> =>
    (await log.space()).holders.filter(({ holder }) => holder === 'snapshot reader');
  expect(await readers()).toEqual([]);
  await snapshotAt(log, 20);
  expect(await readers()).toMatchObject([{ kind: 'pin', bytes: expect.any(Number) as number }]);
  expect(told).toMatchObject([{ holder: 'snapshot reader', bytes: expect.any(Number) as number }]);
  const [held] = (await log.space()).holders.filter(({ holder }) => holder === 'snapshot reader');
  expect(held?.bytes).toBeGreaterThanOrEqual(5000);
  expect(held?.ageMs).toBeGreaterThanOrEqual(0);
  await reader?.close();
  expect(await readers()).toEqual([]);
});

test('an archiver gets the sealed segments alone, which stay until it has them, and are told of when they are many', async () => {
  const dir = join(scratch(), 'log');
  const log = await openLog(dir, { pinnedBytesQuiet: 8192 });
  const told: { readonly holder: string; readonly bytes: number }[] = [];
  log.events.on('pinned', (event) => told.push(event));
  await log.setHardState({ term: 1 });
  await fill(log, 1, 121);
  const archived: SealedSegmentFile[] = [];
  const data = new Map<number, Uint8Array>();
  for await (const segment of log.segmentsSince(0)) {
    if (archived.length === 0) {
      await snapshotAt(log, 120);
      await log.compact(120);
      const { holders } = await log.space();
      expect(holders.find(({ kind }) => kind === 'pin')).toMatchObject({
        holder: 'archiver',
        ageMs: expect.any(Number) as number,
      });
    }
    archived.push(segment);
    data.set(segment.number, await bytesOf(segment.data()));
  }
  expect(archived.length).toBeGreaterThan(3);
  expect(told).toMatchObject([{ holder: 'archiver' }]);
  archived.forEach(({ firstLsn, bytes, number }, at) => {
    expect(firstLsn).toBe((archived[at - 1]?.lastLsn ?? 0) + 1);
    expect(data.get(number)?.length).toBe(bytes);
  });
  const { lastLsn } = archived[archived.length - 1] as SealedSegmentFile;
  expect(lastLsn).toBeLessThan((await log.save({})).lsn);
  expect((await log.space()).holders.some(({ kind }) => kind === 'pin')).toBe(false);
  // What was kept for it alone is gone with it.
  const left = readdirSync(join(dir, 'wal')).filter((name) => name.endsWith('.wal'));
  expect(left.length).toBeLessThan(archived.length);
  await fill(log, 121, 181);
  const next = (await log.segmentsSince(lastLsn)[Symbol.asyncIterator]().next()).value as SealedSegmentFile;
  expect(next.firstLsn).toBe(lastLsn + 1);
  const gone = log.segmentsSince(0)[Symbol.asyncIterator]().next();
  await expect(gone).rejects.toMatchObject({ code: 'KEELSON_COMPACTED' });
});
