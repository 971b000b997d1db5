/**
 * A nearly full disk that is filled to its end by the segments prepared for later refuses what would have ended its shortage,
 * and a store that tries again at every save writes zeros for ever. Saves go on beside tries that fail, for each reason
 * and from each caller, and the tries are counted.
 */
import { describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { dataOf, entriesFrom, simulated } from '../raft-log/scratch-log.js';

const SEGMENT_BYTES = 65_536;
const SECONDS = 5;

/** A log whose only segment is more than half full, so that each group asks for the next one. */
async function halfFull(): Promise<{
  disk: SimulatedDisk;
  log: RaftLog;
  isSpare: (path: string) => boolean;
}> {
  const { disk, open } = simulated();
  const log = await disk.queue.runUntil(open({ segmentBytes: SEGMENT_BYTES }));
  disk.onCall = ({ path }) => (path.endsWith('.spare') ? { code: 'EIO' } : undefined);
  await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 20, 1, 2000), hardState: { term: 1 } }));
  return { disk, log, isSpare: (path) => path.endsWith('.spare') };
}

async function pass(disk: SimulatedDisk, ms: number): Promise<void> {
  await disk.queue.runUntil(
    new Promise<void>((resolve) => {
      disk.queue.after(ms, resolve);
    }),
  );
}

/** Votes for some seconds; every fifth save has entries, `bytes` long. */
async function vote(disk: SimulatedDisk, log: RaftLog, bytes: number): Promise<void> {
  const endMs = disk.queue.nowMs + SECONDS * 1000;
  for (let at = 1; disk.queue.nowMs < endMs; at += 1) {
    const save =
      at % 5 === 0
        ? log.append(entriesFrom(log.lastIndex + 1, 1, 1, bytes))
        : log.setHardState({ term: log.hardState.term + 1 });
    await disk.queue.runUntil(save.catch((error: unknown) => error));
    await pass(disk, 100);
  }
}

describe('a spare', () => {
  test('is not begun where it would take the last room, which a snapshot gets', async () => {
    const { disk, log, isSpare } = await halfFull();
    let opens = 0;
    disk.onCall = ({ kind, path }) => {
      if (kind === 'open' && isSpare(path)) opens += 1;
      return undefined;
    };
    const { fs } = disk;
    (fs.profile as { capacityBytes: number }).capacityBytes -= fs.freeBytes - 1.5 * SEGMENT_BYTES;
    await vote(disk, log, 10);
    const data = dataOf(5, 1, SEGMENT_BYTES);
    await disk.queue.runUntil(log.createSnapshot({ index: 5, conf: dataOf(1, 1), data }));
    expect(opens).toBe(0);
    await disk.queue.runUntil(log.close());
  });

  test('is made all the same once a save waits for it', async () => {
    const { disk, log } = await halfFull();
    disk.onCall = null;
    const { fs } = disk;
    (fs.profile as { capacityBytes: number }).capacityBytes -= fs.freeBytes - 1.5 * SEGMENT_BYTES;
    await vote(disk, log, 3000);
    expect(log.lastIndex).toBeGreaterThan(25);
    expect(log.stats().rotations).toBe(1);
    await disk.queue.runUntil(log.close());
  });

  test('that is in the making is waited for: a save that needs a segment makes none beside it', async () => {
    const { disk, open } = simulated();
    const log = await disk.queue.runUntil(open({ segmentBytes: SEGMENT_BYTES }));
    const begun: string[] = [];
    disk.onCall = ({ kind, path }) => {
      if (kind === 'open' && path.endsWith('.spare')) begun.push(path);
      return undefined;
    };
    await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 20, 1, 2000), hardState: { term: 1 } }));
    await disk.queue.runUntil(log.append(entriesFrom(21, 10, 1, 3000)));
    expect(log.stats().rotations).toBe(1);
    expect(begun).toHaveLength(1);
    await disk.queue.runUntil(log.close());
  });

  test('never has the name of one of a writer before (D11)', async () => {
    const { disk, open } = simulated();
    const begun: string[] = [];
    disk.onCall = ({ kind, path }) => {
      if (kind === 'open' && path.endsWith('.spare')) begun.push(path);
      return undefined;
    };
    for (let life = 0; life < 3; life += 1) {
      const log = await disk.queue.runUntil(open({ segmentBytes: SEGMENT_BYTES }));
      const entries = entriesFrom(log.lastIndex + 1, 20, 1, 2000);
      await disk.queue.runUntil(log.save({ entries, hardState: { term: 1 } }));
      await pass(disk, 100);
      await disk.queue.runUntil(log.close());
    }
    expect(begun.length).toBeGreaterThanOrEqual(2);
    expect(new Set(begun).size).toBe(begun.length);
  });

  test('is still tried after a save that came between two tries and was refused as well', async () => {
    const { disk, log, isSpare } = await halfFull();
    const told: string[] = [];
    log.events.on('space-back', () => told.push('space-back'));
    disk.onCall = ({ kind, path }) => (isSpare(path) && kind === 'write' ? { code: 'ENOSPC' } : undefined);
    for (let tries = 0; tries < 2; tries += 1) {
      const save = log.append(entriesFrom(log.lastIndex + 1, 8, 1, 4000));
      await disk.queue.runUntil(expect(save).rejects.toMatchObject({ code: 'KEELSON_NO_SPACE' }));
      await pass(disk, 500);
    }
    disk.onCall = null;
    // No save asks any more: only the timer does.
    await pass(disk, 3000);
    expect(told).toEqual(['space-back']);
    await disk.queue.runUntil(log.close());
  });

  test.each(['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'EACCES'])(
    'that fails with %s is tried about once a second, whoever asks',
    async (code) => {
      for (const bytes of [10, 4000]) {
        const { disk, log, isSpare } = await halfFull();
        let tries = 0;
        disk.onCall = ({ kind, path }) => {
          if (!isSpare(path) || kind === 'unlink') return undefined;
          if (kind === 'open') tries += 1;
          return code === 'EMFILE' || kind === 'write' ? { code } : undefined;
        };
        await vote(disk, log, bytes);
        expect(tries).toBeGreaterThanOrEqual(SECONDS - 2);
        expect(tries).toBeLessThanOrEqual(SECONDS + 2);
        expect(log.status).toBe('open');
        disk.onCall = null;
        await pass(disk, 2000);
        await vote(disk, log, 4000);
        expect(log.stats().rotations).toBeGreaterThan(0);
        await disk.queue.runUntil(log.close());
      }
    },
  );
});
