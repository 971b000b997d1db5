/**
 * At stake: a clone of a store must own complete snapshot files, also where hard links are refused, and
 * must never mistake another file for its own. Tried on real files, with the refusals that kernels give.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NodeDisk, systemError } from '../../src/disk/index.js';
import { linkOrReflink } from '../../src/disk/link-or-reflink.js';
import { scratchDirectory } from './scratch-directory.js';

const refuse = (code: string) => (from: string) =>
  Promise.reject(systemError(code, 'refused', { syscall: 'link', path: from }));

function fileIn(directory: string): { from: string; to: string } {
  const from = join(directory, 'from');
  writeFileSync(from, 'snapshot');
  return { from, to: join(directory, 'to') };
}

describe('link', () => {
  test('gives the same inode a second name', async () => {
    const { from, to } = fileIn(scratchDirectory());
    await new NodeDisk().link(from, to);
    expect(statSync(to).ino).toBe(statSync(from).ino);
    expect(statSync(to).nlink).toBe(2);
  });

  test('refuses a name that is taken, and leaves that file alone', async () => {
    const { from, to } = fileIn(scratchDirectory());
    writeFileSync(to, 'other');
    await expect(linkOrReflink(from, to)).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(linkOrReflink(from, to, refuse('EPERM'))).rejects.toMatchObject({
      code: /EEXIST|EPERM/,
    });
    expect(readFileSync(to, 'utf8')).toBe('other');
  });

  test.each(['EPERM', 'ENOTSUP', 'EXDEV', 'EMLINK'])(
    'answers %s with a copy that shares blocks',
    async (code) => {
      const { from, to } = fileIn(scratchDirectory());
      const copies: string[][] = [];
      await linkOrReflink(from, to, refuse(code), (...names) => {
        copies.push(names);
        return Promise.resolve();
      });
      expect(copies).toEqual([[from, to]]);
    },
  );

  test.each(['ENOENT', 'ENOSPC', 'EIO'])('passes %s on: no copy would mend it', async (code) => {
    const { from, to } = fileIn(scratchDirectory());
    const failure = linkOrReflink(from, to, refuse(code), () => Promise.resolve());
    await expect(failure).rejects.toMatchObject({ code });
  });

  test('really shares blocks, or leaves no name behind and says what the link said', async () => {
    const { from, to } = fileIn(scratchDirectory());
    const outcome = await linkOrReflink(from, to, refuse('ENOTSUP')).then(
      () => 'copied',
      (error: unknown) => error,
    );
    if (outcome === 'copied') {
      expect(readFileSync(to, 'utf8')).toBe('snapshot');
      expect(statSync(to).ino).not.toBe(statSync(from).ino);
    } else {
      expect(outcome).toMatchObject({
        code: 'ENOTSUP',
        cause: expect.objectContaining({ syscall: 'copyfile' }) as Error,
      });
      expect(existsSync(to)).toBe(false);
    }
  });

  const otherDevice = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync('/tmp').dev;
  test.skipIf(!otherDevice)('says EXDEV between two real file systems', async () => {
    const { from } = fileIn(scratchDirectory());
    const to = join(scratchDirectory('/dev/shm'), 'to');
    await expect(new NodeDisk().link(from, to)).rejects.toMatchObject({ code: 'EXDEV' });
    expect(existsSync(to)).toBe(false);
  });
});
