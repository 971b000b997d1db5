/**
 * Damage to one save in the middle of the log, and to the seal that would have told where everything else stands, must not cost
 * what lies behind: a repair gives up what cannot be read or not joined, and no more. Every few bytes of a segment in the
 * middle are hurt beside its seal, and one of the next segment too.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { SEAL_TRAILER_BYTES } from '../../src/format/seal.js';
import { SEGMENT_HEADER_BYTES } from '../../src/format/segment-header.js';
import { openRaftLog } from '../../src/raft-log/open-raft-log.js';
import { planStoreRepair, repairStore } from '../../src/raft-log/repair-store.js';
import { dataOf } from './scratch-log.js';
import { DIR, openingOf, storeOf } from './wounded-store.js';

const STEP = process.env['KEELSON_DEEP'] === '1' ? 1 : 53;
const COUNT = 24;
const SEGMENT_BYTES = 4096;
/** Length, kind, checksum and the like of an entry's record. */
const HEAD_BYTES = 11;

const segment = (number: number): string => `${DIR}/wal/${String(number).padStart(16, '0')}.wal`;
const termOf = (index: number): number => (index < 13 ? 1 : 3);
const request = (disk: SimulatedDisk) => ({ environment: disk.environment, dir: DIR, walDir: null });

let whole: SimulatedDisk;
beforeAll(async () => {
  whole = await storeOf({ isClosed: true });
});

/** The lowest entry of which a byte at `at` is a part; null if it is none's. */
function entryAt(path: string, at: number): number | null {
  const bytes = Buffer.from(whole.readVolatile(path) ?? []);
  for (let index = 1; index <= COUNT; index += 1) {
    const from = bytes.indexOf(dataOf(index, termOf(index), 300));
    if (from >= 0 && at >= from - HEAD_BYTES && at < from + 300) return index;
  }
  return null;
}

function hurt(path: string, at: number, disk = whole.fork()): SimulatedDisk {
  disk.flipBit(path, SEGMENT_BYTES - SEAL_TRAILER_BYTES + 8, 2);
  disk.flipBit(path, at, 3);
  return disk;
}

/** Where the frames of a segment that was hurt end, about: nothing but zeros, or its seal, stands behind. */
function framesUntil(path: string): number {
  const bytes = Buffer.from(whole.readVolatile(path) ?? []);
  return bytes.indexOf(Buffer.alloc(64), SEGMENT_HEADER_BYTES);
}

async function repaired(disk: SimulatedDisk, last: number): Promise<void> {
  const { result } = await repairStore(request(disk));
  expect(result?.lastIndex).toBe(last);
  expect(await openingOf(disk)).toBeNull();
  const log = await openRaftLog({ dir: DIR, environment: disk.environment });
  const entries = await log.entries(1, last + 1);
  expect(
    entries.map(({ index, term, data }) => [index, term, Buffer.compare(data, dataOf(index, term, 300))]),
  ).toEqual(Array.from({ length: last }, (_, at) => [at + 1, termOf(at + 1), 0]));
  // Whoever may have lost a vote votes no more in that term.
  expect(log.hardState.term).toBeGreaterThan(3);
  await log.close();
}

describe('a hole in a segment whose seal is damaged too', () => {
  test.each([2, 3])(
    'costs the entry that was hit and what stands on it, and nothing else (segment %i)',
    async (number) => {
      const path = segment(number);
      let kept = 0;
      for (let at = SEGMENT_HEADER_BYTES; at < framesUntil(path); at += STEP) {
        const disk = hurt(path, at);
        const { action, result } = await planStoreRepair(request(disk));
        expect(action).toBe('rebuild-log');
        const hit = entryAt(path, at);
        const last = result?.lastIndex ?? 0;
        // Flags and the like are no part of what an entry's own checksum says.
        if (last < COUNT) {
          // A header that is lost takes the entries of its save along.
          if (hit !== null) expect({ at, last }).toEqual({ at, last: hit - 1 });
          continue;
        }
        kept += 1;
        await repaired(disk, COUNT);
      }
      expect(kept).toBeGreaterThan(0);
    },
  );

  test('and another in the next', async () => {
    const places: number[] = [];
    for (const number of [2, 3]) {
      const path = segment(number);
      let at = SEGMENT_HEADER_BYTES;
      while ((await planStoreRepair(request(hurt(path, at)))).result?.lastIndex !== COUNT) at += 7;
      places.push(at);
    }
    const disk = hurt(segment(3), places[1] ?? 0, hurt(segment(2), places[0] ?? 0));
    await repaired(disk, COUNT);
  });
});

test('an entry that is lost below a snapshot costs nothing: the log goes on behind that', async () => {
  const disk = await storeOf({ isClosed: true, hasSnapshot: true });
  const bytes = Buffer.from(disk.readVolatile(segment(2)) ?? []);
  disk.flipBit(segment(2), SEGMENT_BYTES - SEAL_TRAILER_BYTES + 8, 2);
  disk.flipBit(segment(2), bytes.indexOf(dataOf(11, 1, 300)) + 9, 2);
  const { result } = await repairStore(request(disk));
  expect(result).toMatchObject({ firstIndex: 13, lastIndex: COUNT });
  expect(await openingOf(disk)).toBeNull();
});
