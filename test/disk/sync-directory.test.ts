/**
 * At stake: a name that no sync covered is gone after a power cut, and a refusal that is swallowed on a
 * system that can sync directories hides exactly that. Tried on the real file system, under each platform's rule.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NodeDisk } from '../../src/disk/index.js';
import { syncNodeDirectory } from '../../src/disk/sync-directory.js';
import { scratchDirectory } from './scratch-directory.js';

describe('the sync of a directory', () => {
  test('succeeds on a directory with fresh names', async () => {
    const directory = scratchDirectory();
    writeFileSync(join(directory, 'name'), '');
    await expect(new NodeDisk().syncDirectory(directory)).resolves.toBeUndefined();
  });

  test.each(['linux', 'darwin', 'win32'])(
    'names a directory that is not there, by the rule of %s',
    async (platform) => {
      const path = join(scratchDirectory(), 'absent');
      await expect(syncNodeDirectory(path, platform)).rejects.toMatchObject({ code: 'ENOENT', path });
    },
  );

  // A pseudo file system refuses the fsync itself, which is the nearest a Linux machine has to Windows.
  test.skipIf(process.platform !== 'linux')('a refusal counts everywhere but on Windows', async () => {
    await expect(syncNodeDirectory('/proc/self/fd', 'linux')).rejects.toMatchObject({ code: 'EINVAL' });
    // And of refusals only Windows' own are taken for an answer.
    await expect(syncNodeDirectory('/proc/self/fd', 'win32')).rejects.toMatchObject({ code: 'EINVAL' });
  });
});
