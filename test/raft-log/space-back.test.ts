/**
 * A Raft whose save was refused for want of room takes no entries until the log says that it may: a log that never
 * says so holds it back for good. Room is taken away at each write that a save or a snapshot makes, and given back.
 */
import { describe, expect, test } from 'vitest';
import { isKeelsonError } from '../../src/errors/index.js';
import type { RaftLog } from '../../src/raft-log/contract.js';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';

const ATTEMPTS: readonly (readonly [name: string, make: (log: RaftLog) => Promise<unknown>])[] = [
  ['a save', (log) => log.save({ entries: entriesFrom(21, 3) })],
  ['a save that needs a new segment', (log) => log.save({ entries: entriesFrom(21, 3, 1, 2500) })],
  ['a snapshot', (log) => log.createSnapshot({ index: 5, conf: dataOf(1, 1), data: dataOf(5, 1, 300) })],
  [
    'a snapshot from a leader',
    (log) => log.installSnapshot({ index: 50, term: 1, conf: dataOf(1, 1), data: dataOf(5, 1, 300) }),
  ],
];

describe('after a refusal for want of room', () => {
  test.each(ATTEMPTS)('%s: the log says so when there is room again', async (_name, make) => {
    let refusals = 0;
    for (let nth = 1; nth <= 40; nth += 1) {
      const { disk, open } = simulated({ seed: nth });
      const log = await disk.queue.runUntil(open());
      await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 20), hardState: { term: 1 } }));
      let isBack = false;
      log.events.on('space-back', () => {
        isBack = true;
      });
      let seen = 0;
      disk.onCall = ({ kind }) => {
        seen += kind === 'write' ? 1 : 0;
        return kind === 'write' && seen === nth ? { code: 'ENOSPC' } : undefined;
      };
      const error: unknown = await disk.queue.runUntil(make(log).catch((failure: unknown) => failure));
      if (isKeelsonError(error, 'KEELSON_NO_SPACE') && log.status === 'open') {
        refusals += 1;
        await disk.queue.runUntilIdle(disk.queue.nowMs + 5000);
        expect(isBack, `no space at write ${nth}`).toBe(true);
      }
      await disk.queue.runUntil(log.close());
    }
    expect(refusals).toBeGreaterThan(0);
  });

  test('it goes on trying, though a try fails for another reason', async () => {
    const { disk, open } = simulated();
    const log = await disk.queue.runUntil(open());
    await disk.queue.runUntil(log.save({ entries: entriesFrom(1, 20), hardState: { term: 1 } }));
    let isBack = false;
    log.events.on('space-back', () => {
      isBack = true;
    });
    let isFull = true;
    disk.onCall = ({ kind, path }) => {
      if (!path.endsWith('.spare')) return undefined;
      if (isFull) return kind === 'write' ? { code: 'ENOSPC' } : undefined;
      return disk.queue.nowMs < 20_000 && kind === 'open' ? { code: 'EIO' } : undefined;
    };
    const saving = log.save({ entries: entriesFrom(21, 3, 1, 2500) });
    await expect(disk.queue.runUntil(saving)).rejects.toMatchObject({ code: 'KEELSON_NO_SPACE' });
    isFull = false;
    await disk.queue.runUntilIdle(19_000);
    expect(isBack).toBe(false);
    await disk.queue.runUntilIdle(25_000);
    expect(isBack).toBe(true);
    await disk.queue.runUntil(log.close());
  });
});
