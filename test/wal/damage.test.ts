/**
 * Damage below what was durable must be refused, named and left untouched, and what a crash can cause must never be
 * called damage. Stores are hurt behind the log's back, byte by byte and file by file, and opened again and again.
 */
import { describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { isKeelsonError, type KeelsonError } from '../../src/errors/index.js';
import { checksum } from '../../src/format/checksum.js';
import { FRAME_MAGIC } from '../../src/format/frame-header.js';
import { putU64, viewOf } from '../../src/format/integers.js';
import { decodeSealTrailer, SEAL_TRAILER_BYTES, type SealTrailer } from '../../src/format/seal.js';
import { SEGMENT_HEADER_BYTES, segmentSalt } from '../../src/format/segment-header.js';
import type { RecoveryReport } from '../../src/wal/index.js';
import { meaningfulBytes } from '../damage/meaningful-bytes.js';
import { appendEach, MARKS, newDisk, picture, segment, storeOf, WAL_DIR } from './scratch-wal.js';
import { DIR, open } from './wal-life.js';
import { readAll } from './wal-memory.js';

const SUPERBLOCK = `${DIR}/superblock`;

/** What an open says of a store that must not be opened; the store is as before, and the next open says the same. */
async function refusalOf(disk: SimulatedDisk): Promise<KeelsonError> {
  const before = picture(disk);
  const said = await messageOf(disk);
  expect(picture(disk)).toEqual(before);
  disk.crash('power');
  const again = await messageOf(disk);
  expect(picture(disk)).toEqual(before);
  expect(again.message).toBe(said.message);
  return said;
}

async function messageOf(disk: SimulatedDisk): Promise<KeelsonError> {
  try {
    await open(disk.environment);
  } catch (error) {
    if (isKeelsonError(error)) return error;
    throw error;
  }
  throw new Error('it opened');
}

async function lsnsOf(disk: SimulatedDisk): Promise<{ lastLsn: number; recovery: RecoveryReport }> {
  const wal = await open(disk.environment);
  const { firstLsn, records } = await readAll(wal);
  const { recovery } = wal;
  await wal.close();
  return { lastLsn: firstLsn - 1 + records.length, recovery };
}

function lastSegment(disk: SimulatedDisk): number {
  const names = disk.list().filter((path) => path.endsWith('.wal'));
  return Number(names[names.length - 1]?.slice(WAL_DIR.length + 1, -4));
}

describe('E below P is damage (R3)', () => {
  test('in the tail: named with what is intact behind it', async () => {
    const disk = await storeOf(10, { size: 200 });
    const tail = segment(lastSegment(disk));
    disk.flipBit(tail, SEGMENT_HEADER_BYTES + 90, 3);
    const error = await refusalOf(disk);
    expect(error).toMatchObject({ code: 'KEELSON_CORRUPT', path: tail, offset: SEGMENT_HEADER_BYTES });
    const report = error.details.recovery as RecoveryReport;
    expect(report.verdict).toBe('damaged');
    expect(report.damage?.entries.until).toBe(report.damage?.intact[0]?.from);
    expect(report.damage?.intact.at(-1)?.until).toBe(11);
  });

  test('known from the marks of the frames behind it alone', async () => {
    const disk = await storeOf(3, { size: 100 });
    disk.remove(MARKS);
    disk.flipBit(segment(1), SEGMENT_HEADER_BYTES + 90, 3);
    expect(await refusalOf(disk)).toMatchObject({ code: 'KEELSON_CORRUPT', path: segment(1) });
  });

  test('a header that is intact but does not join is a gap', async () => {
    const disk = await storeOf(3, { size: 100 });
    const bytes = disk.readVolatile(segment(1)) ?? new Uint8Array();
    const frameBytes =
      Buffer.from(bytes).indexOf(FRAME_MAGIC, SEGMENT_HEADER_BYTES + 1) - SEGMENT_HEADER_BYTES;
    const second = SEGMENT_HEADER_BYTES + frameBytes;
    expect(bytes.subarray(second, second + FRAME_MAGIC.length)).toEqual(FRAME_MAGIC);
    disk.overwrite(segment(1), SEGMENT_HEADER_BYTES, bytes.slice(second, second + frameBytes));
    expect(await refusalOf(disk)).toMatchObject({ code: 'KEELSON_LOG_GAP', path: segment(1) });
  });

  test('a frame whose neighbour in front was another one is a gap, though all its numbers fit (R2)', async () => {
    const disk = newDisk();
    const wal = await open(disk.environment);
    await appendEach(wal, 2);
    disk.crash('kill');
    const other = disk.fork();
    // The same numbers and lengths in both; only what the third frame holds is another.
    for (const [at, batch] of [
      [disk, 3],
      [other, 103],
    ] as const) {
      const again = await open(at.environment);
      await appendEach(again, 1, 100, batch);
      // The last one bears witness that the one before it was durable.
      await appendEach(again, 2, 100, 4);
      at.crash('kill');
    }
    const bytesOf = (one: SimulatedDisk): Buffer => Buffer.from(one.readVolatile(segment(1)) ?? []);
    const fourth = (one: SimulatedDisk): number =>
      bytesOf(one).lastIndexOf(FRAME_MAGIC, bytesOf(one).lastIndexOf(FRAME_MAGIC) - 1);
    const from = fourth(disk);
    expect(fourth(other)).toBe(from);
    disk.overwrite(segment(1), from, bytesOf(other).subarray(from));
    expect(await refusalOf(disk)).toMatchObject({ code: 'KEELSON_LOG_GAP', path: segment(1), offset: from });
  });

  test('the last segment emptied behind its witness in another file (D12)', async () => {
    const disk = await storeOf(10, { size: 200 });
    const number = lastSegment(disk);
    const until = disk.readVolatile(segment(number))?.length ?? 0;
    disk.overwrite(segment(number), SEGMENT_HEADER_BYTES, new Uint8Array(until - SEGMENT_HEADER_BYTES));
    expect(await refusalOf(disk)).toMatchObject({ code: 'KEELSON_CORRUPT', path: segment(number) });
  });

  test.each([
    ['torn', (disk: SimulatedDisk) => disk.overwrite(MARKS, 0, new Uint8Array(8192).fill(7))],
    ['missing', (disk: SimulatedDisk) => disk.remove(MARKS)],
  ])('%s marks are no damage', async (_, hurt) => {
    const disk = await storeOf(10);
    hurt(disk);
    expect((await lsnsOf(disk)).lastLsn).toBe(10);
  });

  test('stale marks prove less, and do no harm', async () => {
    const disk = await storeOf(5);
    const old = disk.readVolatile(MARKS) ?? new Uint8Array();
    const wal = await open(disk.environment);
    await appendEach(wal, 3, 500, 6);
    await wal.close();
    disk.writeFile(MARKS, old);
    expect((await lsnsOf(disk)).lastLsn).toBe(8);
  });
});

describe('E at or above P is a tear (R4)', () => {
  test('it is cut, copied to quarantine and reported, and the log goes on', async () => {
    const disk = newDisk();
    const wal = await open(disk.environment);
    await appendEach(wal, 3);
    const whole = disk.readVolatile(segment(1)) ?? new Uint8Array();
    await appendEach(wal, 1, 100, 4);
    const grown = disk.readVolatile(segment(1)) ?? new Uint8Array();
    disk.crash('kill');
    // As if the last group had been torn before any sync: its header is there, its payload is not.
    const from = whole.findIndex((byte, at) => byte !== grown[at]);
    disk.writeFile(segment(1), whole);
    disk.overwrite(segment(1), from, grown.subarray(from, from + 80));
    const { lastLsn, recovery } = await lsnsOf(disk);
    expect(lastLsn).toBe(3);
    expect(recovery).toMatchObject({ verdict: 'torn-tail', cut: { path: segment(1), offset: from } });
    expect(recovery.quarantined).toHaveLength(2);
    const copy = disk.readVolatile(recovery.quarantined[0] as string) ?? new Uint8Array();
    expect(copy.subarray(0, 80)).toEqual(grown.subarray(from, from + 80));
    expect(
      disk
        .readDurable(segment(1))
        ?.subarray(from, grown.findLastIndex((byte) => byte !== 0) + 1)
        .every((byte) => byte === 0),
    ).toBe(true);
    expect((await lsnsOf(disk)).recovery).toMatchObject({ verdict: 'clean', cut: null });
  });
});

describe('segments that are not there (R6)', () => {
  test.each([
    ['first', () => 1],
    ['middle', () => 2],
    ['last', (last: number) => last],
  ])('the %s one is named', async (_, choose) => {
    const disk = await storeOf(20);
    const path = segment(choose(lastSegment(disk)));
    disk.remove(path);
    expect(await refusalOf(disk)).toMatchObject({ code: 'KEELSON_MISSING_SEGMENT', path });
  });

  test.each(['header', 'preamble', 'length'])(
    'a bad %s of a named one is damage, whatever E and P',
    async (what) => {
      const disk = await storeOf(20);
      const path = segment(lastSegment(disk));
      if (what === 'length') disk.resize(path, 4095);
      else disk.flipBit(path, what === 'header' ? 20 : 300, 1);
      expect(await refusalOf(disk)).toMatchObject({ code: 'KEELSON_CORRUPT', path, offset: 0 });
    },
  );

  test.each([0, 60])('a named one of %i bytes is said to have no header', async (bytes) => {
    const disk = await storeOf(20);
    const path = segment(lastSegment(disk));
    disk.writeFile(path, new Uint8Array(bytes));
    const { message } = await refusalOf(disk);
    expect(message).toContain(`no segment header, in a file of ${bytes} bytes`);
  });

  test('leftovers of deleted ones are no damage, also with gaps, and go', async () => {
    const disk = await storeOf(30);
    const old = disk.readVolatile(segment(1)) ?? new Uint8Array();
    const wal = await open(disk.environment);
    await wal.dropBefore(25);
    await wal.close();
    expect(disk.list()).not.toContain(segment(1));
    disk.writeFile(segment(1), old);
    expect((await lsnsOf(disk)).lastLsn).toBe(30);
    expect(disk.list()).not.toContain(segment(1));
  });

  test('one above the range that does not join goes; one of another store too', async () => {
    const disk = await storeOf(20);
    const last = lastSegment(disk);
    disk.writeFile(segment(last + 1), disk.readVolatile(segment(2)) ?? new Uint8Array());
    expect((await lsnsOf(disk)).lastLsn).toBe(20);
    expect(disk.list()).not.toContain(segment(last + 1));
    const other = await storeOf(20, { seed: 2 });
    disk.writeFile(segment(last + 1), other.readVolatile(segment(1)) ?? new Uint8Array());
    expect((await lsnsOf(disk)).lastLsn).toBe(20);
  });

  test("another store's segment in place of a live one is refused", async () => {
    const disk = await storeOf(20);
    const other = await storeOf(20, { seed: 2 });
    disk.writeFile(segment(2), other.readVolatile(segment(2)) ?? new Uint8Array());
    expect(await refusalOf(disk)).toMatchObject({ code: 'KEELSON_MISSING_SEGMENT', path: segment(2) });
  });
});

describe('the superblock (R7)', () => {
  test.each([0, 1])('slot %i is rebuilt from the other, and reported', async (slot) => {
    const disk = await storeOf(10);
    disk.flipBit(SUPERBLOCK, slot * 4096 + 50, 0);
    const { lastLsn, recovery } = await lsnsOf(disk);
    expect(lastLsn).toBe(10);
    expect(recovery.rebuilt).toEqual([`${SUPERBLOCK} slot ${slot}`]);
    expect((await lsnsOf(disk)).recovery.rebuilt).toEqual([]);
  });

  test('both bad, or none beside frames, is damage', async () => {
    const disk = await storeOf(10);
    disk.flipBit(SUPERBLOCK, 50, 0);
    disk.flipBit(SUPERBLOCK, 4096 + 50, 0);
    expect(await refusalOf(disk)).toMatchObject({ code: 'KEELSON_CORRUPT', path: SUPERBLOCK });
    disk.remove(SUPERBLOCK);
    expect(await refusalOf(disk)).toMatchObject({ code: 'KEELSON_CORRUPT', path: SUPERBLOCK });
  });

  test('exchanged with the only segment, which then stands under its name, it is damage, and no log is made anew', async () => {
    const disk = await storeOf(3);
    const [one, other] = [SUPERBLOCK, segment(1)].map((path) => disk.readVolatile(path) ?? new Uint8Array());
    disk.writeFile(SUPERBLOCK, other as Uint8Array);
    disk.writeFile(segment(1), one as Uint8Array);
    disk.remove(MARKS);
    expect(await refusalOf(disk)).toMatchObject({ code: 'KEELSON_CORRUPT', path: SUPERBLOCK });
  });

  test('a newer format is refused under its own checksum, and nothing changes', async () => {
    const disk = await storeOf(3);
    for (const slot of [0, 1]) {
      const bytes = (disk.readVolatile(SUPERBLOCK) ?? new Uint8Array()).slice(slot * 4096, (slot + 1) * 4096);
      const view = new DataView(bytes.buffer);
      view.setUint32(8, 9, true);
      view.setUint32(12, checksum(bytes.subarray(16), checksum(bytes.subarray(0, 12))), true);
      disk.overwrite(SUPERBLOCK, slot * 4096, bytes);
    }
    expect(await refusalOf(disk)).toMatchObject({
      code: 'KEELSON_INCOMPATIBLE_FORMAT',
      found: 9,
      expected: 1,
    });
  });
});

test('bits of a small store flipped, one at a time: never fewer records in silence, never a wrong byte', async () => {
  const isDeep = process.env['KEELSON_DEEP'] === '1';
  const disk = await storeOf(6, { size: 20 });
  for (const path of disk.list()) {
    const bytes = disk.readVolatile(path) ?? new Uint8Array();
    const meaningful = meaningfulBytes(path, bytes);
    for (let byte = 0; byte < bytes.length; byte += 1) {
      // Payload, zeros behind the frames, and padding, are tried more thinly: every bit of them is the same bit.
      if (byte % 61 !== 0 && !meaningful.has(byte)) continue;
      for (let bit = 0; bit < 8; bit += 1) {
        if (!isDeep && bit !== (byte * 5) % 8) continue;
        const fork = disk.fork();
        fork.flipBit(path, byte, bit);
        let lastLsn = 6;
        try {
          ({ lastLsn } = await lsnsOf(fork));
        } catch (error) {
          const isDamage = isKeelsonError(error) && error.family === 'damage';
          expect(isDamage, `${path} byte ${byte} bit ${bit}: ${String(error)}`).toBe(true);
        }
        expect(lastLsn, `${path} byte ${byte} bit ${bit}`).toBe(6);
      }
    }
  }
});

test('a read error at open is no tear and no damage (R9)', async () => {
  const disk = await storeOf(6);
  const calls = disk.fork();
  const reads: number[] = [];
  calls.onCall = ({ number, kind }) => {
    if (kind === 'read') reads.push(number);
    return undefined;
  };
  await lsnsOf(calls);
  for (const call of reads) {
    const fork = disk.fork();
    fork.direct(call, { code: 'EIO' });
    let opened = false;
    try {
      await open(fork.environment);
      opened = true;
    } catch (error) {
      expect(error).toMatchObject({ code: 'KEELSON_READ_FAILED' });
    }
    if (opened) continue;
    expect((await lsnsOf(fork)).lastLsn).toBe(6);
  }
});

test('a seal that owns other records than its segment holds, under a sum that holds, is told by who reads them', async () => {
  const disk = await storeOf(20, { isClosed: true });
  const bytes = disk.readVolatile(segment(2))?.slice() ?? new Uint8Array();
  const salt = segmentSalt(bytes.subarray(32, 48));
  const trailer = bytes.subarray(bytes.length - SEAL_TRAILER_BYTES);
  const { lowest, until } = decodeSealTrailer(trailer, salt) as SealTrailer;
  putU64(viewOf(trailer), 8, lowest + 1);
  putU64(viewOf(trailer), 16, until + 1);
  viewOf(trailer).setUint32(4, checksum(trailer.subarray(8), checksum(trailer.subarray(0, 4), salt)), true);
  disk.writeFile(segment(2), bytes);
  const wal = await open(disk.environment);
  await expect(readAll(wal)).rejects.toMatchObject({ code: 'KEELSON_CORRUPT' });
  await wal.close();
});
