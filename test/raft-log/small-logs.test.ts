/**
 * A process may hold hundreds of small logs, and a test opens thousands: what each takes in memory goes by what it holds,
 * not by what it may hold. Some are opened with all defaults, saved to and given a snapshot; then their memory is counted,
 * and what came of snapshots that failed is looked for.
 */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { openRaftLog } from '../../src/index.js';
import { createSimulatedDisk } from '../../sim/index.js';

const LOGS = 16;

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

test('a log of a few entries takes no more than 200 KiB', async () => {
  const disk = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  const collect = collector();
  // What was thrown away is no matter here; what one collection finds dead, the next one gives back.
  const held = (): number => {
    collect();
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = held();
  const logs = [];
  for (let at = 1; at <= LOGS; at++) {
    const log = await openRaftLog({
      dir: `/data/log-${at}`,
      segmentBytes: 8192,
      environment: disk.environment,
    });
    await log.save({ entries: [{ index: 1, term: 1, data: Buffer.from('x') }], hardState: { term: 1 } });
    await log.createSnapshot({ index: 1, conf: Buffer.alloc(0), data: Buffer.from('state') });
    expect(log.entriesInMemory(1, 2)).toHaveLength(1);
    logs.push(log);
  }
  expect((held() - before) / LOGS).toBeLessThan(200 * 1024);
  for (const log of logs) await log.close();
});

test('of snapshots that failed, and there may be very many, nothing is kept', async () => {
  const { environment } = createSimulatedDisk({ seed: 1, directories: ['/data'] });
  const log = await openRaftLog({ dir: '/data/log', environment });
  await log.save({ entries: [{ index: 1, term: 1, data: Buffer.from('x') }], hardState: { term: 1 } });
  const failed = async (): Promise<WeakRef<Error>> => {
    const data = {
      // eslint-disable-next-line require-yield
      async *[Symbol.asyncIterator]() {
        throw await Promise.resolve(new Error('the data broke off'));
      },
    };
    const error: unknown = await log
      .createSnapshot({ index: 1, conf: Buffer.alloc(0), data })
      .catch((thrown: unknown) => thrown);
    return new WeakRef(error as Error);
  };
  const errors = [await failed(), await failed(), await failed()];
  await setImmediate();
  collector()();
  expect(errors.slice(0, 2).map((error) => error.deref())).toEqual([undefined, undefined]);
  await log.close();
});
