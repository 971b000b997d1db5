/**
 * A reader beside a healthy writer, however busy that is, must never hear of damage. The writer works inside the reader's
 * own calls of the disk, so that the store has moved whenever the reader looks again; and a segment is away from its name.
 */
import { expect, test } from 'vitest';
import type { Environment } from '../../src/disk/environment.js';
import type { Disk, DiskFile } from '../../src/disk/port.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';

const DIR = '/data/log';

/** A writer that has taken two snapshots, and takes two more each time that somebody opens one of its snapshots. */
async function busyWriter(
  environment: Environment,
  open: (options: { snapshotsKept: number }) => Promise<RaftLog>,
): Promise<{ log: RaftLog; beside: Environment; rest: (behind: number) => void }> {
  const log = await open({ snapshotsKept: 2 });
  await log.setHardState({ term: 1 });
  let left = Infinity;
  const takeTwo = async (): Promise<void> => {
    for (let more = 0; more < 2; more += 1) {
      const index = log.lastIndex + 1;
      await log.append(entriesFrom(index, 1));
      await log.createSnapshot({ index, conf: Uint8Array.of(1), data: dataOf(index, 1, 50) });
    }
  };
  await takeTwo();
  const { disk } = environment;
  const openSlowly = async (...[path, options]: Parameters<Disk['open']>): Promise<DiskFile> => {
    if (path.endsWith('.snap') && left > 0) {
      left -= 1;
      await takeTwo();
    }
    return disk.open(path, options);
  };
  const slow = new Proxy(disk, {
    get: (target, key) => {
      if (key === 'open') return openSlowly;
      const member: unknown = Reflect.get(target, key);
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
  const beside = { ...environment, disk: slow };
  return { log, beside, rest: (behind) => (left = behind) };
}

test('a store that moves under each of its readings is said to be busy, and not damaged', async () => {
  const { disk, open } = simulated();
  await disk.run(async () => {
    const { log, beside } = await busyWriter(disk.environment, open);
    await expect(open({ readOnly: true, environment: beside })).rejects.toMatchObject({
      code: 'KEELSON_READ_FAILED',
      family: 'environment',
      message: expect.stringContaining('is busy') as string,
    });
    expect(await log.verify()).toMatchObject({ verdict: 'sound' });
    await log.close();
  });
});

test('a reader waits for a writer to come to rest, many times if need be', async () => {
  const { disk, open } = simulated();
  await disk.run(async () => {
    const { log, beside, rest } = await busyWriter(disk.environment, open);
    rest(20);
    const reader = await open({ readOnly: true, environment: beside });
    expect(reader.recovery.snapshotFallback).toBeNull();
    expect(reader.snapshot?.index).toBe(log.snapshot?.index);
    await reader.close();
    await log.close();
  });
});

test('a verification beside such a writer concludes nothing from what it listed before', async () => {
  const { disk, open } = simulated();
  await disk.run(async () => {
    const { log, beside } = await busyWriter(disk.environment, open);
    for (let again = 0; again < 5; again += 1) {
      const report = await verifyStore({ environment: beside, dir: DIR, walDir: null });
      expect(report.damage).toEqual([]);
    }
    await log.close();
  });
});

test('a segment that an open has away from its name for a moment is read there', async () => {
  const { disk, open } = simulated();
  await disk.run(async () => {
    const log = await open();
    await log.save({ entries: entriesFrom(1, 40, 1, 500), hardState: { term: 1 } });
    await log.append(entriesFrom(41, 20, 1, 500));
    await log.close();
    for (const path of disk.list().filter((name) => name.endsWith('.wal'))) {
      await disk.environment.disk.rename(path, `${path}.aside`);
      const reader = await open({ readOnly: true });
      expect(await reader.entries(1, 61)).toHaveLength(60);
      await reader.close();
      await disk.environment.disk.rename(`${path}.aside`, path);
    }
  });
});
