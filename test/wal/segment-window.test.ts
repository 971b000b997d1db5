// A scan goes over a window while the next one is read: a frame on the seam must be what the file holds, whatever the read
// ahead came to. Windows of drawn sizes slide over drawn bytes, with reads that are short, fail, or end after the walk.
import { describe, expect, it } from 'vitest';
import type { DiskFile } from '../../src/disk/port.js';
import { SegmentWindow } from '../../src/wal/segment/segment-window.js';
import { Random } from '../../sim/world/random.js';

const FILE_BYTES = 300_000;

/** Of the file only what a window asks for. */
function fileOf(bytes: Uint8Array, failing: (reads: number) => boolean): DiskFile & { pending: number } {
  let reads = 0;
  const file = {
    path: 'segment',
    pending: 0,
    async read(into: Uint8Array, position: number): Promise<number> {
      reads += 1;
      const fails = failing(reads);
      file.pending += 1;
      await new Promise(setImmediate);
      file.pending -= 1;
      if (fails) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return part.length;
    },
  };
  return file as unknown as DiskFile & { pending: number };
}

function drawn(random: Random): Uint8Array {
  const bytes = new Uint8Array(FILE_BYTES);
  random.fill(bytes);
  return bytes;
}

describe('a window that reads ahead', () => {
  it('holds what the file holds, across every seam', async () => {
    const random = new Random(1);
    const bytes = drawn(random);
    for (const windowBytes of [8192, 70_000, 256_000]) {
      const window = new SegmentWindow(
        fileOf(bytes, () => false),
        FILE_BYTES,
        { windowBytes, readsAhead: true },
      );
      for (let at = 0; at < FILE_BYTES;) {
        // Also frames larger than a window, and than what is carried over.
        const length = random.below(20) === 0 ? random.below(150_000) : random.below(3000);
        const held = Buffer.from(await window.view(at, length));
        const expected = bytes.subarray(at, at + length);
        expect(held.equals(expected), `${length} bytes at ${at} by ${windowBytes}`).toBe(true);
        at += 1 + Math.floor(length * random.fraction() * 1.2);
      }
      await window.settle();
    }
  });

  it('reads again what could not be read ahead, and tells only of that failure', async () => {
    const bytes = drawn(new Random(2));
    const isSecond = (reads: number): boolean => reads === 2;
    const window = new SegmentWindow(fileOf(bytes, isSecond), FILE_BYTES, {
      windowBytes: 4096,
      readsAhead: true,
    });
    await window.view(0, 100);
    expect(Buffer.from(await window.view(4000, 200)).equals(bytes.subarray(4000, 4200))).toBe(true);
    await window.settle();
    const dead = new SegmentWindow(
      fileOf(bytes, (reads) => reads > 1),
      FILE_BYTES,
      { windowBytes: 4096, readsAhead: true },
    );
    await dead.view(0, 100);
    await expect(Promise.resolve(dead.view(4000, 200))).rejects.toMatchObject({
      code: 'KEELSON_READ_FAILED',
    });
    await dead.settle();
  });

  it('has no read under way once it is settled', async () => {
    const file = fileOf(drawn(new Random(3)), () => false);
    const window = new SegmentWindow(file, FILE_BYTES, { windowBytes: 4096, readsAhead: true });
    await window.view(0, 100);
    expect(file.pending).toBe(1);
    await window.settle();
    expect(file.pending).toBe(0);
  });
});
