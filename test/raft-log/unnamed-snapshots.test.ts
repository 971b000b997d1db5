/**
 * A crash in the install of a snapshot leaves a whole one that no log names, and a loop of such crashes would fill the disk
 * with them; but one of them may be all that is left of a newer log. They are put beside a log one after the other, and what
 * else is in quarantine beside them.
 */
import { expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { dataOf, entriesFrom, simulated } from './scratch-log.js';

const DIR = '/data/log';
const QUARANTINE = `${DIR}/quarantine`;

function snapshotPath(index: number): string {
  return `${DIR}/snapshots/${String(index).padStart(16, '0')}-${'1'.padStart(16, '0')}.snap`;
}

/** The file that an install at `index` makes in this store, which itself stays as it is. */
async function snapshotOf(disk: SimulatedDisk, index: number): Promise<Uint8Array> {
  const copy = disk.fork();
  const log = await openRaftLog({ dir: DIR, segmentBytes: 8192, environment: copy.environment });
  await log.installSnapshot({ index, term: 1, conf: Uint8Array.of(1), data: dataOf(index, 1, 300) });
  await log.close();
  return copy.readVolatile(snapshotPath(index)) ?? new Uint8Array();
}

test('the highest eight are kept, and all else in quarantine', async () => {
  const { disk, open } = simulated({ profile: { calls: 'inline' } });
  const log = await open();
  await log.save({ entries: entriesFrom(1, 5), hardState: { term: 1 } });
  await log.close();
  disk.writeFile(snapshotPath(90), dataOf(1, 1, 200));
  await (await open()).close();
  const others = disk.list().filter((path) => path.startsWith(QUARANTINE));
  expect(others.length).toBe(2);
  disk.writeFile(`${QUARANTINE}/unnamed-by-hand.snap`, dataOf(2, 1, 10));
  const put = [100, 120, 110, 130, 140, 150, 160, 170, 180, 190, 200];
  for (const index of put) {
    disk.writeFile(snapshotPath(index), await snapshotOf(disk, index));
    const again = await open();
    expect([again.lastIndex, again.snapshot]).toEqual([5, null]);
    expect(again.recovery.quarantined).toHaveLength(1);
    expect(disk.readVolatile(snapshotPath(index))).toBeNull();
    await again.close();
  }
  const kept = [130, 140, 150, 160, 170, 180, 190, 200].flatMap((index) => {
    const path = snapshotPath(index).replace(`${DIR}/snapshots/`, `${QUARANTINE}/unnamed-`);
    return [path, `${path}.txt`];
  });
  const found = disk.list().filter((path) => path.startsWith(QUARANTINE));
  expect(found).toEqual([...others, ...kept, `${QUARANTINE}/unnamed-by-hand.snap`].sort());
});
