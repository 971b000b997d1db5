/**
 * Two writers on one store would each acknowledge what the other overwrites. A second open must be refused, and a
 * writer that lost its lock must be told before it acknowledges, renames or removes anything.
 */
import { describe, expect, test } from 'vitest';
import { decodeSuperblock, encodeSuperblock, SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { appendEach, newDisk, segment } from './scratch-wal.js';
import { DIR, open } from './wal-life.js';
import { readAll, recordOf } from './wal-memory.js';

const SUPERBLOCK = `${DIR}/superblock`;

function epochsOf(disk: SimulatedDisk): number[] {
  const bytes = disk.readVolatile(SUPERBLOCK) ?? new Uint8Array();
  return [0, SUPERBLOCK_SLOT_BYTES].map((from) => {
    const slot = decodeSuperblock(bytes.subarray(from, from + SUPERBLOCK_SLOT_BYTES));
    return slot.kind === 'valid' ? slot.superblock.epoch : 0;
  });
}

/** What an open by somebody else does first: a higher epoch in a slot, or, at the same moment, the same one. */
function stampEpoch(disk: SimulatedDisk, slot: number, above: 0 | 1 = 1): void {
  const from = slot * SUPERBLOCK_SLOT_BYTES;
  const bytes = (disk.readVolatile(SUPERBLOCK) ?? new Uint8Array()).slice(from, from + SUPERBLOCK_SLOT_BYTES);
  const verdict = decodeSuperblock(bytes);
  if (verdict.kind !== 'valid') throw new Error('the slot is not valid');
  const { superblock } = verdict;
  const { epoch, generation } = superblock;
  const nonce = new Uint8Array(16).fill(9);
  const stamped = { ...superblock, epoch: epoch + above, nonce, generation: generation + 2 };
  disk.overwrite(SUPERBLOCK, from, encodeSuperblock(stamped));
}

test('a second open is refused, in the same process and in another, until the first has closed', async () => {
  const disk = newDisk();
  const wal = await open(disk.environment);
  await expect(open(disk.environment)).rejects.toMatchObject({ code: 'KEELSON_LOCKED', path: SUPERBLOCK });
  const other = disk.startProcess();
  await expect(open(other.environment)).rejects.toMatchObject({ code: 'KEELSON_LOCKED' });
  await wal.close();
  const next = await open(other.environment);
  await appendEach(next, 1);
  await next.close();
});

test('a store whose making another process has begun is locked, at each of its calls', async () => {
  const whole = newDisk();
  await open(whole.environment);
  for (let call = 1; call <= whole.callCount; call += 1) {
    const disk = newDisk(1, { calls: 'background' });
    const second = disk.startProcess();
    let opened = 0;
    const count = (): void => {
      opened += 1;
    };
    let rival = Promise.resolve();
    disk.onCall = ({ number, processId }) => {
      if (number === call && processId !== second.id)
        rival = open(second.environment).then(count, () => undefined);
      return undefined;
    };
    await open(disk.environment).then(count, () => undefined);
    await rival;
    disk.onCall = null;
    // A rival that comes just before the lock may win it; never do both.
    expect(opened, `call ${call}`).toBe(1);
  }
});

test('each open stamps a higher epoch into both slots', async () => {
  const disk = newDisk();
  for (let epoch = 1; epoch <= 3; epoch += 1) {
    const wal = await open(disk.environment);
    expect(wal.recovery.epoch).toBe(epoch);
    expect(epochsOf(disk)).toEqual([epoch, epoch]);
    await wal.close();
  }
});

describe('a writer whose successor has stamped a higher epoch, or its own at the same moment', () => {
  test.each([
    { slot: 0, above: 1 },
    { slot: 1, above: 1 },
    { slot: 0, above: 0 },
    { slot: 1, above: 0 },
  ] as const)('acknowledges nothing more (slot $slot, $above above)', async ({ slot, above }) => {
    const disk = newDisk();
    const wal = await open(disk.environment);
    await appendEach(wal, 3);
    stampEpoch(disk, slot, above);
    const [first, second] = [wal.append([recordOf(4, 0, 9)]), wal.append([recordOf(5, 0, 9)])];
    await expect(first).rejects.toMatchObject({ code: 'KEELSON_FENCED', family: 'environment' });
    await expect(second).rejects.toMatchObject({ code: 'KEELSON_FENCED' });
    await expect(wal.append([recordOf(6, 0, 9)])).rejects.toMatchObject({ code: 'KEELSON_FAILED' });
    expect((await readAll(wal)).records).toHaveLength(3);
    await wal.close();
    // Its close wrote no clean mark over what the successor stamped.
    expect(Math.max(...epochsOf(disk))).toBe(1 + above);
  });

  test('drops, renames and removes nothing', async () => {
    const disk = newDisk();
    const wal = await open(disk.environment);
    await appendEach(wal, 20, 500);
    stampEpoch(disk, 0);
    const before = disk.list();
    await expect(wal.dropBefore(15)).rejects.toMatchObject({ code: 'KEELSON_FENCED' });
    expect(disk.list()).toEqual(before);
    await wal.close();
    expect(disk.list()).toContain(segment(1));
  });
});

test('whoever is succeeded while its superblock finds no room writes over nothing of the other', async () => {
  const disk = newDisk();
  const wal = await open(disk.environment);
  let isStamped = false;
  disk.onCall = ({ kind, path }) => {
    if (isStamped || kind !== 'write' || path !== SUPERBLOCK) return undefined;
    isStamped = true;
    // The slot that is not being written.
    stampEpoch(disk, 0);
    return { code: 'ENOSPC' };
  };
  await expect(appendEach(wal, 20, 500)).rejects.toMatchObject({ code: 'KEELSON_FENCED' });
  disk.onCall = null;
  expect(isStamped).toBe(true);
  await wal.close();
  expect(Math.max(...epochsOf(disk))).toBe(2);
});

test('whoever is succeeded before one of its syncs changes no name of a segment after it', async () => {
  let isSucceeded = true;
  let rotations = 0;
  for (let sync = 1; isSucceeded; sync += 1) {
    const disk = newDisk();
    const wal = await open(disk.environment);
    const segments = (): readonly string[] => disk.list().filter((path) => path.endsWith('.wal'));
    let syncs = 0;
    let named: readonly string[] | null = null;
    disk.onCall = ({ kind }) => {
      if (kind === 'dataSync') syncs += 1;
      if (syncs === sync && named === null) {
        named = segments();
        stampEpoch(disk, 0);
      }
      return undefined;
    };
    const life = (async () => {
      await appendEach(wal, 14, 500);
      await wal.dropBefore(10);
    })();
    await life.catch(() => undefined);
    disk.onCall = null;
    isSucceeded = named !== null;
    if (isSucceeded) expect(segments(), `sync ${sync}`).toEqual(named);
    else rotations = segments().length;
    await wal.close();
  }
  expect(rotations).toBeGreaterThan(0);
});

test('a writer that lost its lock never acknowledges what its successor cannot see', async () => {
  for (let seed = 0; seed < 40; seed += 1) {
    const disk = newDisk(seed, { calls: 'background' });
    const wal = await open(disk.environment);
    await appendEach(wal, 2, 300);
    disk.loseLock();
    const successor = disk.startProcess();
    let acknowledged = 2;
    const stale = (async () => {
      for (let batch = 3; batch < 12; batch += 1) {
        await wal.append([recordOf(batch, 0, 300 + seed)]);
        acknowledged = batch;
      }
    })().catch(() => undefined);
    const next = await open(successor.environment);
    await stale;
    const { records } = await readAll(next);
    expect(records.length, `seed ${seed}`).toBeGreaterThanOrEqual(acknowledged);
    await next.append([recordOf(99, 0, 5)]);
    successor.kill();
    const third = disk.startProcess();
    const again = await open(third.environment);
    expect((await readAll(again)).records, `seed ${seed}`).toHaveLength(records.length + 1);
  }
});
