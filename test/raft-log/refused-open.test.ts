/**
 * Who reads the error of an open that was refused decides by it: whether anything is damaged, and which entries. One entry of
 * a frame in the tail is hurt, and the error held against what verify says; and memory is short over a store that is whole.
 */
import { expect, onTestFinished, test, vi } from 'vitest';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { verifyStore } from '../../src/raft-log/verify-store.js';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';
import { DIR } from './wounded-store.js';

test('one entry of ten is hurt: the open names that one, and the nine are intact', async () => {
  const { disk } = simulated({ profile: { calls: 'inline' } });
  await disk.run(async (environment) => {
    const log = await openRaftLog({ dir: DIR, segmentBytes: 65_536, environment });
    await log.save({ hardState: { term: 1 }, entries: entriesFrom(1, 10, 1, 100) });
    await log.append(entriesFrom(11, 10, 1, 100));
    await log.close();
  });
  const path = disk.list().find((one) => one.endsWith('.wal')) ?? '';
  const at = Buffer.from(disk.readVolatile(path) ?? []).indexOf(dataOf(7, 1, 100));
  disk.overwrite(path, at, Uint8Array.of(0, 0, 0, 0));
  const opened = openRaftLog({ dir: DIR, create: 'never', environment: disk.environment });
  const { damage } = await verifyStore({ environment: disk.environment, dir: DIR, walDir: null });
  expect(damage.map(({ entries }) => entries)).toEqual([{ from: 7, until: 8 }]);
  await expect(opened).rejects.toMatchObject({
    details: { entries: { from: 7, until: 8 }, recovery: { damage: { intact: damage[0]?.intact } } },
  });
  await expect(opened).rejects.toThrow('entries 7..7 cannot be read');
});

test('a store is not damaged because its reader is short of memory', async () => {
  const { disk } = simulated({ profile: { calls: 'inline' } });
  const { environment } = disk;
  await disk.run(async () => {
    const log = await openRaftLog({ dir: DIR, segmentBytes: 65_536, environment });
    for (let index = 1; index <= 20; index += 1)
      await log.save({ entries: entriesFrom(index, 1, index), hardState: { term: index } });
    await log.close();
  });
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
  vi.stubGlobal(
    'Float64Array',
    class extends Float64Array {
      constructor(length: number) {
        // For the terms, more than any machine has addresses for: V8 says the same as where it has no room.
        super(new ArrayBuffer(length === 40 ? 2 ** 50 : length * 8));
      }
    },
  );
  const path = disk.list().find((one) => one.endsWith('.wal'));
  const details = { path, systemCode: 'ENOMEM' };
  await expect(openRaftLog({ dir: DIR, environment })).rejects.toMatchObject({
    code: 'KEELSON_READ_FAILED',
    details,
  });
  vi.unstubAllGlobals();
  const log = await openRaftLog({ dir: DIR, environment });
  expect([log.recovery.verdict, log.lastTerm]).toEqual(['clean', 20]);
});
