// Hosts test themselves against this log, so it must show them the order of events that a disk shows.
// What the conformance suite cannot see from outside is tried here: options, queue, events, counters, owners.
import { describe, expect, it } from 'vitest';
import { MemoryMedium } from '../../src/raft-log/memory/memory-frames.js';
import { createMemoryRaftLog, openMemoryRaftLog } from '../../src/raft-log/memory/memory-raft-log.js';
import { entriesOf, entry } from './log-of-terms.js';
import { refused } from './refused.js';

const term1 = { hardState: { term: 1 } };

describe('options', () => {
  it.each([
    { check: 'off' },
    { dir: 'd' },
    { checks: 'on' },
    { batchBytesMax: 0 },
    { queueBytesMax: NaN },
    null,
  ])('refuses %j', (options) => {
    refused('KEELSON_INVALID_ARGUMENT', () => createMemoryRaftLog(options as object));
  });

  it('bounds a save by batchBytesMax', async () => {
    const log = createMemoryRaftLog({ batchBytesMax: 1000 });
    await expect(log.save({ entries: [entry(1, 1, new Uint8Array(1001))], ...term1 })).rejects.toMatchObject({
      code: 'KEELSON_TOO_LARGE',
    });
    await log.save({ entries: [entry(1, 1, new Uint8Array(900))], ...term1 });
    expect(log.lastIndex).toBe(1);
  });

  it('bounds what waits by queueBytesMax, and lets one large save through alone', async () => {
    const log = createMemoryRaftLog({ queueBytesMax: 500 });
    const first = log.save({ entries: [entry(1, 1, new Uint8Array(1000))], ...term1 });
    await expect(log.append([entry(2, 1)])).rejects.toMatchObject({ code: 'KEELSON_QUEUE_FULL' });
    expect(log.accepted.lastIndex).toBe(1);
    await first;
    await log.append([entry(2, 1)]);
    expect(log.lastIndex).toBe(2);
  });
});

describe('events and counters', () => {
  it('tells one sync for all saves of one run, and survives a listener that throws', async () => {
    const log = createMemoryRaftLog();
    const groups: number[] = [];
    log.events.on('sync', ({ saves }) => {
      groups.push(saves);
      throw new Error('a broken listener');
    });
    await Promise.all([
      log.save({ ...term1, entries: entriesOf(1, 1) }),
      log.append(entriesOf(2, 1)),
      log.append(entriesOf(3, 1)),
    ]);
    await log.append(entriesOf(4, 1));
    expect(groups).toEqual([3, 1]);
    expect(log.stats()).toMatchObject({
      saves: 4,
      entries: 4,
      groups: 2,
      payloadBytes: 12,
      queuedSaves: 0,
      queuedBytes: 0,
    });
  });

  it('tells of recovery, snapshots and compaction', async () => {
    const log = createMemoryRaftLog();
    const told: string[] = [];
    log.events.on('recovered', ({ verdict }) => told.push(verdict));
    log.events.on('snapshot', ({ meta, installed }) => told.push(`${meta.index} ${installed}`));
    log.events.on('compacted', ({ upTo, bytesFreed }) => told.push(`${upTo} ${bytesFreed > 0}`));
    await log.save({ ...term1, entries: entriesOf(1, 1, 1) });
    await log.createSnapshot({ index: 1, conf: new Uint8Array(0), data: new Uint8Array(9) });
    await log.compact(1);
    await log.installSnapshot({ index: 9, term: 1, conf: new Uint8Array(0), data: new Uint8Array(0) });
    expect(told).toEqual(['fresh', '1 false', '1 true', '9 true']);
  });

  it('counts what waits', () => {
    const log = createMemoryRaftLog();
    const waiting = [log.setHardState({ term: 1 }), log.append(entriesOf(1, 1))];
    expect(log.stats()).toMatchObject({ queuedSaves: 2, saves: 2 });
    expect(log.stats().queuedBytes).toBeGreaterThan(0);
    return Promise.all(waiting);
  });
});

describe('owners of one memory', () => {
  it('locks it while it is open', async () => {
    const medium = new MemoryMedium();
    const log = openMemoryRaftLog({}, medium);
    refused('KEELSON_LOCKED', () => openMemoryRaftLog({}, medium));
    await log.save({ ...term1, entries: entriesOf(1, 1) });
    await log.close();
    const again = openMemoryRaftLog({}, medium);
    expect(again.recovery).toMatchObject({ verdict: 'clean', epoch: 2, lastLsn: 2 });
    await again.append(entriesOf(2, 1));
    expect([log.lastIndex, again.lastIndex]).toEqual([1, 2]);
  });

  it('fences an owner that lost it', async () => {
    const medium = new MemoryMedium();
    const log = openMemoryRaftLog({}, medium);
    const failed: string[] = [];
    log.events.on('failed', ({ code }) => failed.push(code));
    const saving = log.setHardState({ term: 1 });
    medium.owner = null;
    await expect(saving).rejects.toMatchObject({ code: 'KEELSON_FENCED' });
    expect([log.status, medium.durable.hardState.term]).toEqual(['failed', 0]);
    await expect(log.setHardState({ term: 2 })).rejects.toMatchObject({ code: 'KEELSON_FAILED' });
    expect(failed).toEqual(['KEELSON_FENCED']);
    await log.close();
  });

  it('refuses a vote while the state is unfit, until commit has reached the mark', async () => {
    const medium = new MemoryMedium();
    medium.durable.unfitUntil = 2;
    const log = openMemoryRaftLog({}, medium);
    await log.save({ ...term1, entries: entriesOf(1, 1, 1) });
    expect(log.unfitUntil).toBe(2);
    await expect(log.setHardState({ vote: 'a' })).rejects.toMatchObject({ code: 'KEELSON_UNFIT_TO_VOTE' });
    await log.setHardState({ commit: 2 });
    expect(log.unfitUntil).toBe(0);
    await log.setHardState({ vote: 'a' });
    expect(log.hardState.vote).toBe('a');
  });
});

describe('snapshots', () => {
  it('abandons a stream when it is closed meanwhile', async () => {
    const log = createMemoryRaftLog();
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      await log.close();
      yield new Uint8Array(1);
    }
    await expect(
      log.installSnapshot({ index: 5, term: 0, conf: new Uint8Array(0), data: slow() }),
    ).rejects.toMatchObject({ code: 'KEELSON_CLOSED' });
    expect(log.snapshot).toBeNull();
  });

  it('is closed once a stream that has fallen silent was ended, and nothing comes after', async () => {
    const medium = new MemoryMedium();
    const log = openMemoryRaftLog({}, medium);
    await log.save({ ...term1, entries: entriesOf(1, 1, 1) });
    const order: string[] = [];
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(1);
      await new Promise(() => undefined);
    }
    const taken = log
      .createSnapshot({ index: 2, conf: new Uint8Array(0), data: silent() })
      .catch((error: unknown) => {
        order.push((error as { code: string }).code);
      });
    await log.close();
    order.push('closed');
    await taken;
    expect(order).toEqual(['KEELSON_CLOSED', 'closed']);
    const next = openMemoryRaftLog({}, medium);
    expect(next.snapshot).toBeNull();
  });
});
