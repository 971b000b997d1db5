/**
 * Who reads the error of an open that was refused decides by the entries that it names, so they must be those that cannot
 * be read, and no others. One entry of a frame in the tail is hurt, and the error is held against what verify says.
 */
import { expect, test } from 'vitest';
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
