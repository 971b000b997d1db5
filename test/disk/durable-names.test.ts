/**
 * At stake: a directory that nobody may rename keeps a store closed that is whole, and one that was renamed and not put
 * back hides it. Tried with every answer of a system that refuses, on the simulated disk, and with the longest names.
 */
import { describe, expect, test } from 'vitest';
import { nodeEnvironment } from '../../src/disk/node-environment.js';
import { proveOwnName, renewDirectory, restoreOwnName } from '../../src/disk/durable-names.js';
import { createSimulatedDisk, type SimulatedDisk } from '../../sim/index.js';
import { scratchDirectory } from './scratch-directory.js';

const REFUSALS = ['EACCES', 'EBUSY', 'EPERM', 'EROFS', 'EXDEV'];

function diskWith(...directories: string[]): SimulatedDisk {
  return createSimulatedDisk({ seed: 1, directories: ['/data', ...directories] });
}

function refusing(disk: SimulatedDisk, code: string): void {
  disk.onCall = ({ kind }) => (kind === 'rename' ? { code } : undefined);
}

describe('a directory is named again', () => {
  test('and stands where it stood', async () => {
    const disk = diskWith('/data/log');
    expect(await renewDirectory(disk.disk, '/data/log')).toBe(true);
    expect(await disk.disk.stat('/data/log')).not.toBeNull();
    expect(await disk.disk.stat('/data/log.aside')).toBeNull();
  });

  test.each(REFUSALS)('unless %s says that its name was there before', async (code) => {
    const disk = diskWith('/data/log');
    refusing(disk, code);
    expect(await renewDirectory(disk.disk, '/data/log')).toBe(false);
  });

  test('and a disk that fails is told of', async () => {
    const disk = diskWith('/data/log');
    refusing(disk, 'EIO');
    await expect(renewDirectory(disk.disk, '/data/log')).rejects.toMatchObject({
      code: 'KEELSON_WRITE_FAILED',
    });
  });
});

describe('the own name of a store', () => {
  test.each(REFUSALS)(
    'needs no sync of a parent that cannot be read where %s forbids to rename in it',
    async (code) => {
      const disk = diskWith('/data/log');
      disk.onCall = ({ kind }) =>
        kind === 'rename' ? { code } : kind === 'syncDirectory' ? { code: 'EACCES' } : undefined;
      await proveOwnName(disk.disk, '/data/log');
    },
  );

  test('needs it where it was made here', async () => {
    const disk = diskWith('/data/log');
    disk.onCall = ({ kind }) => (kind === 'syncDirectory' ? { code: 'EACCES' } : undefined);
    await expect(proveOwnName(disk.disk, '/data/log')).rejects.toMatchObject({ code: 'KEELSON_SYNC_FAILED' });
  });

  test.each([241, 242, 250, 255])('may be of %i bytes', async (bytes) => {
    const { disk } = nodeEnvironment();
    const path = `${scratchDirectory()}/${'n'.repeat(bytes)}`;
    await disk.mkdir(path);
    await proveOwnName(disk, path);
    await restoreOwnName(disk, path);
    expect((await disk.stat(path))?.kind).toBe('directory');
  });
});
