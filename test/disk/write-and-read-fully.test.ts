/**
 * At stake: a short write taken for a whole one leaves a hole inside an acknowledged save (D4).
 * Tried by moving random bytes through a real file that gives way only a few bytes a call.
 */
import { fc, test } from '@fast-check/vitest';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { NodeDisk, readFully, writeFully, type CallMode } from '../../src/disk/index.js';
import { scratchDirectory } from './scratch-directory.js';
import { StingyFile } from './stingy-file.js';

const disk = new NodeDisk();
const modes: CallMode[] = ['inline', 'background'];

async function stingyFile(bytesMax: number): Promise<StingyFile> {
  const path = join(scratchDirectory(), 'file');
  return new StingyFile(await disk.open(path, { access: 'write', create: 'exclusive' }), bytesMax);
}

describe('writeFully and readFully', () => {
  test.prop(
    [
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 80 }),
      fc.nat(5000),
      fc.constantFrom(...modes),
    ],
    { numRuns: 40 },
  )(
    'move every byte to and from its place, however little a call moves',
    async (bytes, bytesMax, at, mode) => {
      const file = await stingyFile(bytesMax);
      await writeFully(file, bytes, at, mode);
      expect(file.calls).toHaveLength(Math.ceil(bytes.length / bytesMax));
      expect(await file.stat()).toMatchObject({ size: at + bytes.length });

      const back = new Uint8Array(bytes.length);
      expect(await readFully(file, back, at, mode)).toBe(bytes.length);
      expect(back).toEqual(bytes);
      expect(new Set(file.modes)).toEqual(new Set([mode]));
      await file.close();
    },
  );

  test('stay inline when the file answers inline with all of it', async () => {
    const file = await stingyFile(64);
    expect(writeFully(file, new Uint8Array(64), 0, 'inline')).toBeUndefined();
    expect(readFully(file, new Uint8Array(64), 0, 'inline')).toBe(64);
    await file.close();
  });

  test('readFully says how much there was where the file ends, and leaves the rest alone', async () => {
    const file = await stingyFile(3);
    await writeFully(file, new Uint8Array([1, 2, 3, 4, 5, 6, 7]), 0);
    const into = new Uint8Array(10).fill(9);
    expect(await readFully(file, into, 2)).toBe(5);
    expect([...into]).toEqual([3, 4, 5, 6, 7, 9, 9, 9, 9, 9]);
    expect(await readFully(file, into, 7)).toBe(0);
    expect(await readFully(file, into, 7, 'inline')).toBe(0);
    await file.close();
  });

  test.each(modes)(
    'writeFully names a write without progress instead of trying for ever (%s)',
    async (mode) => {
      const file = await stingyFile(0);
      const write = async (): Promise<void> => writeFully(file, new Uint8Array(5), 4096, mode);
      await expect(write()).rejects.toMatchObject({
        code: 'EIO',
        path: file.path,
        message: expect.stringContaining('0 of 5 bytes written at 4096') as string,
      });
      await file.close();
    },
  );

  test('writeFully of nothing is nothing', async () => {
    const file = await stingyFile(10);
    await writeFully(file, new Uint8Array(0), 100);
    expect(await file.stat()).toMatchObject({ size: 0 });
    await file.close();
  });

  test('a failure in the middle reaches the caller', async () => {
    const file = await stingyFile(2);
    await file.close();
    const write = async (): Promise<void> => writeFully(file, new Uint8Array(5), 0, 'inline');
    await expect(write()).rejects.toMatchObject({ code: 'EBADF' });
    const read = async (): Promise<number> => readFully(file, new Uint8Array(5), 0);
    await expect(read()).rejects.toMatchObject({ code: 'EBADF' });
  });
});
