/**
 * A number that is used twice makes two groups one, and a copy of what was cut is the only thing left of it. So counters
 * are followed through openings that replay nothing, and quarantine through closes, reopenings, kills and power cuts.
 */
import { expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { appendEach, newDisk, segment } from './scratch-wal.js';
import { DIR, open } from './wal-life.js';
import { recordOf } from './wal-memory.js';

type End = 'close' | 'kill' | 'power' | 'kill-power';
const ENDS: readonly End[] = ['close', 'kill', 'power', 'kill-power'];

test.each(ENDS)('counters neither skip nor fall back, also when nothing was replayed: %s', async (end) => {
  const disk = newDisk();
  let [nextLsn, epoch] = [1, 0];
  for (const step of ['nothing', 'append', 'nothing', 'drop', 'nothing', 'nothing', 'append', 'nothing']) {
    const wal = await open(disk.environment);
    expect(wal.recovery).toMatchObject({ lastLsn: nextLsn - 1, epoch: epoch + 1 });
    epoch += 1;
    if (step === 'append') {
      for (const size of [900, 900, 900, 900, 900]) {
        const { firstLsn, lastLsn } = await wal.append([recordOf(nextLsn, 0, size)]);
        expect([firstLsn, lastLsn]).toEqual([nextLsn, nextLsn]);
        nextLsn += 1;
      }
    }
    if (step === 'drop') await wal.dropBefore(nextLsn);
    if (end === 'close') await wal.close();
    else disk.crash(end);
  }
});

test('what was cut out of a torn tail stays in quarantine for who looks, whatever comes after', async () => {
  const disk = await tornStore();
  const wal = await open(disk.environment);
  const { quarantined } = wal.recovery;
  expect(quarantined).toHaveLength(2);
  await wal.close();
  const kept = quarantined.map((path) => [path, disk.readDurable(path)] as const);
  for (const [path, bytes] of kept) expect(bytes?.length, path).toBeGreaterThan(20);
  for (const end of [...ENDS, ...ENDS]) {
    const again = await open(disk.environment);
    expect(again.recovery.quarantined).toEqual([]);
    await appendEach(again, 3, 900, 100);
    await again.dropBefore(again.recovery.lastLsn + 2);
    if (end === 'close') await again.close();
    else disk.crash(end);
    for (const [path, bytes] of kept) expect(disk.readDurable(path), `${path} after ${end}`).toEqual(bytes);
  }
});

/** Three groups, and behind them the header of one whose payload never reached the disk. */
async function tornStore(): Promise<SimulatedDisk> {
  const disk = newDisk();
  const wal = await open(disk.environment);
  await appendEach(wal, 3);
  const whole = disk.readVolatile(segment(1)) ?? new Uint8Array();
  await appendEach(wal, 1, 100, 4);
  const grown = disk.readVolatile(segment(1)) ?? new Uint8Array();
  disk.crash('kill');
  const from = whole.findIndex((byte, at) => byte !== grown[at]);
  disk.writeFile(segment(1), whole);
  disk.overwrite(segment(1), from, grown.subarray(from, from + 80));
  expect(disk.list().some((path) => path.startsWith(`${DIR}/quarantine/`))).toBe(false);
  return disk;
}
