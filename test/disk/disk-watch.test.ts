/**
 * A call of the disk that hangs may never return, so whoever waits for its end to tell of it tells nobody; and one that a
 * signal cut short has done nothing, so that to fail for it is to fail without cause. Calls of a whole log are made to
 * hang, and to be cut short, on a simulated disk.
 */
import { describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { CallUnderWay } from '../../src/disk/disk-watch.js';
import { planStoreRepair, repairStore } from '../../src/raft-log/repair-store.js';
import { markUnfit } from '../../src/raft-log/repair/mark-unfit.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { entriesFrom, simulated } from '../raft-log/scratch-log.js';

describe('a call that hangs', () => {
  test('is told while it hangs, again and again, and no more once it is back', async () => {
    const { disk, open } = simulated();
    const log = await disk.queue.runUntil(open());
    await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 3), hardState: { term: 1 } }));
    expect(log.health()).toMatchObject({ oldestCall: null, syncMs: { count: 1 } });
    const told: CallUnderWay[] = [];
    log.events.on('stalled', (call) => {
      told.push(call);
    });
    let isFirst = true;
    disk.onCall = ({ kind }) => {
      if (kind !== 'dataSync' || !isFirst) return undefined;
      isFirst = false;
      return { fault: 'stuck' };
    };
    const saving = log.append(entriesFrom(4, 1));
    await disk.queue.runUntilIdle(disk.queue.nowMs + 10_000);
    expect(told.length).toBeGreaterThanOrEqual(3);
    expect(told.every(({ call, path }) => call === 'dataSync' && path.endsWith('.wal'))).toBe(true);
    expect(told[0]?.sinceMs).toBeLessThan(2001);
    const { oldestCall } = log.health();
    expect(oldestCall).toMatchObject({ call: 'dataSync', path: told[0]?.path });
    expect(oldestCall?.sinceMs).toBeGreaterThan(told.at(-1)?.sinceMs ?? Infinity);
    await disk.queue.runUntil(saving);
    expect(log.health().oldestCall).toBeNull();
    const before = told.length;
    await disk.queue.runUntilIdle(disk.queue.nowMs + 10_000);
    expect(told).toHaveLength(before);
    await disk.queue.runUntil(log.close());
  });
});

describe('a call that a signal cut short', () => {
  test.each(['background', 'inline'] as const)('is made again (%s), whichever it is', async (calls) => {
    const { disk, open } = simulated({ profile: { calls } });
    let interrupted = 0;
    // Each call of the disk fails so once, but the close of a file, which must not be made again.
    let wasCut = false;
    disk.onCall = ({ kind }) => {
      wasCut = kind !== 'close' && !wasCut;
      interrupted += wasCut ? 1 : 0;
      return wasCut ? { code: 'EINTR' } : undefined;
    };
    await disk.run(async () => {
      const log = await open({ segmentBytes: 4096 });
      await log.setHardState({ term: 1 });
      for (let from = 1; from < 12; from += 2) await log.append(entriesFrom(from, 2, 1, 900));
      await log.createSnapshot({ index: 8, conf: Uint8Array.of(1), data: Uint8Array.of(2) });
      await log.compact(6);
      expect(await log.entries(8, 12)).toHaveLength(4);
      await log.close();
      const again = await open({ create: 'never' });
      expect(again.recovery.verdict).toBe('clean');
      expect(again.lastIndex).toBe(12);
      await again.close();
    });
    expect(interrupted).toBeGreaterThan(100);
  });
});

describe('without a log', () => {
  /** Each call of the disk is cut short once, but the close of a file. */
  function interrupting(disk: SimulatedDisk): { interrupted: number } {
    const seen = { interrupted: 0 };
    let wasCut = false;
    disk.onCall = ({ kind }) => {
      wasCut = kind !== 'close' && !wasCut;
      seen.interrupted += wasCut ? 1 : 0;
      return wasCut ? { code: 'EINTR' } : undefined;
    };
    return seen;
  }

  test.each(['verify', 'plan', 'repair', 'mark'] as const)(
    'calls that are cut short are made again: %s',
    async (what) => {
      const { disk, open } = simulated({ profile: { calls: 'inline' } });
      const log = await open();
      await log.save({ entries: entriesFrom(1, 9), hardState: { term: 1 } });
      await log.close();
      if (what === 'repair') for (const at of [0, 4096]) disk.flipBit('/data/log/superblock', at + 20, 1);
      const seen = interrupting(disk);
      const request = { environment: disk.environment, dir: '/data/log', walDir: null };
      if (what === 'verify') expect((await verifyStore(request)).verdict).toBe('sound');
      if (what === 'plan') expect((await planStoreRepair(request)).action).toBe('none');
      if (what === 'repair') expect((await repairStore(request)).action).toBe('rebuild-superblock');
      if (what === 'mark')
        expect((await markUnfit({ dir: '/data/log', environment: disk.environment })).action).toBe('mark');
      expect(seen.interrupted).toBeGreaterThan(5);
    },
  );
});
