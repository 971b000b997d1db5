/**
 * A rotation, a compaction and a deletion each change the superblock, and none waits for the others. Were two changes made at
 * once they would take one slot and one generation, and what the first says would be gone with the second, acknowledged.
 */
import { describe, expect, test } from 'vitest';
import { SUPERBLOCK_BYTES } from '../../src/format/superblock.js';
import { newestSlot, readSlots, SuperblockFile } from '../../src/wal/store/superblock-file.js';
import { appendEach, newDisk } from './scratch-wal.js';
import { DIR, open } from './wal-life.js';

const SUPERBLOCK = `${DIR}/superblock`;

describe('changes of the superblock that are asked for at once', () => {
  test('are made one by one, and each stays', async () => {
    const disk = newDisk(1, { calls: 'background' });
    const wal = await open(disk.environment);
    await appendEach(wal, 2);
    await wal.close();
    const file = await disk.environment.disk.open(SUPERBLOCK, { access: 'write' });
    const superblock = SuperblockFile.of(file, await readSlots(file)) as SuperblockFile;
    const { generation } = superblock.current;
    const proven = { lsn: 77, lastIndex: 5, lastTerm: 1 };
    await Promise.all([
      superblock.write({ newestSegment: 9 }),
      superblock.writeBoth({ firstSegment: 3 }),
      superblock.witness(proven),
    ]);
    const { slots } = await readSlots(file);
    expect(newestSlot(slots)).toMatchObject({ newestSegment: 9, firstSegment: 3, proven });
    expect(
      slots.map((slot) => (slot.kind === 'valid' ? slot.superblock.generation - generation : null)).sort(),
    ).toEqual([3, 4]);
    await file.close();
  });
});

test('a writer neither of whose slots can be read acknowledges nothing more (D11)', async () => {
  const disk = newDisk(1, { calls: 'inline' });
  const wal = await open(disk.environment);
  await appendEach(wal, 2);
  disk.overwrite(SUPERBLOCK, 0, new Uint8Array(SUPERBLOCK_BYTES).fill(7));
  await expect(appendEach(wal, 1, 100, 3)).rejects.toMatchObject({ code: 'KEELSON_FENCED' });
  await wal.close();
});
