/**
 * A conflict may replace far more than the segment holds that is written to: the seal of that segment then begins below all
 * that it held before. Where the room for it were reckoned by what stood there, it would be written over the last frames,
 * which are acknowledged. The conflict comes at each fill of the segment, to its last bytes.
 */
import { expect, test } from 'vitest';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';
import type { Entry, RaftLog } from '../../src/raft-log/contract.js';

const SEGMENT_BYTES = 16_384;
/** Entries in front, of which the conflict leaves few. */
const BEFORE = 900;
const KEPT = 50;
/** So many that their seal takes more than the reserve. */
const AFTER = 1000;

function noOps(from: number, count: number, term: number): Entry[] {
  return Array.from({ length: count }, (_, at) => ({ index: from + at, term, data: new Uint8Array() }));
}

async function fillTail(log: RaftLog, steps: number): Promise<void> {
  for (let step = 0; step < steps; step += 1) await log.append(entriesFrom(log.lastIndex + 1, 1, 1, 100));
}

test('a conflict far below what the segment holds leaves room for its seal', async () => {
  let sealed = 0;
  for (let steps = 2; steps <= 40; steps += 2) {
    const { disk, open } = simulated({ seed: 1, profile: { calls: 'inline' } });
    const log = await disk.queue.runUntil(open({ segmentBytes: SEGMENT_BYTES }));
    const told: number[] = [];
    log.events.on('rotate', ({ number }) => told.push(number));
    await disk.queue.runUntil(log.save({ entries: noOps(1, BEFORE, 1), hardState: { term: 1 } }));
    while (told.length === 0) await disk.queue.runUntil(fillTail(log, 1));
    await disk.queue.runUntil(fillTail(log, steps));
    const conflict = noOps(KEPT + 1, AFTER, 2);
    await disk.queue.runUntil(log.save({ entries: conflict, hardState: { term: 2 } }));
    const before = told.length;
    while (told.length === before) {
      const index = log.lastIndex + 1;
      await disk.queue.runUntil(log.append([{ index, term: 2, data: dataOf(index, 2, 700) }]));
    }
    sealed += 1;
    const { lastIndex } = log;
    await disk.queue.runUntil(log.close());
    const again = await disk.queue.runUntil(open({ segmentBytes: SEGMENT_BYTES, verifyOnOpen: 'all' }));
    expect(again.lastIndex).toBe(lastIndex);
    const entries = await disk.queue.runUntil(again.entries(1, lastIndex + 1));
    expect(entries.map(({ term }) => term)).toEqual(entries.map(({ index }) => (index <= KEPT ? 1 : 2)));
    await disk.queue.runUntil(again.close());
  }
  expect(sealed).toBe(20);
});
