/**
 * At stake: what an editor, a kernel or a file system leaves beside a store must not keep it closed, and a directory that is no
 * store, or whose disk is not mounted, must not become one. Tried with such files on the simulated disk.
 */
import { describe, expect, test } from 'vitest';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/index.js';
import { openRaftLog, type RaftLog, type RaftLogOptions } from '../../src/index.js';

const DIR = '/data/log';
const WAL = '/mnt/wal';
const STRAYS = ['.DS_Store', '.nfs000000000001', 'core.1234', 'superblock~', 'Thumbs.db'];

function newDisk(): SimulatedDisk {
  return createSimulatedDisk({ seed: 1, directories: ['/data', '/mnt'] });
}

function open(disk: SimulatedDisk, options: Partial<RaftLogOptions> = {}): Promise<RaftLog> {
  return openRaftLog({ dir: DIR, segmentBytes: 4096, environment: disk.environment, ...options });
}

async function store(disk: SimulatedDisk, options: Partial<RaftLogOptions> = {}): Promise<void> {
  const log = await open(disk, options);
  await log.save({ hardState: { term: 1 }, entries: [{ index: 1, term: 1, data: new Uint8Array(9) }] });
  await log.close();
}

describe('a stray file', () => {
  test.each(STRAYS)('%s beside a live store is named and left alone', async (name) => {
    const disk = newDisk();
    await store(disk);
    const paths = [`${DIR}/${name}`, `${DIR}/wal/${name}`];
    for (const path of paths) disk.writeFile(path, Uint8Array.of(1, 2, 3));
    for (const readOnly of [true, false]) {
      const log = await open(disk, { readOnly });
      expect(log.lastIndex).toBe(1);
      expect(log.recovery.strays).toEqual(paths);
      expect((await log.verify()).damage).toEqual([]);
      await log.close();
    }
    for (const path of paths) expect(disk.readVolatile(path)).toEqual(Uint8Array.of(1, 2, 3));
  });

  test.each(STRAYS)('%s where no store is keeps one from being made', async (name) => {
    const disk = newDisk();
    disk.makeDirectory(DIR);
    disk.writeFile(`${DIR}/${name}`, Uint8Array.of(1));
    const before = disk.list();
    await expect(open(disk)).rejects.toMatchObject({ code: 'KEELSON_NOT_A_LOG' });
    expect(disk.list()).toEqual(before);
  });
});

test.each([true, false])(
  'nothing is made below a walDir that is not mounted (its directory is there: %s)',
  async (isThere) => {
    const disk = newDisk();
    await store(disk, { walDir: WAL });
    await disk.disk.rename(WAL, '/mnt/unmounted');
    if (isThere) disk.makeDirectory(WAL);
    const before = disk.list();
    for (const create of ['never', 'if-missing'] as const) {
      const opening = open(disk, { walDir: WAL, create });
      await expect(opening).rejects.toMatchObject({ code: 'KEELSON_MISSING_SEGMENT' });
      await expect(opening).rejects.toThrow(/mounted/);
    }
    expect(disk.list()).toEqual(before);
  },
);
