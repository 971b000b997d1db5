/**
 * A release that meets a format it does not know must say so and touch nothing: what it took for damage, or for a
 * leftover, could be the only copy of what was acknowledged. Newer and older versions are written under valid
 * checksums into superblock slots and segments, into one at a time and into all.
 */
import { describe, expect, test } from 'vitest';
import type { SimulatedDisk } from '../../sim/disk/simulated-disk.js';
import { isKeelsonError, type KeelsonError } from '../../src/errors/index.js';
import { checksum } from '../../src/format/checksum.js';
import { SUPERBLOCK_SLOT_BYTES } from '../../src/format/superblock.js';
import type { RecoveryReport } from '../../src/wal/index.js';
import { appendEach, newDisk, picture, segment, storeOf } from './scratch-wal.js';
import { DIR, open } from './wal-life.js';
import { readAll, recordOf } from './wal-memory.js';

const SUPERBLOCK = `${DIR}/superblock`;

/** Writes another version into a block, under a checksum that holds. */
/** Bytes of a segment's header that its own sum covers. */
const HEADER_SUMMED_BYTES = 128;

function writeVersion(disk: SimulatedDisk, path: string, from: number, bytes: number, version: number): void {
  const block = (disk.readVolatile(path) ?? new Uint8Array()).slice(from, from + bytes);
  const view = new DataView(block.buffer);
  view.setUint32(8, version, true);
  view.setUint32(12, checksum(block.subarray(16), checksum(block.subarray(0, 12))), true);
  disk.overwrite(path, from, block);
}

function slotOfVersion(disk: SimulatedDisk, slot: number, version: number): void {
  writeVersion(disk, SUPERBLOCK, slot * SUPERBLOCK_SLOT_BYTES, SUPERBLOCK_SLOT_BYTES, version);
}

/** What the open says; twice, with a crash between, and nothing changes. */
async function refusalOf(disk: SimulatedDisk): Promise<KeelsonError> {
  const before = picture(disk);
  const said: KeelsonError[] = [];
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const error: unknown = await open(disk.environment).then(
      () => new Error('it opened'),
      (reason: unknown) => reason,
    );
    if (!isKeelsonError(error)) throw error;
    said.push(error);
    expect(picture(disk)).toEqual(before);
    disk.crash('power');
  }
  expect(said[1]?.message).toBe(said[0]?.message);
  return said[0] as KeelsonError;
}

describe('a superblock', () => {
  test.each([
    ['both slots', [0, 1], 9],
    // A newer release that was stopped between its two writes: the older slot still says what is not true any more.
    ['the first slot alone', [0], 2],
    ['the second slot alone', [1], 2],
  ])('of a newer format in %s', async (_, slots, version) => {
    const disk = await storeOf(4);
    for (const slot of slots) slotOfVersion(disk, slot, version);
    const error = await refusalOf(disk);
    expect(error).toMatchObject({
      code: 'KEELSON_INCOMPATIBLE_FORMAT',
      family: 'damage',
      path: SUPERBLOCK,
      found: version,
      expected: 1,
    });
    expect(error.message).toContain('Open it with the release that wrote it, or a newer one.');
    expect((error.recovery as RecoveryReport).verdict).toBe('damaged');
  });

  test('of an older format: found, expected, and what can be done', async () => {
    const disk = await storeOf(4);
    for (const slot of [0, 1]) slotOfVersion(disk, slot, 0);
    expect(await refusalOf(disk)).toMatchObject({
      code: 'KEELSON_INCOMPATIBLE_FORMAT',
      found: 0,
      expected: 1,
    });
  });

  test('a newer version whose checksum does not hold is a bad slot, and no version', async () => {
    const disk = await storeOf(4);
    disk.overwrite(SUPERBLOCK, 8, Uint8Array.of(2));
    const wal = await open(disk.environment);
    expect(wal.recovery.rebuilt).toEqual([`${SUPERBLOCK} slot 0`]);
    expect((await readAll(wal)).records).toHaveLength(4);
  });

  test.each([0, 1])('a newer release has begun to take over, slot %i: fenced (D11)', async (slot) => {
    const disk = newDisk();
    const wal = await open(disk.environment);
    await appendEach(wal, 3);
    slotOfVersion(disk, slot, 2);
    await expect(wal.append([recordOf(4, 0, 9)])).rejects.toMatchObject({ code: 'KEELSON_FENCED' });
    await wal.close();
  });
});

describe('a segment of a live range', () => {
  test.each([
    ['the first', 1, 2],
    ['the first', 1, 0],
    ['one in the middle', 2, 7],
  ])('%s, number %i, of version %i', async (_, number, version) => {
    const disk = await storeOf(30, { size: 500, isClosed: true });
    writeVersion(disk, segment(number), 0, HEADER_SUMMED_BYTES, version);
    const error = await refusalOf(disk);
    expect(error).toMatchObject({
      code: 'KEELSON_INCOMPATIBLE_FORMAT',
      path: segment(number),
      found: version,
      expected: 1,
    });
    expect((error.recovery as RecoveryReport).verdict).toBe('damaged');
  });
});
