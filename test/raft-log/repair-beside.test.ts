/**
 * A repair does not stand alone: a server may have run since it looked, and one that lost its lock may run still. What either
 * was told is durable must be in the repaired log, or never be told. Both save in the midst of a repair, at fixed places.
 */
import { expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { withDisk, type Environment } from '../../src/disk/environment.js';
import type { Disk, OpenOptions } from '../../src/disk/port.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { repairStore, type RepairReport } from '../../src/raft-log/repair-store.js';
import { entriesFrom } from './scratch-log.js';
import { DIR, storeOf } from './wounded-store.js';

const SUPERBLOCK = `${DIR}/superblock`;

/** A sealed segment is hurt below the snapshot: a server opens the store all the same (R12), and the repair loses nothing. */
async function woundedStore(): Promise<SimulatedDisk> {
  const disk = await storeOf({ isClosed: true, hasSnapshot: true });
  disk.flipBit(`${DIR}/wal/0000000000000001.wal`, 900, 3);
  return disk;
}

function opened({ environment }: { readonly environment: Environment }): Promise<RaftLog> {
  return openRaftLog({ dir: DIR, segmentBytes: 4096, create: 'never', environment });
}

/** Work that is done in front of the first open of a file for which `when` holds. */
interface Between {
  readonly when: (path: string, options: OpenOptions) => boolean;
  readonly work: () => Promise<void>;
}

/** Repairs in a process of its own, with what happens meanwhile. */
function repairWith(disk: SimulatedDisk, ...between: readonly Between[]): Promise<RepairReport> {
  const { environment } = disk.startProcess();
  const below = environment.disk;
  const toCome = new Set(between);
  const holding = new Proxy(below, {
    get: (_disk, name: keyof Disk) => {
      if (name !== 'open') return below[name]?.bind(below);
      return async (...[path, options]: Parameters<Disk['open']>) => {
        for (const one of toCome)
          if (one.when(path, options)) {
            toCome.delete(one);
            await one.work();
          }
        return below.open(path, options);
      };
    },
  });
  return repairStore({ environment: withDisk(environment, holding), dir: DIR, walDir: null });
}

const isLock = (path: string, { access }: OpenOptions): boolean => path === SUPERBLOCK && access === 'write';
const isOfNewLog = (path: string, { create }: OpenOptions): boolean =>
  path.startsWith(`${DIR}/wal/`) && create !== undefined && create !== 'never';

test('what a server saved between the first look and the lock is kept', async () => {
  const disk = await woundedStore();
  const work = async (): Promise<void> => {
    const log = await opened(disk);
    await log.save({ entries: entriesFrom(25, 2, 3), hardState: { term: 4, vote: 'n4' } });
    await log.close();
  };
  const report = await repairWith(disk, { when: isLock, work });
  expect(report).toMatchObject({ action: 'rebuild-log', result: { lastIndex: 26, hardState: { term: 4 } } });
  const log = await opened(disk);
  expect([log.lastIndex, log.hardState]).toEqual([26, { term: 4, vote: 'n4', commit: 22 }]);
  await log.close();
});

// Each open since the first look has raised the epoch that the repair must stamp above.
test.each([1, 2, 3])(
  'a server without its lock is told of no save once the log is rebuilt: %i opens',
  async (opens) => {
    const disk = await woundedStore();
    let last: RaftLog | undefined;
    let outcome: unknown;
    const lose = async (): Promise<void> => {
      for (let count = 1; count < opens; count += 1) await (await opened(disk)).close();
      last = await opened(disk);
      disk.loseLock();
    };
    const save = async (): Promise<void> => {
      outcome = await last?.setHardState({ term: 7, vote: 'n7' }).catch((error: unknown) => error);
    };
    const report = await repairWith(disk, { when: isLock, work: lose }, { when: isOfNewLog, work: save });
    expect(report.action).toBe('rebuild-log');
    expect(outcome).toMatchObject({ code: 'KEELSON_FENCED' });
  },
);

test('without a superblock the new epoch is above those of opens that wrote no frame', async () => {
  const disk = await storeOf({ isClosed: false });
  let epoch = 0;
  for (let count = 0; count < 4; count += 1) {
    ({ epoch } = (await opened(disk)).recovery);
    disk.crash('kill');
  }
  disk.remove(SUPERBLOCK);
  const outcome = await disk.run((environment) => repairStore({ environment, dir: DIR, walDir: null }));
  expect(outcome).toMatchObject({ value: { action: 'rebuild-superblock' } });
  const log = await opened(disk);
  expect(log.recovery.epoch).toBeGreaterThan(epoch + 1);
  await log.close();
});
